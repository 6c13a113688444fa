"""Bad input ends with a message that names the file and the way out, the documented code, and nothing half done."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tinyroad import Road
from tinywheels import make_wheel, write_index

MODEL, RESOLVE, BASE, NETWORK, INTEGRITY, STORAGE, ENGINE, LOCK_FILE = 3, 4, 5, 6, 7, 8, 9, 12


def refused(road: Road, *arguments: str, code: int, says: tuple[str, ...], **changes: str) -> str:
    """Run `image`, expect `code` and every text of `says` on stderr; no result, no half image, a sound cache."""
    done = road.image(*arguments, **changes)
    assert done.returncode == code, done.stderr
    for text in says:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (road.folder / "tiny.tar").exists()
    assert leftovers(road) == []
    return done.stderr


def leftovers(road: Road) -> list[str]:
    """Temporary files of a run that has ended, beside the output or in the store."""
    beside = [p.name for p in road.folder.iterdir() if p.name.startswith((".", "tmp")) or p.name.endswith(".tmp")]
    inside = road.cache / "store" / "tmp"
    return beside + ([p.name for p in inside.rglob("*") if p.is_file()] if inside.is_dir() else [])


def still_works(road: Road) -> None:
    done = road.image()
    assert done.returncode == 0, done.stderr


def test_a_folder_without_mlmodel(road: Road) -> None:
    (road.model / "MLmodel").unlink()
    refused(road, code=1, says=("EB001", "MLmodel"))


def test_a_path_that_does_not_exist(road: Road) -> None:
    shutil.rmtree(road.model)
    refused(road, code=MODEL, says=(str(road.model), "hint:"))


@pytest.mark.parametrize(
    "content",
    [b"", b"{{{ not yaml", b"- a\n- list\n", b"flavors:\n\tpython_function: {}\n", b"\xff\xfe\x00binary"],
    ids=["empty", "no yaml", "a list", "tabs", "binary"],
)
def test_an_mlmodel_that_says_nothing_useful(road: Road, content: bytes) -> None:
    (road.model / "MLmodel").write_bytes(content)
    refused(road, code=1, says=("EB002", "MLmodel"))


def test_an_mlmodel_of_200_megabytes(road: Road) -> None:
    with (road.model / "MLmodel").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    refused(road, code=1, says=("EB002", "MLmodel"))


def test_an_mlmodel_that_expands_without_end(road: Road) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    (road.model / "MLmodel").write_text("\n".join([*lines, "flavors: *a29", ""]))
    refused(road, code=1, says=("EB002", "MLmodel"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "conda.yaml"),
        ("dependencies:\n\t- python=3.11\n", "conda.yaml:2"),
        ("dependencies:\n- python=3.11\ndependencies:\n- python=3.10\n", "conda.yaml:3"),
        ("dependencies:\n- python=3.11.9\n- pip:\n  - numpy ==\n", "conda.yaml:4"),
    ],
    ids=["empty", "tabs", "duplicate keys", "an unreadable requirement"],
)
def test_a_conda_yaml_that_cannot_be_taken(road: Road, content: str, says: str) -> None:
    (road.model / "conda.yaml").write_text(content)
    refused(road, code=1, says=(says,))


def test_no_environment_file_at_all(road: Road) -> None:
    (road.model / "conda.yaml").unlink()
    (road.model / "requirements.txt").unlink()
    refused(road, code=1, says=("--environment",))


def test_a_link_that_leaves_the_model(road: Road) -> None:
    (road.model / "secrets").symlink_to("/etc/passwd")
    refused(road, code=MODEL, says=("secrets", "hint:"))


def test_a_fifo_in_the_model(road: Road) -> None:
    os.mkfifo(road.model / "pipe")
    refused(road, code=MODEL, says=("pipe", "hint:"))


def test_a_socket_in_the_model(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(road.model)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        refused(road, code=MODEL, says=("sock", "hint:"))


def test_a_requirement_that_no_index_has(road: Road) -> None:
    refused(road, "--requirement", "no-such-package==1.0", code=RESOLVE, says=("no-such-package",))
    still_works(road)


def test_two_pins_that_cannot_both_hold(road: Road) -> None:
    text = refused(road, "--requirement", "pandas==0.1", code=RESOLVE, says=("pandas==0.1",))
    assert "ecause" in text  # uv's own explanation
    still_works(road)


def test_a_package_without_a_wheel(road: Road, private_index: Callable[[], Path]) -> None:
    folder = private_index()
    metadata = b"Metadata-Version: 2.1\nName: only-source\nVersion: 1.0\n"
    with tarfile.open(folder / "only_source-1.0.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("only_source-1.0/PKG-INFO")
        member.size = len(metadata)
        tar.addfile(member, io.BytesIO(metadata))
    page = folder / "simple" / "only-source" / "index.html"
    page.parent.mkdir()
    page.write_text('<a href="../../only_source-1.0.tar.gz">only_source-1.0.tar.gz</a>')
    says = ("only-source", "--allow-build only-source")
    refused(road, "--requirement", "only-source", code=RESOLVE, says=says)


def test_a_wheel_whose_hash_differs(road: Road, private_index: Callable[[], Path]) -> None:
    folder = private_index()
    wheel = next(folder.glob("tiny_loader-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"more")  # the index page still names the old hash
    refused(road, code=INTEGRITY, says=(wheel.name, "sha256"))
    write_index(folder)
    # The lock names the hash that the index promised; a new resolution takes the new one.
    assert road.image("--upgrade").returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        *(
            pytest.param(path, marks=pytest.mark.slow)
            for path in ("/etc/cron.d/evil", "tiny/../../../evil.py", "pkg/.wh.gone")
        ),
    ],
)
def test_a_wheel_that_writes_outside_its_prefix(road: Road, private_index: Callable[[], Path], path: str) -> None:
    folder = private_index()
    wheel = make_wheel(folder, "evil", files={path: "print('gotcha')\n"})
    write_index(folder)
    refused(road, "--requirement", "evil", code=INTEGRITY, says=(wheel.name,))
    still_works(road)


def test_no_network(road: Road) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    says = ("hint:",)
    refused(road, code=NETWORK, says=says, UV_DEFAULT_INDEX=f"http://127.0.0.1:{port}/simple")
    still_works(road)


@pytest.mark.parametrize("tag", ["UPPER", "a b", "name:", "-x", "name:tag:tag", "a" * 300, "http://x/y", "@sha256:12"])
def test_a_tag_that_is_no_reference(road: Road, tag: str) -> None:
    done = road.run("image", str(road.model), f"--tag={tag}", "--output", f"oci-archive={road.folder}/tiny.tar")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (road.folder / "tiny.tar").exists()


def test_docker_output_without_an_engine(road: Road) -> None:
    arguments = road.image_arguments(road.folder / "tiny.tar", "--output", "docker")
    done = road.run(*arguments, DOCKER_HOST=f"unix://{road.folder}/no.sock")
    assert done.returncode == ENGINE
    assert "no.sock" in done.stderr
    assert "--output oci-archive" in done.stderr
    assert not road.cache.exists() or leftovers(road) == []


def test_an_unknown_base(road: Road) -> None:
    refused(road, "--base", "debian:sid", code=2, says=("debian:bookworm",))


def test_a_base_that_is_no_layout(road: Road) -> None:
    (road.base / "index.json").write_text("{")
    refused(road, code=BASE, says=(str(road.base),))


def test_an_output_that_cannot_be_written(road: Road) -> None:
    done = road.run(*road.image_arguments(road.folder / "missing" / "tiny.tar"))
    assert done.returncode == 2
    assert "missing" in done.stderr


def test_locked_without_a_lock(road: Road) -> None:
    refused(road, "--locked", code=LOCK_FILE, says=("--locked",))


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root on Linux")
@pytest.mark.parametrize("megabytes", [1, 2])
def test_a_full_disk(road: Road, megabytes: int) -> None:
    (road.model / "weights.bin").write_bytes(os.urandom(3 * 1024 * 1024))
    small = road.folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        refused(road, code=STORAGE, says=("hint:",), ENVBUILD_CACHE_DIR=str(small / "cache"))
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    still_works(road)


def test_a_platform_that_cannot_be_built(road: Road) -> None:
    for wanted in ("linux/s390x", "linux/amd64,linux/s390x"):
        text = refused(road, "--platform", wanted, code=2, says=("linux/s390x",))
        assert "Read" not in text  # said before any work


def test_a_base_for_another_platform(road: Road) -> None:
    refused(road, "--platform", "linux/arm64", code=5, says=("no image for linux/arm64, only for linux/amd64",))
