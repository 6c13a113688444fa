"""Interpreters, wheels in a store, and environments of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tinywheels import make_wheel

from envbuild.local.environment import Environment, install
from envbuild.local.host import Interpreter, running_interpreter
from envbuild.local.process import Setup
from envbuild.oci.store import Store
from envbuild.progress import SILENT
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.servers import PROFILES


@pytest.fixture
def host() -> Interpreter:
    found = running_interpreter()
    assert found is not None
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "cache" / "store")
    found.create()
    return found


@pytest.fixture
def locked(tmp_path: Path, store: Store, host: Interpreter) -> Callable[..., Lock]:
    """A lock of tiny wheels with these names and files, which lie in the store."""

    def make(**files: dict[str, str]) -> Lock:
        folder = tmp_path / "wheels"
        folder.mkdir(exist_ok=True)
        packages = []
        for name, contents in files.items():
            wheel = make_wheel(folder, name, files=contents)
            data = wheel.read_bytes()
            digest = store.ingest([data])
            sha256 = hashlib.sha256(data).hexdigest()
            assert str(digest).endswith(sha256) or store.has(f"sha256:{sha256}")
            packages.append(LockedPackage(name=name, version="1.0", filename=wheel.name, sha256=sha256, size=len(data)))
        return Lock(
            packages=tuple(packages), python=host.version, platform=f"manylinux_2_17_{host.machine}", requirements=()
        )

    return make


@pytest.fixture
def setup(tmp_path: Path, store: Store, locked: Callable[..., Lock], host: Interpreter) -> Callable[..., Setup]:
    """A server that is the module `tiny_server` with that text."""

    def make(text: str) -> Setup:
        lock = locked(tiny_server={"tiny_server/__main__.py": text})
        folder = install(lock, host, store, tmp_path / "cache", SILENT)
        model = tmp_path / "model"
        model.mkdir(exist_ok=True)
        return Setup(
            server=replace(PROFILES["envbuild"], command=("python", "-m", "tiny_server"), files=()),
            script=None,
            model=model,
            environment=Environment(folder=folder, interpreter=host, lock=lock),
        )

    return make
