"""Pushes to a real registry that are killed, run out of disk, meet others, or find what somebody else put there."""

from __future__ import annotations

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from registry import Running, running
from tinyroad import Road, write_base

from envbuild.oci.canonical import canonical_json, sha256_digest

pytestmark = pytest.mark.registry

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "registry") as server:
        yield server


def arguments(road: Road, name: str, *more: str) -> list[str]:
    base = () if "--base" in more else ("--base", f"oci:{road.base}")
    return ["image", str(road.model), "-t", name, "--push", *base, "--server", "envbuild", "--bytecode", "off", *more]


def settings(road: Road, **changes: str) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(road.folder / "docker"), "DOCKER_HOST": "tcp://127.0.0.1:1", **changes}


def push(road: Road, name: str, *more: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return road.run(*arguments(road, name, *more), **settings(road, **changes))


def pushed(road: Road, name: str, *more: str, **changes: str) -> dict[str, Any]:
    done = push(road, name, "--json", *more, **changes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def started(road: Road, name: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        road.command(*arguments(road, name, *more)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=road.variables(**settings(road)),
        cwd=road.folder,
        start_new_session=True,
    )


def asked(server: Running, path: str, *, method: str = "GET") -> bytes | None:
    """What the registry answers, None for what it has not."""
    request = urllib.request.Request(f"http://{server.address}/v2/{path}", method=method, headers={"Accept": MANIFEST})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            data: bytes = answer.read()
            return data
    except urllib.error.HTTPError as error:
        assert error.code == 404, error.code
        return None


def whole(server: Running, repository: str, tag: str) -> str:
    """The digest that a tag stands for, empty where there is none; every blob of it is there."""
    raw = asked(server, f"{repository}/manifests/{tag}")
    if raw is None:
        return ""
    manifest = json.loads(raw)
    for entry in (manifest["config"], *manifest["layers"]):
        assert asked(server, f"{repository}/blobs/{entry['digest']}", method="HEAD") is not None
    return sha256_digest(raw)


def uploads(server: Running) -> Counter[tuple[str, str]]:
    """How often the registry stored each blob, by repository and digest."""
    line = re.compile(r'"PUT /v2/(.+?)/blobs/uploads/\S*digest=(sha256(?:%3A|:)[0-9a-f]{64})\S* HTTP/1.1" 201')
    found = line.findall(server.log.read_text())
    return Counter((repository, digest.replace("%3A", ":")) for repository, digest in found)


def wait_for_an_upload(server: Running, process: subprocess.Popen[str], repository: str, seen: set[Path]) -> None:
    """Until bytes of a blob arrive; `seen` are the uploads that were there before."""
    for _ in range(4000):
        if process.poll() is not None or any(map(size_of, under_way(server, repository) - seen)):
            return
        time.sleep(0.005)


def under_way(server: Running, repository: str) -> set[Path]:
    """The files of uploads that have begun; those of a push that was killed stay for days."""
    folder = server.folder / "data/docker/registry/v2/repositories" / repository / "_uploads"
    return set(folder.glob("*/data"))


def size_of(path: Path) -> int:
    """Its bytes; an upload that has ended has none any more."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def heavy(road: Road, seed: int, size: int = 16 << 20) -> None:
    (road.model / "weights.bin").write_bytes(random.Random(seed).randbytes(size))


@pytest.mark.slow
def test_pushes_that_are_killed_leave_whole_images_alone_and_upload_nothing_twice(road: Road, server: Running) -> None:
    rng = random.Random(6)
    before, killed = "", 0
    for seed in range(5):
        heavy(road, seed)
        seen = under_way(server, "team/killed")
        process = started(road, f"{server.address}/team/killed:1")
        wait_for_an_upload(server, process, "team/killed", seen)
        time.sleep(rng.random() * 0.15)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        meanwhile = whole(server, "team/killed", "1")
        now = pushed(road, f"{server.address}/team/killed:1")["manifest_digest"]
        assert meanwhile in (before, now)
        assert whole(server, "team/killed", "1") == now
        before = now
    counts = uploads(server)
    assert killed >= 2
    assert len(counts) > 10
    assert set(counts.values()) == {1}


@pytest.mark.slow
def test_two_builds_of_the_same_layers_at_once_upload_each_once(road: Road, server: Running) -> None:
    heavy(road, 1)
    both = [started(road, f"{server.address}/team/both:{tag}") for tag in ("1", "1", "2")]
    results = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], [stderr for _, stderr in results]
    counts = uploads(server)
    assert len(counts) > 4
    assert set(counts.values()) == {1}
    assert whole(server, "team/both", "1") == whole(server, "team/both", "2") != ""


@pytest.mark.slow
def test_a_registry_that_dies_half_way_is_waited_for_and_one_that_stays_dead_is_told(
    road: Road, server: Running
) -> None:
    heavy(road, 2, 48 << 20)
    seen = under_way(server, "team/dies")
    process = started(road, f"{server.address}/team/dies:1")
    wait_for_an_upload(server, process, "team/dies", seen)
    server.kill()
    time.sleep(0.2)
    server.start()
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 0, stderr
    first = whole(server, "team/dies", "1")
    heavy(road, 3, 48 << 20)
    seen = under_way(server, "team/dies")
    process = started(road, f"{server.address}/team/dies:1")
    wait_for_an_upload(server, process, "team/dies", seen)
    server.kill()
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 6, stderr
    assert server.address in stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    server.start()
    assert whole(server, "team/dies", "1") == first
    now = pushed(road, f"{server.address}/team/dies:1")["manifest_digest"]
    assert whole(server, "team/dies", "1") == now != first
    assert set(uploads(server).values()) == {1}


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of `size` bytes, which only root can have mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root on Linux")
def test_a_disk_that_is_full_at_any_stage_of_a_push_is_told_and_nothing_is_named(road: Road, server: Running) -> None:
    """The disk has what a build takes, and less by a step each time: another stage is met by its end."""
    (road.model / "weights.bin").write_bytes(b"some text, " * 300_000)  # gets smaller, so that it is written twice
    name = f"{server.address}/team/full"
    taken = sum(path.stat().st_size for path in _built(road, name).rglob("*") if path.is_file())
    with small_disk(road.folder / "small", str(taken + (8 << 20))) as disk:
        told = set()
        for step, room in enumerate((4_096, 300_000, 1_000_000, 2_500_000, taken - 3_000_000)):
            filler = disk / "filler"
            filler.write_bytes(bytes(max(_free(disk) - room, 0)))
            done = push(road, f"{name}:{step}", ENVBUILD_CACHE_DIR=str(disk / "cache"))
            filler.unlink()
            if done.returncode == 0:
                assert whole(server, "team/full", str(step)) != ""
                continue
            assert done.returncode == 8, done.stderr
            assert "Traceback" not in done.stderr
            assert "full" in done.stderr or "no space" in done.stderr
            assert "hint:" in done.stderr
            assert whole(server, "team/full", str(step)) == ""
            told.add(step)
        assert len(told) >= 3
        pushed(road, f"{name}:last", ENVBUILD_CACHE_DIR=str(disk / "cache"))
        assert whole(server, "team/full", "last") == whole(server, "team/full", "ref")


def _built(road: Road, name: str) -> Path:
    pushed(road, f"{name}:ref")
    return road.cache


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_bsize


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root on Linux")
def test_a_full_disk_for_temporary_files_and_for_a_layout_is_told(road: Road, server: Running) -> None:
    heavy(road, 4, 4 << 20)
    with small_disk(road.folder / "small", "1m") as disk:
        # Enough for Python to take it for a place of temporary files, and too little for what is pushed.
        (disk / "filler").write_bytes(bytes(_free(disk) - 8192))
        done = push(road, f"{server.address}/team/full:1", TMPDIR=str(disk))
        assert done.returncode == 8, done.stderr
        assert "hint:" in done.stderr
        assert whole(server, "team/full", "1") == ""
        (disk / "filler").unlink()
        for output in (f"oci-dir={disk}/out", f"oci-archive={disk}/out.tar"):
            done = push(road, f"{server.address}/team/full:1", "--output", output)
            assert done.returncode == 8, done.stderr
            assert "the disk is full" in done.stderr
            assert list(disk.iterdir()) == []
        assert whole(server, "team/full", "1") == ""
    pushed(road, f"{server.address}/team/full:1")
    assert whole(server, "team/full", "1") != ""


def put(server: Running, repository: str, data: bytes) -> dict[str, Any]:
    """Store a blob as anybody does who may write to the repository."""
    digest = sha256_digest(data)
    start = urllib.request.Request(f"http://{server.address}/v2/{repository}/blobs/uploads/", b"", method="POST")
    with urllib.request.urlopen(start, timeout=10) as answer:
        place = answer.headers["Location"]
    end = urllib.request.Request(f"{place}&digest={digest}", data, method="PUT")
    end.add_header("Content-Type", "application/octet-stream")
    urllib.request.urlopen(end, timeout=10).close()
    return {"digest": digest, "size": len(data)}


def poison(server: Running, repository: str, honest: dict[str, Any], diff_ids: list[str] | None = None) -> list[str]:
    """An image whose layers have the keys of the honest one's and other content; the digests of its layers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("opt/envbuild/lib/python3.11/site-packages/evil.py")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    evil = put(server, repository, out.getvalue())
    kind = {"mediaType": "application/vnd.oci.image.layer.v1.tar"}
    layers = [{**kind, **evil, "annotations": entry.get("annotations", {})} for entry in honest["layers"]]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": diff_ids or [evil["digest"]] * len(layers)},
    }
    stored = put(server, repository, canonical_json(config))
    manifest = {**honest, "layers": layers, "config": {**honest["config"], **stored}}
    request = urllib.request.Request(
        f"http://{server.address}/v2/{repository}/manifests/1", canonical_json(manifest), method="PUT"
    )
    request.add_header("Content-Type", MANIFEST)
    urllib.request.urlopen(request, timeout=10).close()
    return [evil["digest"]]


@pytest.mark.slow
def test_a_foreign_repository_that_is_poisoned_is_not_believed(road: Road, server: Running) -> None:
    """Whoever may write to another repository of the registry, and knows all keys, changes nothing of an image."""
    honest = pushed(road, f"{server.address}/team/tiny:1")
    raw = asked(server, "team/tiny/manifests/1")
    assert raw is not None
    evil = poison(server, "mallory/tiny", json.loads(raw))
    # As tempting as it gets: a build here saw that repository, so it is asked for blobs to take over.
    pushed(road, f"{server.address}/mallory/tiny:2")
    elsewhere = {"ENVBUILD_CACHE_DIR": str(road.folder / "elsewhere")}
    for name in ("other/tiny:1", "team/tiny:1"):
        found = pushed(road, f"{server.address}/{name}", **elsewhere)
        assert found["manifest_digest"] == honest["manifest_digest"]
        repository, _, tag = name.partition(":")
        assert whole(server, repository, tag) == honest["manifest_digest"]
        assert asked(server, f"{repository}/blobs/{evil[0]}", method="HEAD") is None
    # Named by --cache-from it is believed, and the output says which layers nobody has seen.
    cache = ("--cache-from", f"{server.address}/mallory/tiny:1")
    third = {"ENVBUILD_CACHE_DIR": str(road.folder / "third")}
    found = pushed(road, f"{server.address}/third/tiny:1", *cache, **third)
    assert found["manifest_digest"] != honest["manifest_digest"]
    assert any(layer["unseen"] for layer in found["layers"])


@pytest.mark.slow
def test_a_cache_that_lies_about_what_its_layers_unpack_to_is_believed_as_far_as_its_own_config(
    road: Road, server: Running
) -> None:
    """An engine that pulls compares blob and diffID itself: a lie can keep an image from running, and nothing more."""
    honest = pushed(road, f"{server.address}/team/tiny:1")
    raw = asked(server, "team/tiny/manifests/1")
    assert raw is not None
    manifest = json.loads(raw)
    poison(server, "mallory/tiny", manifest, ["sha256:" + "0" * 64] * len(manifest["layers"]))
    cache = ("--cache-from", f"{server.address}/mallory/tiny:1")
    elsewhere = {"ENVBUILD_CACHE_DIR": str(road.folder / "elsewhere")}
    found = pushed(road, f"{server.address}/third/tiny:1", *cache, **elsewhere)
    unseen = [layer for layer in found["layers"] if layer["unseen"]]
    assert {layer["diff_id"] for layer in unseen} == {"sha256:" + "0" * 64}
    # None of it stays on this machine: without that cache the image is the honest one.
    again = pushed(road, f"{server.address}/fourth/tiny:1", **elsewhere)
    assert again["manifest_digest"] == honest["manifest_digest"]
    assert not any(layer["unseen"] for layer in again["layers"])


@pytest.mark.slow
def test_a_base_whose_tag_moved_is_refused_where_all_is_locked(road: Road, server: Running) -> None:
    base = ("--base", f"docker://{server.address}/team/base:1")

    def move(salt: str) -> None:
        folder = road.folder / f"base-{salt}"
        write_base(folder, salt=salt)
        command = [
            "skopeo",
            "copy",
            "--dest-tls-verify=false",
            f"oci:{folder}",
            f"docker://{server.address}/team/base:1",
        ]
        subprocess.run(command, check=True, capture_output=True)

    move("one")
    pushed(road, f"{server.address}/team/model:1", *base)
    first = pushed(road, f"{server.address}/team/model:1", "--locked", *base)
    before = whole(server, "team/base", "1")
    move("two")
    after = whole(server, "team/base", "1")
    done = push(road, f"{server.address}/team/model:1", "--locked", *base)
    assert done.returncode == 5, done.stderr
    assert before in done.stderr
    assert after in done.stderr
    assert "--locked" in done.stderr
    assert whole(server, "team/model", "1") == first["manifest_digest"]
    pinned = ("--base", f"docker://{server.address}/team/base@{before}")
    again = pushed(road, f"{server.address}/team/model:2", "--locked", *pinned)
    assert again["layers"][0]["diff_id"] == first["layers"][0]["diff_id"]
    second = pushed(road, f"{server.address}/team/model:1", *base)
    assert second["manifest_digest"] != first["manifest_digest"]
    assert whole(server, "team/model", "1") == second["manifest_digest"]


@pytest.mark.slow
def test_a_name_that_two_push_to_stands_for_one_of_both_whole(road: Road, server: Running) -> None:
    name = f"{server.address}/team/model:1"
    one = started(road, name, "--label", "who=one")
    two = started(road, name, "--label", "who=two")
    outputs = [process.communicate(timeout=120)[0] for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0]
    digests = {line.split()[0].partition("@")[2] for output in outputs for line in output.splitlines()}
    assert len(digests) == 2
    assert whole(server, "team/model", "1") in digests
