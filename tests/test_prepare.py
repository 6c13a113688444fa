"""Base and lock: one beside the other where the base is foreseen, and never a lock for another base."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folders import write_files

from envbuild import api, choosing, prepare
from envbuild.bases.types import Base, Choice, Foreseen, Interpreter
from envbuild.errors import EnvbuildError, NetworkError, ResolveError
from envbuild.job import Images, Job
from envbuild.model.types import Model
from envbuild.oci.store import Store
from envbuild.options import Options
from envbuild.progress import SILENT, Progress
from envbuild.resolver.types import Lock, LockedPackage

FORESEEN = Foreseen(python="3.11.2", glibc="2.36", architecture="amd64")
FOREST = Path(__file__).resolve().parent.parent / "fixtures" / "models" / "forest"


def base_of(foreseen: Foreseen) -> Base:
    return Base(
        name="test",
        digest="sha256:" + "0" * 64,
        architecture=foreseen.architecture,
        interpreter=Interpreter(version=foreseen.python, executable="/usr/bin/python3", home="/usr"),
        glibc=foreseen.glibc,
        layers=(),
        config={},
    )


class Bench:
    """Bases and locks without a network; `resolved` has the Python of every resolution, in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.options = Options(cache=folder / "cache", server="envbuild")
        self.store = Store(folder / "store")
        self.model: Model = api.load(FOREST, options=self.options)
        self.resolved: list[str] = []
        self.fault: EnvbuildError | None = None
        self.begun = threading.Event()
        self.packages: tuple[LockedPackage, ...] = ()
        monkeypatch.setattr("envbuild.resolver.resolve", self._resolve)
        self._patch = monkeypatch

    def _resolve(self, *_: object, python: str, **__: Any) -> Lock:
        self.resolved.append(python)
        self.begun.set()
        if self.fault:
            raise self.fault
        return Lock(packages=self.packages, python=python, platform="manylinux_2_36_x86_64", requirements=())

    def run(
        self, opening: Callable[[Callable[[Foreseen], None]], Base], *, to_read: bool = False
    ) -> tuple[Base, Choice, Lock]:
        self._patch.setattr(prepare, "open_base", lambda *_, foreseen, **__: opening(foreseen))
        job = Job.of(self.model, self.options, self.store, Images(), SILENT)
        return prepare.prepare_both(job, to_read=to_read)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_packages_are_resolved_while_a_foreseen_base_is_made(bench: Bench) -> None:
    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        assert bench.begun.wait(10), "the base would wait for ever if the resolution came after it"
        return base_of(FORESEEN)

    base, _, lock = bench.run(opening)
    assert (base.interpreter.version, lock.python) == ("3.11.2", "3.11.2")
    assert bench.resolved == ["3.11.2"]


def test_a_base_that_came_out_otherwise_gets_a_lock_of_its_own(bench: Bench) -> None:
    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        return base_of(Foreseen(python="3.11.9", glibc="2.36", architecture="amd64"))

    assert bench.run(opening)[2].python == "3.11.9"
    assert bench.resolved == ["3.11.2", "3.11.9"]


def test_a_base_that_is_there_is_opened_first(bench: Bench) -> None:
    assert bench.run(lambda _: base_of(FORESEEN))[2].python == "3.11.2"
    assert bench.resolved == ["3.11.2"]


def test_the_fault_of_the_base_is_told_before_that_of_the_packages(bench: Bench) -> None:
    bench.fault = ResolveError("no set of packages", hint="")

    def failing(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        assert bench.begun.wait(10)
        raise NetworkError("no mirror answers", hint="")

    with pytest.raises(NetworkError, match="no mirror answers"):
        bench.run(failing)

    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        return base_of(FORESEEN)

    with pytest.raises(ResolveError, match="no set of packages"):
        bench.run(opening)


def test_the_wheels_are_fetched_and_read_while_a_foreseen_base_is_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the rules on the packages would wait for what could be there already."""
    fetched = threading.Event()

    def fetch(lock: Lock, *_: object, **__: object) -> Lock:
        fetched.set()
        return lock

    monkeypatch.setattr("envbuild.resolver.fetch", fetch)
    package = LockedPackage(name="a", version="1", filename="a-1-py3-none-any.whl", sha256="0" * 64, size=1)
    bench.packages = (package,)

    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        assert fetched.wait(10), "the base would wait for ever if the wheels came after it"
        return base_of(FORESEEN)

    assert bench.run(opening, to_read=True)[2].packages == (package,)


def test_a_lock_that_is_only_planned_with_fetches_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.resolver.fetch", lambda *_, **__: pytest.fail("a wheel was fetched"))

    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        return base_of(FORESEEN)

    assert bench.run(opening)[2].python == "3.11.2"


def test_packages_for_a_base_that_came_out_otherwise_are_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every wheel for the wrong Python would be fetched before the right ones are looked for."""
    fetched: list[str] = []
    on = threading.Event()

    def fetch(lock: Lock, _: object, progress: Progress, **__: object) -> Lock:
        fetched.append(lock.python)
        if lock.python == FORESEEN.python:
            on.set()
            for _ in range(1000):
                progress.advance("fetch", 0)
                time.sleep(0.01)
            pytest.fail("it was fetched to its end")
        return lock

    monkeypatch.setattr("envbuild.resolver.fetch", fetch)
    bench.packages = (LockedPackage(name="a", version="1", filename="a-1-py3-none-any.whl", sha256="0" * 64, size=1),)

    def opening(foreseen: Callable[[Foreseen], None]) -> Base:
        foreseen(FORESEEN)
        assert on.wait(10)
        return base_of(Foreseen(python="3.12.4", glibc="2.36", architecture="amd64"))

    began = time.monotonic()
    assert bench.run(opening, to_read=True)[2].python == "3.12.4"
    assert time.monotonic() - began < 5
    assert fetched == [FORESEEN.python]


RANGE = "dependencies:\n- python<3.11\n- pip\n- pip:\n  - mlflow\n"
RECORDED = "flavors:\n  python_function:\n    loader_module: m\n    python_version: 3.11.2\n    env: conda.yaml\n"


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def note(self, message: str) -> None:
        self.noted.append(message)


@pytest.mark.parametrize(
    ("asked", "python", "source", "told"),
    [("", "3.10", "conda.yaml:2", True), ("3.12", "3.12", "--python", False)],
)
def test_a_python_that_was_chosen_from_a_range_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, python: str, source: str, told: bool
) -> None:
    root = write_files(tmp_path / "model", {"MLmodel": RECORDED, "conda.yaml": RANGE})
    options = Options(cache=tmp_path / "cache", server="envbuild", python=asked)
    model = api.load(root, options=options)
    assert choosing.wanted_python(model, options) == (python, source)
    monkeypatch.setattr(prepare, "open_base", lambda *_, **__: base_of(FORESEEN))
    progress = Notes()
    _, choice = prepare.prepare_base(Job.of(model, options, Store(tmp_path / "store"), Images(), progress))
    assert choice.name == f"docker.io/library/python:{python}-slim"
    chosen = "conda.yaml:2 asks for Python <3.11, which 3.11.2 of MLmodel is not: 3.10 is taken"
    assert any(note.startswith(chosen) for note in progress.noted) is told
