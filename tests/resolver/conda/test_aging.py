"""Conda packages as of a day: what its channel had later is not taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import ResolveError
from envbuild.model.types import Environment
from envbuild.resolver.conda.locking import key_of
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.types import CondaAsk

THEN = "2023-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aged") / "channel"
    tinyconda.make_python(folder)
    tinyconda.make_python(folder, "3.11.9")
    for version in ("1.0", "2.0", "3.0"):
        tinyconda.make_module(folder, "tiny-py", version)
    tinyconda.make_module(folder, "needs", "1.0", depends=("python", "tiny-py >=2"))
    tinyconda.make_package(folder, "of-no-day")
    tinyconda.index(folder)
    days = {"tiny-py-2": "2023-06-01", "tiny-py-3": "2024-06-01", "python-3.11.9": "2024-04-02", "of-no-day": ""}
    tinyconda.date_packages(folder, days)
    return folder


@pytest.fixture
def ask(environment: Callable[..., Environment], made: Path) -> Callable[..., CondaAsk]:
    def make(*conda: str, python: str = "3.11.7", as_of: str = THEN, **changes: Any) -> CondaAsk:
        listed = environment(*conda, channels=(made.as_uri(),))
        return ask_of(listed, python=python, glibc="2.36", architecture="amd64", as_of=as_of, **changes)

    return make


def versions(ask: CondaAsk, cache: Path) -> dict[str, str]:
    return {package.name: package.version for package in solve(ask, cache)[0]}


@pytest.mark.parametrize(
    ("as_of", "found"), [("", "3.0"), (THEN, "1.0"), ("2023-06-02T00:00:00Z", "2.0"), ("2024-06-01T11:59:59Z", "2.0")]
)
def test_versions_are_those_of_that_day(ask: Callable[..., CondaAsk], tmp_path: Path, as_of: str, found: str) -> None:
    assert versions(ask("tiny-py", as_of=as_of), tmp_path)["tiny-py"] == found


def test_another_day_is_another_lock(ask: Callable[..., CondaAsk]) -> None:
    assert len({key_of(ask("tiny-py", as_of=day)) for day in ("", THEN, "2024-01-01T00:00:00Z")}) == 3


def test_python_is_of_that_day_too(ask: Callable[..., CondaAsk], tmp_path: Path) -> None:
    assert versions(ask(python="3.11"), tmp_path) == {"python": "3.11.7"}
    assert versions(ask(python="3.11.9"), tmp_path) == {"python": "3.11.7"}, "a patch version gives way"
    assert versions(ask(python="3.11", as_of=""), tmp_path) == {"python": "3.11.9"}


@pytest.mark.parametrize("listed", ["tiny-py>=2", "needs"])
def test_a_pin_that_came_later_is_told_with_the_day_of_the_oldest(
    ask: Callable[..., CondaAsk], tmp_path: Path, listed: str
) -> None:
    with pytest.raises(ResolveError) as caught:
        solve(ask(listed), tmp_path)
    assert f"conda.yaml:7: {listed}" in caught.value.message
    assert caught.value.hint.startswith(f"tiny-py had no such version on that day ({THEN})")
    assert "the oldest that goes is of 2023-06-01: choose a later one" in caught.value.hint


def test_a_package_of_no_day_is_left_out_and_told(ask: Callable[..., CondaAsk], tmp_path: Path) -> None:
    assert versions(ask("of-no-day", as_of=""), tmp_path)["of-no-day"] == "1.0"
    with pytest.raises(ResolveError) as caught:
        solve(ask("of-no-day"), tmp_path)
    assert "the channel does not say when of-no-day was published" in caught.value.hint
