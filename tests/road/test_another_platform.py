"""An image for another platform, made here without emulation, and then run by an emulator: its answers are right."""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from containers import same
from qemu import emulator, in_root

from envbuild import Options, load, plan
from envbuild.backends.bytecode.compile import compile_groups
from envbuild.backends.bytecode.groups import groups_of, toolchain_of
from envbuild.backends.bytecode.records import unpack
from envbuild.bases import open_base, rootfs
from envbuild.bases.twin import twin_of
from envbuild.oci.elf import MACHINES
from envbuild.oci.store import Store
from envbuild.oci.wheel import WheelSource
from envbuild.planner.paths import PREFIX

pytestmark = [pytest.mark.slow, pytest.mark.network]

FOREIGN = "amd64" if platform.machine() in ("aarch64", "arm64") else "arm64"
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}[FOREIGN]
PREDICT = """
import importlib, json, os, platform, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import mlflow.pyfunc, numpy, pandas
folder = os.path.join(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"])
with open(os.path.join(folder, "serving_input_example.json")) as stream:
    frame = json.load(stream)["dataframe_split"]
answer = mlflow.pyfunc.load_model(folder).predict(pandas.DataFrame(frame["data"], columns=frame["columns"]))
compiled = [module.__cached__ for module in (numpy, pandas, mlflow.pyfunc, json)]
print(json.dumps({"machine": platform.machine(), "answer": numpy.asarray(answer).tolist(),
                  "compiled": [os.path.exists(path) for path in compiled]}))
"""


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("caches")


def build(model: Path, output: Path, cache: Path, *arguments: str, architecture: str = FOREIGN) -> dict[str, Any]:
    """The image as a layout in `output`: the JSON result."""
    command = [sys.executable, "-m", "envbuild", "image", model, "--server", "envbuild", "--json", *arguments]
    command += ["--platform", f"linux/{architecture}", "--output", f"oci-dir={output}"]
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Unpacked:
    """An image of a model for the foreign architecture: the result of its build, its config, and its files."""

    def __init__(self, model: Path, folder: Path, cache: Path) -> None:
        self.built = build(model, folder / "layout", cache)
        blobs = folder / "layout" / "blobs"

        def read(digest: str) -> Any:
            return json.loads((blobs / digest.replace(":", "/")).read_text())

        index = json.loads((folder / "layout" / "index.json").read_text())
        manifest = read(index["manifests"][0]["digest"])
        self.config = read(manifest["config"]["digest"])
        self.root = folder / "root"
        self.root.mkdir()
        for layer in manifest["layers"]:
            with tarfile.open(blobs / layer["digest"].replace(":", "/")) as tar:
                tar.extractall(self.root, filter="fully_trusted")


@pytest.fixture(scope="module")
def unpacked(caches: Path, fixture_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that gives the image of a fixture model, made once."""

    @cache
    def make(model: str) -> Unpacked:
        return Unpacked(fixture_models / model, tmp_path_factory.mktemp(model), caches)

    return make


def binaries(root: Path) -> Iterator[tuple[Path, int]]:
    """Every ELF file below `root`, with its machine."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                head = stream.read(20)
            if head.startswith(b"\x7fELF") and len(head) == 20:
                yield path, struct.unpack_from("<H", head, 18)[0]


def test_everything_in_it_is_of_its_platform(unpacked: Any) -> None:
    image = unpacked("diabetes")
    assert image.built["platform"] == f"linux/{FOREIGN}"
    assert (image.config["architecture"], image.config["os"]) == (FOREIGN, "linux")
    assert image.config.get("variant") == ("v8" if FOREIGN == "arm64" else None)
    found = dict(binaries(image.root))
    assert {path.name for path in found} >= {"python3.11", "libgomp.so.1.0.0"}
    assert len(found) > 200
    assert set(found.values()) == {MACHINES[MACHINE]}
    decisions = {row["what"]: row for row in image.built["decisions"]}
    assert decisions["bytecode"]["value"] == "startup"
    assert "whose Python is the same build" in decisions["bytecode"]["why"]


def test_its_library_cache_is_what_its_own_ldconfig_makes(unpacked: Any, caches: Path) -> None:
    root = unpacked("diabetes").root
    program = emulator(FOREIGN, caches)

    def listed(cache: str) -> list[str]:
        done = in_root(root, program, "/sbin/ldconfig", "-p", "-C", f"/etc/{cache}")
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if " => " in line]

    made = in_root(root, program, "/sbin/ldconfig", "-X", "-C", "/etc/theirs")
    assert made.returncode == 0, made.stderr
    ours = listed("ld.so.cache")
    assert len(ours) > 20
    assert ours == listed("theirs")


@pytest.mark.parametrize("model", ["diabetes", pytest.param("lightgbm", marks=pytest.mark.proof)])
def test_an_emulator_runs_it_and_the_answers_are_the_models_own(
    unpacked: Any, caches: Path, fixture_models: Path, model: str
) -> None:
    image = unpacked(model)
    variables = dict(entry.partition("=")[::2] for entry in image.config["config"]["Env"])
    modules = ("numpy", "pandas", "sklearn", "mlflow.pyfunc", *(["lightgbm"] if model == "lightgbm" else []))
    command = [f"/{PREFIX}/bin/python", "-W", "ignore", "-c", PREDICT, *modules]
    done = in_root(image.root, emulator(FOREIGN, caches), *command, **variables)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["machine"] == MACHINE
    assert said["compiled"] == [True, True, True, True]
    assert same(said["answer"], json.loads((fixture_models / f"{model}.expected.json").read_text()))


@pytest.mark.proof
@pytest.mark.parametrize(("python", "minor"), [("debian:bookworm", "3.11"), ("debian:trixie", "3.13")])
def test_its_bytecode_is_what_its_own_python_writes(
    caches: Path, fixture_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, minor: str
) -> None:
    """What the image's start-up imports, compiled by the twin on this machine and by the image's Python, emulated."""
    options = Options(cache=caches, platform=f"linux/{FOREIGN}", server="envbuild", python=minor, base=python)
    store = Store(caches / "store")
    (layer,) = [x for x in plan(load(fixture_models / "diabetes"), options=options).layers if x.kind == "bytecode"]
    base = open_base(python, store, platform=options.platform)
    twin, why = twin_of(base, store)
    assert twin is not None, why
    toolchain, groups = groups_of(
        store,
        base=base,
        compiler=twin,
        wheels=[WheelSource(path=store.blob(f"sha256:{w.sha256}"), filename=w.filename) for w in layer.wheels],
        roots=layer.settings["roots"],
        mode="startup",
        prefix=PREFIX,
        keep_tests=False,
        sources={file.path: file.source.read_bytes() for file in layer.files},
    )
    assert sum(len(group.paths) for group in groups) > 1000
    with monkeypatch.context() as patch:
        patch.setattr("platform.machine", lambda: MACHINE)
        own = toolchain_of(base, rootfs(base, store))
    own = replace(own, command=(str(emulator(FOREIGN, caches)), *own.command))
    written = compile_groups(groups, toolchain, store)
    emulated = compile_groups(groups, own, Store(tmp_path))
    differing = []
    for group, ours, theirs in zip(groups, written, emulated, strict=True):
        if ours != theirs:
            other = dict(unpack(Store(tmp_path).read(theirs)))
            mine = unpack(store.read(ours))
            differing += [f"{group.title}: {path}" for path, data in mine if other.get(path) != data]
    assert differing == []


@pytest.mark.proof
def test_another_cache_gives_the_same_image(unpacked: Any, fixture_models: Path, tmp_path: Path) -> None:
    first = unpacked("diabetes").built
    again = build(fixture_models / "diabetes", tmp_path / "again", tmp_path / "cache")
    assert again["config_digest"] == first["config_digest"]
    assert again["manifest_digest"] == first["manifest_digest"]


def test_what_no_platform_changes_is_one_layer_for_both(
    unpacked: Any, caches: Path, fixture_models: Path, tmp_path: Path
) -> None:
    native = "arm64" if FOREIGN == "amd64" else "amd64"
    here = build(fixture_models / "diabetes", tmp_path / "here", caches, architecture=native)
    there = unpacked("diabetes").built

    def layers(built: dict[str, Any]) -> dict[str, str]:
        return {layer["title"].split()[0] + layer["kind"]: layer["diff_id"] for layer in built["layers"]}

    ours, theirs = layers(here), layers(there)
    shared = {name for name, diff_id in ours.items() if theirs.get(name) == diff_id}
    assert shared >= {"mlflow-skinnywheel", "serverserver", "modelmodel"}
    assert shared.isdisjoint({"basebase", "numpywheel"})
