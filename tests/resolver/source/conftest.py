"""A bench that builds on this machine's own system, read-only, with its own Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tinyindex import write_tiny_index
from tinyroad import Road, laid
from tinysources import write_sdist

from envbuild import Options, choosing
from envbuild.bases.rootfs import host_architecture
from envbuild.bases.types import Base, Interpreter
from envbuild.containing import Container
from envbuild.oci.store import Store
from envbuild.resolver.source.bench import Bench
from envbuild.resolver.source.sandbox import Bubblewrap, Limits
from envbuild.shipping.engine import Engine


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


@pytest.fixture(scope="session")
def debian_base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Base, Path]:
    """A base that is no folder of this machine, and the store that it lies in, which no test writes to."""
    from envbuild.bases import open_base

    root = tmp_path_factory.mktemp("base") / "store"
    return open_base("debian:bookworm", Store(root), platform=f"linux/{host_architecture()}"), root


class Contained:
    """Benches in containers of an engine, and what they leave in it: `images` are the names that they had."""

    def __init__(self, engine: Engine, base: Base, store: Store) -> None:
        self.engine = engine
        self.base = base
        self.store = store
        self.images: list[str] = []

    def bench(self, limits: Limits | None = None) -> Bench:
        return Bench(self.base, self.store, lambda base: Container(self.engine, base, self.store), limits)

    def left(self) -> list[str]:
        """Images and containers of these benches that the engine still has, ended or not."""
        found = []
        for name in self.images:
            for command in (["images", "-q", name], ["ps", "-aq", "--filter", f"label=envbuild-sandbox={name}"]):
                found += subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout.split()
        return found


@pytest.fixture
def contained(
    debian_base: tuple[Base, Path], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Contained]:
    """A machine without bubblewrap, with a store of its own; what is left in the engine is removed in the end."""
    from envbuild.shipping import load
    from envbuild.shipping.engine import connect

    engine = connect(required=True)
    assert engine is not None
    base, root = debian_base
    shutil.copytree(root, store.root, dirs_exist_ok=True, copy_function=os.link)
    found = Contained(engine, base, store)
    plain = load.load

    def noted(image: Any, names: Any, *rest: Any) -> Any:
        found.images += [name.familiar for name in names]
        return plain(image, names, *rest)

    monkeypatch.setattr(load, "load", noted)
    monkeypatch.setattr("shutil.which", lambda name: None)
    yield found
    for name in found.images:
        subprocess.run(["docker", "rm", "--force", name.replace(":", "-")], capture_output=True, check=False)
        subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)


@pytest.fixture
def build(run: Callable[..., Any], bench: Callable[..., Bench], system_python: tuple[str, str]) -> Callable[..., Any]:
    """Resolve with a bench, for the Python of this system."""

    def resolved(*given: Any, allow: tuple[str, ...] = ("all",), **changes: Any) -> Any:
        place = changes.pop("bench", None) or bench()
        architecture = place.base.architecture
        arguments = {"python": system_python[1], "architecture": architecture, "allow_build": allow, "bench": place}
        return run(*given, **{**arguments, **changes})

    return resolved


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_index(tmp_path_factory.mktemp("index"))


@pytest.fixture
def road(tmp_path: Path, tiny_index: Path) -> Iterator[Road]:
    """A road whose model lists a package that is there as source alone, in the road's folder."""
    with laid(tmp_path, tiny_index) as road:
        write_sdist(tmp_path, "only-source")
        conda = road.model / "conda.yaml"
        conda.write_text(f"{conda.read_text()}  - only-source\n")
        yield road


@pytest.fixture
def options(
    road: Road, bench: Callable[..., Bench], store: Store, clean: None, monkeypatch: pytest.MonkeyPatch
) -> Options:
    """With a base that has no Python to run, in whose place that of this system builds."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", road.index_url + "/simple")
    monkeypatch.setattr(choosing, "_bench", lambda job, base: bench() if job.builds else None)
    return Options(
        server="envbuild",
        base=f"oci:{road.base}",
        cache=store.root.parent,
        bytecode="off",
        allow_build=("only-source",),
        find_links=(str(road.folder),),
        ignore=("EB105",),
    )
