"""A bench that builds on this machine's own system, read-only, with its own Python."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases.rootfs import host_architecture
from envbuild.bases.types import Base, Interpreter
from envbuild.oci.store import Store
from envbuild.resolver.source.bench import Bench
from envbuild.resolver.source.sandbox import Bubblewrap, Limits


@pytest.fixture(scope="session")
def system_python() -> tuple[str, str]:
    """A Python of the system itself, and its full version: what lies below a home is not seen in a sandbox."""
    for name in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if Path(name).exists():
            done = subprocess.run(
                [name, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True
            )
            if done.returncode == 0:
                return name, done.stdout.strip()
    pytest.skip("this system has no Python of its own")


@pytest.fixture(scope="session")
def bubblewrap(system_python: tuple[str, str]) -> str:
    """The program. Where tests must not be skipped, its absence is a failure."""
    import os

    program = shutil.which("bwrap")
    problem = Bubblewrap(program, Path("/")).problem(system_python[0]) if program else "bubblewrap is not installed"
    if problem:
        if "sandbox" in os.environ.get("ENVBUILD_TEST_REQUIRE", ""):
            pytest.fail(problem)
        pytest.skip(problem)
    assert program
    return program


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "store")


@pytest.fixture
def bench(tmp_path: Path, bubblewrap: str, system_python: tuple[str, str], store: Store) -> Callable[..., Bench]:
    """Make a bench whose base is this system; `limits` are those of its builds."""

    def make(limits: Limits | None = None, digest: str = "0" * 64) -> Bench:
        place = store.root / "rootfs" / digest
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to("/")
        python, version = system_python
        base = Base(
            name="debian:test",
            digest=f"sha256:{digest}",
            architecture=host_architecture(),
            interpreter=Interpreter(version=version, executable=python, home="/usr"),
            glibc="2.36",
            layers=(),
            config={},
            assembled=True,
        )
        return Bench(base, store, limits=limits)

    return make


@pytest.fixture
def build(run: Callable[..., Any], bench: Callable[..., Bench], system_python: tuple[str, str]) -> Callable[..., Any]:
    """Resolve with a bench, for the Python of this system."""

    def resolved(*given: Any, allow: tuple[str, ...] = ("all",), **changes: Any) -> Any:
        place = changes.pop("bench", None) or bench()
        architecture = place.base.architecture
        arguments = {"python": system_python[1], "architecture": architecture, "allow_build": allow, "bench": place}
        return run(*given, **{**arguments, **changes})

    return resolved
