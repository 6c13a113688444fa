"""Images with conda packages on another base: their Python comes along, what they ask of a base must be there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tinyconda
from rebasebench import LIBRARIES, Bench, opened
from tinybases import write_base
from tinyelf import make_library
from tinyimages import put_layer, tar_of
from tinyindex import write_tiny_index
from tinyroad import write_model
from tinywheels import serve

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.attesting.layers import in_store
from envbuild.bases.opening import open_base
from envbuild.built import Built
from envbuild.errors import BaseImageError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.rebasing.conditions import bytecode_failures
from envbuild.rebasing.needs import needs_of
from envbuild.rebasing.types import Needs, Part, Venv


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A model with a conda Python 3.11.9, and a native package that asks for libraries and a C library."""
    folder = tmp_path_factory.mktemp("rebasing")
    channel = folder / "channel"
    tinyconda.make_python(channel, "3.11.9")
    tinyconda.make_module(channel, "tiny-numbers", "2.0", depends=("python", "tiny-native"))
    compiled = {
        "lib/libtiny.so.1": make_library("libtiny.so.1", needed=[*LIBRARIES, "libown.so.3", "libnever.so.9"]),
        "lib/libown.so.3": make_library("libown.so.3"),
    }
    depends = ("__glibc >=2.28,<3.0.a0",)
    tinyconda.make_package(channel, "tiny-native", depends=depends, files=compiled, form="conda")
    (folder / "index").mkdir()
    write_tiny_index(folder / "index")
    model = folder / "model"
    write_model(model)
    (model / "conda.yaml").write_text(
        f"channels:\n- {tinyconda.index(channel)}\ndependencies:\n- python=3.11.9\n- tiny-numbers\n"
        "- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n"
    )
    with serve(folder / "index") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        patch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
        yield Bench(folder=folder, model=model, cache=folder / "cache")


@pytest.fixture(scope="module")
def first(bench: Bench) -> str:
    return bench.base(environment=["LD_HINT=old"], settings={"Labels": {"maintainer": "old"}})


@pytest.fixture(scope="module")
def image(bench: Bench, first: str) -> Built:
    return bench.build(first)


@pytest.mark.parametrize(
    "settings",
    [
        {"python": "3.13.1"},
        {"prefix": "opt/other", "python": "3.9.2"},
        {"glibc": "2.41"},
        {"environment": ["VIRTUAL_ENV=/x", "CONDA_PREFIX=/y", "LANG=de_DE.UTF-8"]},
        {"environment": ["AZUREML_CONDA_ENVIRONMENT_PATH=/usr/local"], "settings": {"User": "dockeruser"}},
    ],
    ids=["minor", "path", "glibc", "variables", "azure"],
)
def test_it_is_the_image_that_a_build_makes_whatever_python_the_base_has(
    bench: Bench, image: Built, first: str, settings: dict[str, object]
) -> None:
    base = bench.base(**settings)
    found, wanted = bench.rebase(image.path, base), bench.build(base)
    one, other = (opened(path, bench.store) for path in (found.path, wanted.path))
    assert one.config == other.config
    assert (found.config_digest, found.manifest_digest) == (wanted.config_digest, one.manifest_digest)
    assert (found.python, one.manifest_digest) == ("3.11.9", other.manifest_digest)
    own = [layer for layer in found.layers if layer.how != "base"]
    before = opened(image.path, bench.store)
    assert [layer.diff_id for layer in before.layers[-len(own) : -1]] == [layer.diff_id for layer in own[:-1]]
    assert {layer.how for layer in own[:-1]} == {"kept"}
    assert any(layer.title == "python 3.11.9 (conda)" for layer in own)
    assert "CONDA_PREFIX=/opt/envbuild" in one.config["config"]["Env"]
    assert bench.rebase(found.path, first).config_digest == image.config_digest


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_what_it_asks_of_a_base_is_read_from_the_files_of_conda_packages(
    bench: Bench, image: Built, first: str, known: bool
) -> None:
    before = bench.written()
    base = bench.base(python="3.13.1", glibc="2.27", libraries=["libz.so.1"])
    cache = bench.cache
    if not known:
        bench.cache = bench.new("cache")
    try:
        with pytest.raises(BaseImageError) as caught:
            bench.rebase(image.path, base, old_base=first)
    finally:
        bench.cache = cache
    said = caught.value.message
    assert f"conda-meta/tiny-native-1.0-0.json needs glibc 2.28, and {base} has 2.27" in said
    # Nobody misses what the old base had not either, or what another conda package brings.
    assert "lib/libtiny.so.1 needs libgomp.so.1, which the image's base has" in said
    assert "Python" not in said
    assert bench.written() == before


def test_the_base_s_own_pythons_libraries_are_none_of_the_image_s(bench: Bench, image: Built, first: str) -> None:
    """They lie beside a Python that the image does not run, in no folder where its loader looks."""
    base = write_base(
        bench.new("base"), prefix="opt/python", libraries=["libz.so.1"], beside=["libgomp.so.1"], salt="beside"
    )
    with pytest.raises(BaseImageError, match=r"needs libgomp\.so\.1"):
        bench.rebase(image.path, base)


def test_the_same_base_changes_nothing_and_tells_condas_python(bench: Bench) -> None:
    base = bench.base(python="3.13.1")
    found = bench.rebase(bench.build(base).path, base)
    assert (found.changed, found.python) == (False, "3.11.9")


def test_verify_says_of_it_what_it_says_of_the_old_one(bench: Bench, image: Built, first: str) -> None:
    base = bench.base(python="3.12.3", glibc="2.39")
    found = bench.rebase(image.path, base)
    said = []
    for path, on in ((image.path, first), (found.path, base)):
        command = [sys.executable, "-m", "envbuild", "verify", str(path), "--base", on, "--json"]
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(bench.cache)}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        said.append(json.loads(done.stdout))
    before, after = (
        [(one["title"], one["state"]) for one in each["layers"] if not one["title"].startswith("base")] for each in said
    )
    assert before == after
    assert {state for _, state in after} == {"same"}


def test_bytecode_for_another_python_than_the_base_has_is_refused(bench: Bench, first: str) -> None:
    base = open_base(first, bench.store, platform="linux/amd64")
    layer = Layer(digest="sha256:x", diff_id="sha256:x", size=1)
    compiled = [Part(layer=layer, title="python 3.12.1 (conda)"), Part(layer=layer, title="bytecode (startup)")]
    venv = Venv(executable="/opt/envbuild/bin/python", version="3.12.1", own=True)
    (failed,) = bytecode_failures(compiled, venv, base)
    assert failed.about == "bytecode" and "conda's Python 3.12" in failed.message
    assert bytecode_failures(compiled[:1], venv, base) == []
    assert bytecode_failures(compiled, Venv(executable="/x", version="3.11.2", own=True), base) == []


@pytest.mark.parametrize(
    ("depends", "glibc"),
    [
        (["__glibc >=2.17,<3.0.a0", "libgcc >=13"], 17),
        (["__glibc >=2.17", "__glibc >=2.28,<3.0.a0 0"], 28),
        (["__glibc >2.30"], 31),
        (["__glibc 2.35.*"], 35),
        (["__glibc <2.40", "__glibc", "libglibc >=2.99"], 0),
        ("__glibc >=2.17", 0),
        (None, 0),
    ],
)
def test_the_c_library_that_a_package_depends_on(tmp_path: Path, depends: object, glibc: int) -> None:
    store = Store(tmp_path / "store")
    path = "opt/envbuild/conda-meta/tiny-1.0-0.json"
    layer = put_layer(store, tar_of({path: json.dumps({"depends": depends})}))
    parts = [
        Part(layer=layer, title="2 more conda packages"),
        Part(layer=put_layer(store, tar_of({})), title="server x"),
    ]
    # That it is known what the wheels ask for says nothing of conda's packages.
    known = Needs(needed={}, provided=frozenset(), glibc=5, glibc_asker="wheel", packages=frozenset())
    found = needs_of(parts, in_store(store), store, "amd64", wheels=known)
    assert (found.glibc, found.glibc_asker) == ((glibc, f"/{path}") if glibc else (5, "wheel"))


@pytest.mark.parametrize("damaged", ["{", "[]", "\udcff", '{"depends": [[["__glibc"]]]}'])
def test_a_damaged_list_of_a_package_says_nothing(tmp_path: Path, damaged: str) -> None:
    store = Store(tmp_path / "store")
    data = damaged.encode("utf-8", "surrogateescape")
    layer = put_layer(store, tar_of({"opt/envbuild/conda-meta/x.json": data}))
    parts = [Part(layer=layer, title="x 1 (conda)"), Part(layer=put_layer(store, tar_of({})), title="server x")]
    assert needs_of(parts, in_store(store), store, "amd64").glibc == 0
