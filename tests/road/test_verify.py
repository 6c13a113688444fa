"""`envbuild verify` on images of the road: the same ones are, and what somebody changed is named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from registry import push, registry
from tampering import Entry, Layout
from tinyroad import Road, laid

from envbuild.errors import BaseImageError, IntegrityError, UsageError
from envbuild.looking import look
from envbuild.oci.canonical import canonical_json
from envbuild.oci.store import Store
from envbuild.planner.paths import MODEL, RECORD
from envbuild.rebuilding import verify
from envbuild.verifying.types import LayerVerdict, Verification

QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
WEIGHTS = f"{MODEL}/weights.bin"
LOADER = "opt/envbuild/lib/python3.11/site-packages/tiny_loader/data.txt"
GIVEN = ("--env", "TEAM=red", "--env", "AFTER=1", "--label", "who=us")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_index: Path) -> Iterator[Road]:
    """A road on which an image was built into the layout `image`; nobody changes it."""
    folder = tmp_path_factory.mktemp("verify")
    with laid(folder, tiny_index) as road:
        done = road.image(*GIVEN, "--output", f"oci-dir={folder / 'image'}", **QUIET)
        assert done.returncode == 0, done.stderr
        yield road


@pytest.fixture
def layout(built: Road, tmp_path: Path) -> Layout:
    """A copy of the image that the test may change."""
    return Layout(Path(shutil.copytree(built.folder / "image", tmp_path / "image")))


@pytest.fixture
def verified(built: Road) -> Callable[..., Verification]:
    """Verify a layout with the cache of the build."""

    def verify_it(folder: Path, base: str = "") -> Verification:
        store = Store(built.cache / "store")
        with look(str(folder), store) as opened:
            return verify(opened, store, cache=built.cache, base=base)

    return verify_it


Verified = Callable[..., Verification]


def only_difference(found: Verification) -> LayerVerdict:
    (layer,) = [layer for layer in found.layers if layer.state not in ("same", "own")]
    assert found.differs
    return layer


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_image_is_what_it_says_without_any_network(built: Road) -> None:
    found = built.run("verify", "image", "--own-base", "--json", UV_DEFAULT_INDEX="http://127.0.0.1:1/simple", **QUIET)
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(found.stdout)
    assert told["same"] is True
    assert [layer["state"] for layer in told["layers"]] == ["own", *["same"] * (len(told["layers"]) - 1)]
    assert [layer["kind"] for layer in told["layers"]][-2:] == ["model", "record"]
    assert told["base"]["independent"] is False
    assert "vouches" in told["reasons"][0]
    assert told["made_by"] == told["checked_by"]


def test_a_base_that_only_the_image_has_is_not_enough_unless_the_person_says_so(built: Road) -> None:
    found = built.run("verify", "image", "--json", **QUIET)
    assert found.returncode == 5
    assert json.loads(found.stdout)["same"] is False
    assert "nothing else vouches for it" in found.stderr
    assert "--own-base" in found.stderr


def test_another_machine_takes_the_wheels_from_its_index_by_their_hashes(built: Road, tmp_path: Path) -> None:
    found = built.run("verify", "image", "--own-base", ENVBUILD_CACHE_DIR=str(tmp_path / "other"), **QUIET)
    assert found.returncode == 0, found.stderr
    assert "image is what it says it was made from" in found.stdout
    assert "not verified independently" in found.stdout
    assert "Fetched 10 wheels" in found.stderr


def test_an_index_with_other_wheels_of_that_name_is_no_help(
    built: Road, private_index: Callable[[], Path], road: Road, tmp_path: Path
) -> None:
    from tinywheels import make_wheel, write_index

    index = private_index()
    make_wheel(index, "tiny-loader", files={"tiny_loader/data.txt": "other\n"})
    write_index(index)
    found = road.run("verify", str(built.folder / "image"), **QUIET)
    assert found.returncode == 4, found.stderr
    assert "no index has tiny_loader-1.0-py3-none-any.whl with the hash that the image names" in found.stderr


def test_one_changed_bit_of_the_model_is_named_with_both_hashes(layout: Layout, verified: Verified) -> None:
    layout.flip(WEIGHTS, 100)
    layer = only_difference(verified(layout.save()))
    data = bytearray(bytes(range(256)) * 40)
    assert layer.kind == "model"
    assert layer.first is not None
    assert (layer.first.path, layer.first.what) == (WEIGHTS, ("content",))
    assert layer.first.rebuilt == sha256(data)
    data[100] ^= 1
    assert layer.first.image == sha256(data)


def test_a_changed_file_of_a_wheel_is_named_by_the_command(layout: Layout, built: Road) -> None:
    layout.flip(LOADER)
    found = built.run("verify", str(layout.save()), **QUIET)
    assert found.returncode == 1, found.stderr
    assert f"first: /{LOADER} (content)" in found.stdout
    rebuilt = sha256(b"data\n")
    assert f"rebuilt  sha256:{rebuilt}" in found.stdout
    assert "differs from what it says it was made from: 1 layer" in found.stdout
    told = json.loads(built.run("verify", str(layout.folder), "--json", **QUIET).stdout)
    assert told["same"] is False
    (layer,) = [layer for layer in told["layers"] if layer["state"] == "differs"]
    assert layer["first"]["path"] == f"/{LOADER}"


def _change(path: str, change: Callable[[tarfile.TarInfo], None]) -> Callable[[list[Entry]], list[Entry]]:
    def edit(found: list[Entry]) -> list[Entry]:
        for member, _ in found:
            if member.name == path:
                change(member)
        return found

    return edit


def _added(name: str) -> Callable[[list[Entry]], list[Entry]]:
    return lambda found: [*found, (tarfile.TarInfo(name), b"added")]


@pytest.mark.parametrize(
    ("path", "edit", "what", "named"),
    [
        (LOADER, _change(LOADER, lambda m: setattr(m, "mode", 0o755)), ("mode",), LOADER),
        (LOADER, _change(LOADER, lambda m: setattr(m, "uid", 7)), ("owner",), LOADER),
        (LOADER, _change(LOADER, lambda m: setattr(m, "mtime", 7)), ("time",), LOADER),
        (LOADER, lambda found: [e for e in found if e[0].name != LOADER], ("missing",), LOADER),
        (LOADER, _added("opt/envbuild/evil.pth"), ("extra",), "opt/envbuild/evil.pth"),
        (WEIGHTS, _change(WEIGHTS, lambda m: setattr(m, "mode", 0o755)), ("mode",), WEIGHTS),
        (WEIGHTS, lambda found: [e for e in found if e[0].name != WEIGHTS], ("missing",), WEIGHTS),
        (WEIGHTS, _added(f"{MODEL}/zz.py"), ("extra",), f"{MODEL}/zz.py"),
        (WEIGHTS, _added(f"{MODEL}/.env"), ("extra",), f"{MODEL}/.env"),
        (WEIGHTS, _change(WEIGHTS, lambda m: setattr(m, "mode", 0o4644)), ("mode",), WEIGHTS),
    ],
)
def test_what_was_changed_in_a_layer_is_named(
    layout: Layout, verified: Verified, path: str, edit: Any, what: tuple[str, ...], named: str
) -> None:
    layout.edit(path, edit)
    layer = only_difference(verified(layout.save()))
    assert layer.first is not None
    assert (layer.first.path, layer.first.what) == (named, what)


def test_a_layer_on_top_and_one_that_is_gone_are_told(layout: Layout, verified: Verified) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("etc/motd"), io.BytesIO())
    layout.add_layer(out.getvalue(), "docker commit")
    layer = only_difference(verified(layout.save()))
    assert (layer.state, layer.title) == ("extra", "docker commit")


def _set(listed: list[str], before: str, after: str) -> None:
    listed[listed.index(before)] = after


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda c: _set(c["Env"], "PYTHONUNBUFFERED=1", "PYTHONUNBUFFERED=0"), "Env.PYTHONUNBUFFERED"),
        (lambda c: _set(c["Env"], "TEAM=red", "TEAM=blue"), "Env.TEAM"),
        (lambda c: c["Env"].remove("TEAM=red"), "Env.TEAM"),
        (lambda c: c["Entrypoint"].append("--debug"), "Entrypoint"),
        (lambda c: c.__setitem__("User", "0"), "User"),
        (lambda c: c["Labels"].__setitem__("who", "them"), "Labels.who"),
        (lambda c: c["Labels"].__setitem__("dev.envbuild.server", "azureml"), "Labels.dev.envbuild.server"),
    ],
)
def test_a_changed_setting_is_named(layout: Layout, verified: Verified, change: Any, name: str) -> None:
    change(layout.config["config"])
    found = verified(layout.save())
    assert found.differs
    assert {layer.state for layer in found.layers} == {"own", "same"}
    assert name in [setting.name for setting in found.settings]


def test_a_config_that_only_reads_the_same_is_another(layout: Layout, verified: Verified) -> None:
    """A key that comes twice has two values: of some readers the first, of some the last, of some both together."""
    evil = json.dumps({"Entrypoint": ["/evil"]})
    layout.save(config=f'{{"config":{evil},{canonical_json(layout.config).decode()[1:]}'.encode())
    found = verified(layout.folder)
    assert found.differs
    assert [setting.name for setting in found.settings] == ["config"]


def test_a_base_that_the_person_names_is_held_against_the_digest(
    layout: Layout, built: Road, verified: Verified, tmp_path: Path
) -> None:
    assert not verified(layout.folder, f"oci:{built.base}").differs
    assert verified(layout.folder, f"oci:{built.base}").base_from == "named"
    layout.config["config"]["Env"].append("LD_PRELOAD=/evil.so")
    assert "Env.LD_PRELOAD" in [one.name for one in verified(layout.save(), f"oci:{built.base}").settings]
    layout.flip("usr/local/bin/python3.11")
    layer = only_difference(verified(layout.save(), f"oci:{built.base}"))
    assert layer.first is not None
    assert (layer.kind, layer.first.path) == ("base", "usr/local/bin/python3.11")
    from tinyroad import write_base

    write_base(tmp_path / "another", salt="another")
    with pytest.raises(UsageError, match="and the image was made on"):
        verified(layout.folder, f"oci:{tmp_path / 'another'}")


def test_an_image_without_a_record_says_so(layout: Layout, built: Road) -> None:
    layout.edit(RECORD, lambda found: [entry for entry in found if entry[0].name != RECORD])
    done = built.run("verify", str(layout.save()), **QUIET)
    assert (done.returncode, done.stdout) == (5, "")
    assert "does not say what it was made from: it has no /opt/envbuild/build.json" in done.stderr
    assert "build it anew" in done.stderr


def test_an_image_that_an_engine_built_says_so(layout: Layout, verified: Verified) -> None:
    for entry in layout.config["history"]:
        entry["created_by"] = "COPY server/ / # buildkit"
    with pytest.raises(BaseImageError, match="built by a container engine"):
        verified(layout.save())


def test_an_image_that_is_not_envbuilds_is_read_no_further(layout: Layout, verified: Verified) -> None:
    layout.config["config"]["Labels"] = {}
    with pytest.raises(BaseImageError, match="does not say what it was made from"):
        verified(layout.save())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(format=99), "format 99"),
        (lambda r: r.pop("server"), "damaged"),
        (lambda r: r.update(server="other"), "which this envbuild does not have"),
        (lambda r: r["lock"]["packages"][0].__setitem__(2, "../../x.whl"), "damaged"),
        (lambda r: r["lock"]["packages"][0].__setitem__(0, "--index-url=http://evil"), "damaged"),
        (lambda r: r["lock"]["packages"][0].__setitem__(3, "0"), "damaged"),
        (lambda r: r["lock"].update(conda=[["python"]]), "damaged"),
        (lambda r: r["lock"].update(conda=[["a", "1", "0", "linux-64", "../a.conda", "0" * 64]]), "damaged"),
        (lambda r: r["lock"].update(conda=[["a", "1", "0", "win-64", "a.conda", "0" * 64]]), "damaged"),
        (lambda r: r.update(bytecode="never"), "damaged"),
    ],
)
def test_a_record_that_is_none_is_refused(layout: Layout, verified: Verified, change: Any, message: str) -> None:
    def edit(found: list[Entry]) -> list[Entry]:
        ((member, content),) = [entry for entry in found if entry[0].name == RECORD]
        assert content is not None
        record = json.loads(content)
        change(record)
        others = [entry for entry in found if entry[0].name != RECORD]
        return [*others, (member, json.dumps(record).encode())]

    layout.edit(RECORD, edit)
    with pytest.raises(BaseImageError, match=message):
        verified(layout.save())


def test_a_record_that_says_more_is_not_the_one_that_was_written(layout: Layout, verified: Verified) -> None:
    layout.edit(RECORD, lambda found: [(m, c if m.name != RECORD or c is None else c + b" ") for m, c in found])
    layer = only_difference(verified(layout.save()))
    assert layer.first is not None
    assert (layer.kind, layer.first.path) == ("record", RECORD)


def test_a_layer_that_the_config_does_not_name_is_refused(layout: Layout, verified: Verified) -> None:
    """Its digest in the manifest is right: an engine that believes the config alone would run it."""
    number = layout.holding(LOADER)
    data = bytearray(layout.layer(number))
    data[data.index(b"data\n")] ^= 1
    layout.put_layer(number, bytes(data), consistent=False)
    with pytest.raises(IntegrityError, match="the image config names"):
        verified(layout.save())


def test_a_file_that_leaves_the_image_is_refused_and_not_written(
    layout: Layout, verified: Verified, tmp_path: Path
) -> None:
    layout.edit(WEIGHTS, _added(f"{MODEL}/../../../../../../../../../../../..{tmp_path}/evil"))
    with pytest.raises(BaseImageError, match="leaves the image"):
        verified(layout.save())
    assert not (tmp_path / "evil").exists()


def test_bytecode_that_would_need_the_images_own_python_is_not_made(layout: Layout, verified: Verified) -> None:
    def edit(found: list[Entry]) -> list[Entry]:
        return [
            (m, c.replace(b'"bytecode":"off"', b'"bytecode":"on"') if m.name == RECORD and c is not None else c)
            for m, c in found
        ]

    layout.edit(RECORD, edit)
    found = verified(layout.save())
    layer = only_difference(found)
    assert (layer.kind, layer.state) == ("bytecode", "missing")


def test_another_version_of_envbuild_is_a_reason(
    layout: Layout, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envbuild.rebuilding.__version__", "99.0")
    found = verified(layout.folder)
    assert not found.differs
    assert any("made by envbuild" in reason and "99.0" in reason for reason in found.reasons)


def test_a_damaged_entry_of_the_cache_is_made_anew(layout: Layout, built: Road, tmp_path: Path) -> None:
    cache = Path(shutil.copytree(built.cache, tmp_path / "cache"))
    store = Store(cache / "store")
    layout.flip(LOADER)
    diff_id = Layout(built.folder / "image").config["rootfs"]["diff_ids"][layout.holding(LOADER)]
    blob = store.blob(diff_id)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\1")
    with look(str(layout.save()), store) as opened:
        layer = only_difference(verify(opened, store, cache=cache))
    assert layer.first is not None
    assert layer.first.path == LOADER


@pytest.mark.slow
def test_an_image_for_another_platform_is_verified_here(road: Road) -> None:
    from tinyroad import write_base

    road.base = road.folder / "arm"
    write_base(road.base, architecture="arm64")
    assert road.image("--platform", "linux/arm64", name="arm.tar", **QUIET).returncode == 0
    found = road.run("verify", "arm.tar", "--own-base", "--json", **QUIET)
    assert found.returncode == 0, found.stdout + found.stderr
    assert json.loads(found.stdout)["platform"].startswith("linux/arm64")


def test_a_scoring_script_is_verified_with_its_code(road: Road, layout: Layout) -> None:
    (road.folder / "code" / "lib").mkdir(parents=True)
    (road.folder / "code" / "score.py").write_text("import lib.x\ndef init(): pass\ndef run(data): return data\n")
    (road.folder / "code" / "lib" / "x.py").write_text("X = 1\n")
    script = ("--scoring-script", "code/score.py", "--code", "code")
    assert road.image(*script, "--output", "oci-dir=scripted", **QUIET).returncode == 0
    assert road.run("verify", "scripted", "--own-base", **QUIET).returncode == 0
    changed = Layout(road.folder / "scripted")
    changed.flip("var/azureml-app/code/lib/x.py")
    done = road.run("verify", str(changed.save()), **QUIET)
    assert done.returncode == 1
    assert "first: /var/azureml-app/code/lib/x.py (content)" in done.stdout


@pytest.mark.registry
@pytest.mark.parametrize("compression", [pytest.param("gzip", marks=pytest.mark.slow), "zstd"])
@pytest.mark.slow
def test_what_was_pushed_compressed_with_attestations_is_verified_from_the_registry(
    road: Road, tmp_path: Path, compression: str
) -> None:
    with registry(tmp_path / "registry") as address:
        push(road.base, address, "base:1")
        given = ["--base", f"{address}/base:1", "--server", "envbuild", "--bytecode", "off", "--sbom", "--provenance"]
        name = f"{address}/team/tiny:1"
        built = road.run("image", str(road.model), "-t", name, "--push", "--compression", compression, *given, **QUIET)
        assert built.returncode == 0, built.stderr
        for cache, where in (("cache", "cache"), ("other", "registry")):
            changes = {**QUIET, "ENVBUILD_CACHE_DIR": str(road.folder / cache)}
            found = road.run("verify", f"docker://{name}", "--json", **changes)
            assert found.returncode == 0, found.stdout + found.stderr
            assert json.loads(found.stdout)["base"]["from"] == where


def test_an_image_that_was_put_on_another_base_is_what_it_says(road: Road) -> None:
    from tinyroad import write_base

    assert road.image("--output", "oci-dir=old", **QUIET).returncode == 0
    write_base(road.folder / "patched", salt="patched")
    moved = road.run("rebase", "oci:old", "--base", "oci:patched", "--output", "oci-dir=new", **QUIET)
    assert moved.returncode == 0, moved.stderr
    found = road.run("verify", "new", "--base", "oci:patched", "--json", **QUIET)
    assert found.returncode == 0, found.stdout + found.stderr
    assert {layer["state"] for layer in json.loads(found.stdout)["layers"]} == {"same"}
    assert road.run("verify", "new", "--base", f"oci:{road.base}", **QUIET).returncode == 2


@pytest.mark.engine
def test_an_image_of_the_engine_is_verified_by_its_name(built: Road) -> None:
    tag = f"envbuild-test/verify-{built.folder.name.lower()}:latest"
    engine = {"DOCKER_HOST": "unix:///var/run/docker.sock"}
    try:
        base = ["--base", f"oci:{built.base}", "--server", "envbuild", "--bytecode", "off"]
        done = built.run("image", str(built.model), "-t", tag, "--output", "docker", *base, **engine)
        assert done.returncode == 0, done.stderr
        found = built.run("verify", f"docker-daemon:{tag}", "--own-base", "--json", **engine)
        assert found.returncode == 0, found.stdout + found.stderr
        assert json.loads(found.stdout)["settings"] == []
    finally:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.registry
@pytest.mark.network
def test_a_real_model_out_of_a_real_registry_is_made_anew_on_an_empty_machine(
    fixture_models: Path, tmp_path: Path
) -> None:
    cache = os.environ.get("ENVBUILD_TEST_CACHE") or str(tmp_path / "cache")

    def run(*words: str, cache: str = cache) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **QUIET, "ENVBUILD_CACHE_DIR": cache}
        command = [sys.executable, "-m", "envbuild", *words]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    with registry(tmp_path / "registry") as address:
        name = f"{address}/team/diabetes:1"
        given = ["--server", "envbuild", "--push", "--sbom", "--provenance"]
        done = run("image", str(fixture_models / "diabetes"), "-t", name, *given)
        assert done.returncode == 0, done.stderr
        found = run("verify", name, "--json", cache=str(tmp_path / "empty"))
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(found.stdout)
    assert {layer["state"] for layer in told["layers"]} == {"same"}
    assert "bytecode" in [layer["kind"] for layer in told["layers"]]
    assert told["base"]["from"] in ("mirror", "snapshot")
    assert told["settings"] == []


def test_a_wheel_that_an_image_brought_along_is_no_wheel_of_the_index(
    built: Road, private_index: Callable[[], Path], tmp_path: Path, tiny_index: Path
) -> None:
    """Whoever forges an archive names the hash of a wheel of their own, which is in the cache once it was looked at."""
    from tinywheels import make_wheel, write_index

    index = private_index()
    forged = make_wheel(index, "tiny-loader", files={"tiny_loader/data.txt": "forged\n"})
    write_index(index)
    (tmp_path / "theirs").mkdir()
    with laid(tmp_path / "theirs", index) as theirs:
        # That it lies in the model is no reason either, where no requirement names it.
        shutil.copy(forged, theirs.model / forged.name)
        done = theirs.image("--output", f"oci-dir={tmp_path / 'forged'}", **QUIET)
        assert done.returncode == 0, done.stderr
    (tmp_path / "mine").mkdir()
    with laid(tmp_path / "mine", tiny_index) as mine:
        Store(mine.cache / "store").put(forged.read_bytes())
        for _ in range(2):
            found = mine.run("verify", str(tmp_path / "forged"), "--own-base", **QUIET)
            assert found.returncode == 4, found.stdout + found.stderr
            assert "no index has tiny_loader-1.0-py3-none-any.whl" in found.stderr
