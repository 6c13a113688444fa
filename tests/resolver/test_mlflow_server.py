"""MLflow's own server: the version that is locked decides on its edition, a pin ahead of the resolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envbuild.errors import LockFileError
from envbuild.resolver import search
from envbuild.resolver.editions import mlflow_pin, with_whole
from envbuild.resolver.requirements import collect
from envbuild.servers import PROFILES, edition_for

Make = Callable[..., Any]
SERVER = PROFILES["mlflow"]
FLASK = {"flask", "gunicorn"}
FASTAPI = {"fastapi", "uvicorn"}


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


@pytest.fixture
def stocked(index: Any) -> Any:
    """Versions of mlflow as they are published: the whole one asks for Flask, the skinny one for FastAPI."""
    for version in ("1.27.0", "2.9.2", "2.20.4"):
        index.wheel("mlflow", version, requires=["Flask", "gunicorn", "numpy", "pandas", "sqlalchemy"])
        index.wheel("mlflow-skinny", version, requires=["click"])
    for version in ("2.22.0", "3.17.2"):
        index.wheel("mlflow-skinny", version, requires=["fastapi<1", "uvicorn<1"])
        index.wheel("mlflow", version, requires=[f"mlflow-skinny=={version}", "Flask", "gunicorn", "numpy", "pandas"])
    for name, many in {
        "fastapi": ["0.163.2"],
        "uvicorn": ["0.54.0"],
        "starlette": ["0.52.1", "1.10.0"],
        "flask": ["2.3.3", "3.1.3"],
        "gunicorn": ["23.0.0"],
        "click": ["8.4.2"],
        "setuptools": ["81.0.0", "82.0.0"],
        "protobuf": ["3.20.3", "6.33.6"],
        "sqlalchemy": ["1.4.54", "2.1.9"],
        "numpy": ["1.23.5", "1.26.4", "2.4.6"],
        "pandas": ["1.5.3", "2.3.3", "3.1.1"],
    }.items():
        for version in many:
            index.wheel(name, version)
    return index


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requirements of every resolution, in order."""
    seen: list[Any] = []
    run = search.Search.run

    def watched(self: Any, inputs: Any, full: Any, server: str) -> Any:
        seen.append(inputs)
        return run(self, inputs, full, server)

    monkeypatch.setattr(search.Search, "run", watched)
    return seen


def test_a_new_pin_is_skinny_with_fastapi(stocked: Any, env: Make, run: Make, searches: list[Any]) -> None:
    lock = run(env("mlflow==3.17.2"), SERVER)
    found = versions(lock)
    assert found.keys() == {"mlflow-skinny", "numpy", "pandas"} | FASTAPI
    assert (lock.mlflow, lock.server, len(searches)) == ("3.17.2", "mlflow", 1)
    assert [(s.old, s.new) for s in lock.substitutions] == [("mlflow==3.17.2", "mlflow-skinny==3.17.2")]


def test_an_old_pin_is_whole_with_flask_in_one_go(stocked: Any, env: Make, run: Make, searches: list[Any]) -> None:
    lock = run(env("mlflow==2.9.2"), SERVER)
    found = versions(lock)
    assert found.keys() == {"mlflow", "numpy", "pandas", "sqlalchemy", "setuptools"} | FLASK
    assert found["setuptools"] == "81.0.0"
    assert (lock.mlflow, len(searches), lock.substitutions) == ("2.9.2", 1, ())


def test_an_early_pin_gets_the_packages_of_its_time(stocked: Any, env: Make, run: Make, searches: list[Any]) -> None:
    found = versions(run(env("mlflow==1.27.0"), SERVER))
    assert {name: found[name] for name in ("protobuf", "numpy", "pandas", "sqlalchemy", "setuptools")} == {
        "protobuf": "3.20.3",
        "numpy": "1.23.5",
        "pandas": "1.5.3",
        "sqlalchemy": "1.4.54",
        "setuptools": "81.0.0",
    }
    assert len(searches) == 1


def test_an_early_pin_goes_with_a_newer_numpy_that_the_model_pins(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==1.27.0", "numpy==1.26.4"), SERVER)
    assert versions(lock)["numpy"] == "1.26.4"
    assert versions(lock)["pandas"] == "1.5.3"
    assert any(note.startswith("numpy<1.24 could not be kept") for note in lock.notes)


def test_a_version_whose_routes_need_the_older_starlette_gets_it(stocked: Any, env: Make, run: Make) -> None:
    assert versions(run(env("mlflow==2.22.0"), SERVER))["starlette"] == "0.52.1"
    assert "starlette" not in versions(run(env("mlflow==3.17.2"), SERVER))


def test_a_range_that_resolves_to_an_old_version_is_resolved_again(
    stocked: Any, env: Make, run: Make, searches: list[Any]
) -> None:
    lock = run(env("mlflow<2.21"), SERVER)
    assert versions(lock).keys() == {"mlflow", "numpy", "pandas", "sqlalchemy"} | FLASK
    assert (lock.mlflow, len(searches)) == ("2.20.4", 2)
    again = run(env("mlflow<2.21"), SERVER, locked=True)
    assert (again.from_cache, again.digest, len(searches)) == (True, lock.digest, 2)


def test_a_range_ends_up_in_the_edition_that_it_was_resolved_for(stocked: Any, env: Make, run: Make) -> None:
    """Of the whole mlflow the index has a newer one in the range, which would be served by another edition."""
    stocked.wheel("mlflow", "2.21.5", requires=["Flask", "gunicorn", "numpy", "pandas", "sqlalchemy"])
    lock = run(env("mlflow<2.22"), SERVER)
    assert lock.mlflow == "2.20.4"
    assert edition_for(SERVER, lock.mlflow).whole_mlflow


def test_without_a_version_the_newest_is_taken(stocked: Any, env: Make, run: Make, searches: list[Any]) -> None:
    for asked in (env("mlflow"), env()):
        lock = run(asked, SERVER)
        assert lock.mlflow == "3.17.2"
        assert versions(lock).keys() == {"mlflow-skinny", "numpy", "pandas"} | FASTAPI
    assert len(searches) == 2


def test_a_listed_old_skinny_is_laid_down_whole(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow-skinny==2.9.2"), SERVER)
    assert versions(lock)["mlflow"] == "2.9.2"
    assert "mlflow-skinny" not in versions(lock)
    (change,) = lock.substitutions
    assert (change.old, change.new) == ("mlflow-skinny==2.9.2", "mlflow==2.9.2")
    assert "Flask" in change.why


def test_full_mlflow_keeps_the_new_one_whole(stocked: Any, env: Make, run: Make) -> None:
    found = versions(run(env("mlflow==3.17.2"), SERVER, full_mlflow=True))
    assert found["mlflow"] == found["mlflow-skinny"] == "3.17.2"
    assert found.keys() >= FASTAPI


def test_a_marker_that_does_not_hold_here_is_no_pin(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env('mlflow==2.9.2; python_version < "3.9"'), SERVER)
    assert lock.mlflow == "3.17.2"
    assert "flask" not in versions(lock)


def test_other_servers_keep_laying_an_old_mlflow_down_skinny(stocked: Any, env: Make, run: Make, profile: Make) -> None:
    assert "mlflow-skinny" in versions(run(env("mlflow==2.9.2"), profile()))


def test_locked_needs_the_lock_of_the_edition_too(stocked: Any, env: Make, run: Make) -> None:
    with pytest.raises(LockFileError, match="--locked allows no resolution"):
        run(env("mlflow<2.21"), SERVER, locked=True)


@pytest.mark.parametrize(
    ("pip", "constraints", "pin"),
    [
        (["mlflow==2.9.2"], [], "2.9.2"),
        (["mlflow[extras]==2.9.2"], [], "2.9.2"),
        (["mlflow-skinny==2.9.2"], [], "2.9.2"),
        (["mlflow"], ["mlflow==2.9.2"], "2.9.2"),
        (["mlflow==2.9.2", "mlflow-skinny==2.9.2"], [], "2.9.2"),
        (["mlflow>=2.9"], [], ""),
        (["mlflow==2.*"], [], ""),
        (["mlflow==2.9.2; python_version < '3.9'", "mlflow==3.17.2; python_version >= '3.9'"], [], ""),
        (["scikit-learn==1.3.2"], [], ""),
    ],
)
def test_what_is_a_pin(env: Make, pip: list[str], constraints: list[str], pin: str) -> None:
    assert mlflow_pin(collect(env(*pip, constraints=constraints), SERVER)) == pin


def test_what_constrains_skinny_holds_for_the_whole_too(env: Make, profile: Make) -> None:
    inputs = with_whole(collect(env("mlflow-skinny", constraints=["mlflow-skinny<2.10"]), profile()))
    assert [ask.text for ask in inputs.asks] == ["mlflow"]
    assert [ask.text for ask in inputs.constraints] == ["mlflow-skinny<2.10", "mlflow<2.10"]
