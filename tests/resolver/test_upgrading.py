"""One package is chosen anew, and the others stay where that goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.progress import Progress
from envbuild.resolver import write_pylock

Make = Callable[..., Any]


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def grown(index: Any, env: Make, run: Make) -> Any:
    """A lock of `alpha`, `beta` and `gamma` is cached, and then each of them has a newer version."""
    for name in ("alpha", "beta", "gamma"):
        index.wheel(name)
    run(env("alpha", "beta", "gamma"))
    index.wheel("alpha", "2.0", requires=["gamma>=2"])
    index.wheel("beta", "2.0")
    index.wheel("gamma", "2.0")
    return index


def test_only_what_is_named_is_chosen_anew(grown: Any, env: Make, run: Make) -> None:
    told = Told()
    lock = run(env("alpha", "beta", "gamma"), upgrade_packages=("beta",), progress=told)
    assert versions(lock) == {"alpha": "1.0", "beta": "2.0", "gamma": "1.0"}
    assert told.notes == ["changed: beta 1.0 -> 2.0"]
    assert versions(run(env("alpha", "beta", "gamma"))) == versions(lock), "the cache keeps what was chosen"
    assert "no version changed" in _notes(run, env("alpha", "beta", "gamma"), upgrade_packages=("beta",))


def test_what_does_not_go_with_it_moves_along(grown: Any, env: Make, run: Make) -> None:
    lock = run(env("alpha", "beta", "gamma"), upgrade_packages=("alpha",))
    assert versions(lock) == {"alpha": "2.0", "beta": "1.0", "gamma": "2.0"}


def test_the_others_stay_at_the_versions_of_a_file(grown: Any, env: Make, run: Make, tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    write_pylock(run(env("alpha", "beta", "gamma")), path)
    told = Told()
    changes: dict[str, Any] = {"keep": path, "cache": tmp_path / "other", "progress": told}
    lock = run(env("alpha", "beta"), upgrade_packages=("beta",), **changes)
    assert versions(lock) == {"alpha": "1.0", "beta": "2.0"}
    assert told.notes == ["changed: beta 1.0 -> 2.0, gamma 1.0 -> (gone)"]
    plain = run(env("alpha", "beta"), cache=tmp_path / "other")
    assert versions(plain) == {"alpha": "2.0", "beta": "2.0", "gamma": "2.0"}, "without the file it has no part in it"


def test_without_a_lock_all_are_chosen_and_an_unknown_name_is_told(grown: Any, env: Make, run: Make) -> None:
    told = Told()
    lock = run(env("beta", "gamma"), upgrade_packages=("delta",), progress=told)
    assert versions(lock) == {"beta": "2.0", "gamma": "2.0"}
    assert told.notes == ["there is no lock whose packages could stay: all are chosen anew"]
    assert told.warnings == ["--upgrade-package delta: it is not among the packages"]


def _notes(run: Make, environment: Any, **changes: Any) -> list[str]:
    told = Told()
    run(environment, progress=told, **changes)
    return told.notes
