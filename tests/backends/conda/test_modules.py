"""Conda's own modules, as what compiles them reads them."""

from __future__ import annotations

from pathlib import Path

from tinywheels import make_wheel

from envbuild.backends.conda.modules import condas_python, site_modules
from envbuild.bases.types import Base, Interpreter
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.wheel import WheelSource

PREFIX = "opt/envbuild"
SITE = f"{PREFIX}/lib/python3.11/site-packages"


def write(tar: LayerTar) -> None:
    tar.data(f"{PREFIX}/lib/python3.11/os.py", b"")
    tar.data(f"{SITE}/own/__init__.py", b"# conda's")
    tar.data(f"{SITE}/own/native.so", b"")
    tar.data(f"{SITE}/shared/__init__.py", b"# conda's")
    tar.symlink(f"{SITE}/linked.py", "own/__init__.py")


def test_condas_modules_are_those_that_no_wheel_lays_down_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    base = Base(
        name="debian:bookworm",
        digest="sha256:" + "0" * 64,
        architecture="amd64",
        interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
        glibc="2.36",
        layers=(),
        config={},
    )
    python = condas_python(base, [build_layer(store, write)], "3.11.9", prefix=PREFIX)
    wheel = make_wheel(tmp_path, "shared", files={"shared/__init__.py": "# the wheel's"})
    above = [WheelSource(path=wheel, filename=wheel.name)]
    found = site_modules(python, store, prefix=PREFIX, above=above, keep_tests=False)
    assert found == {f"{SITE}/own/__init__.py": b"# conda's"}
