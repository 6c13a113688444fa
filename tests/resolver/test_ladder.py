"""The server ladder without a solver. The rows of `facts/resolve` were measured with uv on Python 3.10."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envbuild.resolver.ladder import FLOOR, SERVER, best_server, mlflow_asks, obstacle, rungs

CONTRIB = "azureml-contrib-services>=1.62"


@pytest.mark.parametrize(
    ("pins", "version"),
    [
        ({}, "1.5.1"),
        ({"mlflow": "==1.30.0"}, "1.2.0"),
        ({"mlflow": "==2.0.1"}, "1.2.0"),
        ({"mlflow": "==2.9.2"}, "1.2.0"),
        ({"mlflow": "===2.9.2"}, "1.2.0"),
        ({"mlflow": "==2.12.2"}, "1.3.3"),
        ({"mlflow": "==2.15.1"}, "1.3.3"),
        ({"mlflow": "==2.17.2"}, "1.5.1"),
        ({"mlflow": "==3.17.2"}, "1.5.1"),
        ({"mlflow-skinny": "==1.30.0"}, "1.4.1"),
        ({"mlflow-skinny": "==2.9.2"}, "1.5.1"),
        ({"pydantic": "==1.10.26"}, "1.0.0"),
        ({"pydantic": "==2.13.0"}, "1.2.2"),
        ({"gunicorn": "==20.1.0"}, "1.2.0"),
        ({"opentelemetry-api": "==1.27.0"}, "1.4.1"),
        ({"mlflow": "<2.10"}, "1.2.0"),
        ({"mlflow": ">=2"}, "1.5.1"),
        ({SERVER: "<1.3"}, "1.2.2"),
        ({"pandas": "==1.0"}, "1.5.1"),
        ({"flask": "not a specifier"}, "1.5.1"),
        ({"flask": "===1.0.x"}, "1.5.1"),
        ({"gunicorn": "===20.1.0"}, "1.2.0"),
    ],
)
def test_the_best_server_for_what_a_model_pins(pins: dict[str, str], version: str) -> None:
    found = best_server(pins)
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize("pins", [{"flask": "==2.3.3"}, {"wrapt": "==1.17.0"}, {SERVER: "<1"}])
def test_no_server_from_1_0_on_fits(pins: dict[str, str]) -> None:
    assert best_server(pins) is None


def test_the_python_counts() -> None:
    newest = {python: getattr(best_server({}, python=python), "version", None) for python in ("3.7", "3.8", "3.9.2")}
    assert newest == {"3.7": None, "3.8": "1.3.4", "3.9.2": "1.5.1"}
    assert best_server({"pydantic": "<2"}, python="3.12") is None


def test_a_solver_passes_by_the_upper_ends_of_pythons() -> None:
    (lowest,) = (rung for rung in rungs() if rung.version == "1.0.0")
    assert obstacle(lowest, {}, python="3.12") is not None
    assert obstacle(lowest, {}, python="3.12", solver=True) is None
    assert obstacle(lowest, {}, python="3.7", solver=True) is not None


def test_what_has_to_stand_beside_an_older_server() -> None:
    needs = {rung.version: rung.needs for rung in rungs()}
    assert needs["1.5.1"] == needs["1.4.1"] == ()
    assert needs["1.4.0"] == needs["1.2.2"] == (CONTRIB,)
    assert needs["1.2.0"] == needs["1.0.0"] == (CONTRIB, "setuptools<82")


def test_an_obstacle_names_the_pin_and_what_it_allows() -> None:
    newest = rungs()[0]

    def said(pins: dict[str, str], python: str = "") -> str:
        found = obstacle(newest, pins, python=python)
        return found.text if found else ""

    assert said({"mlflow": "==2.9.2"}) == "mlflow==2.9.2 caps gunicorn<22"
    assert said({"mlflow-skinny": "==2.0.1"}) == "mlflow-skinny==2.0.1 caps importlib-metadata<6"
    assert said({"pydantic": "==2.13.0"}) == "pydantic==2.13.0"
    assert said({}, "3.8") == "Python 3.8"


def test_mlflow_in_a_range_asks_for_what_its_newest_version_there_does() -> None:
    assert mlflow_asks("<2.6")["gunicorn"] == "<21"
    assert mlflow_asks("~=2.12.1")["gunicorn"] == "<23"
    assert mlflow_asks("==2.*")["gunicorn"] == "<24"
    assert mlflow_asks(">=1.28") == mlflow_asks("nonsense") == {}
    assert "gunicorn" not in mlflow_asks("==2.9.2", skinny=True)


def test_the_ladder_goes_down_and_stops_at_1_0() -> None:
    versions = [tuple(map(int, rung.version.split("."))) for rung in rungs(below=True)]
    assert versions == sorted(versions, reverse=True)
    assert rungs()[-1].version == "1.0.0"
    assert rungs(below=True)[-1].version == "0.7.7"
    assert rungs()[0].constraint == f"{SERVER}>=1.5.1"


@pytest.mark.network
def test_the_rows_are_what_the_wheels_say(tmp_path: Path) -> None:
    """Direct requirements alone: what a pinned package asks in turn stands in the row too."""
    import uv

    for rung in rungs(below=True):
        target = tmp_path / rung.version
        wanted = f"{SERVER}=={rung.version}"
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(target), wanted]
        subprocess.run(command, check=True, env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")})
        (info,) = target.glob("*.dist-info")
        distribution = PathDistribution(info)
        linux = {"platform_system": "Linux", "python_version": "3.10", "extra": ""}
        said = {
            str(canonicalize_name(requirement.name)): requirement.specifier
            for requirement in map(Requirement, distribution.requires or ())
            if requirement.marker is None or requirement.marker.evaluate(linux)
        }
        for name, specifier in rung.requires.items():
            if name in said and name != "opentelemetry-semantic-conventions":
                assert said[name] == SpecifierSet(specifier), (rung.version, name)
        assert {"flask-cors", "gunicorn"} <= said.keys() & rung.requires.keys()
        lowest = SpecifierSet(distribution.metadata["Requires-Python"])
        assert lowest.contains(f"3.{rung.python[0]}")
        assert not lowest.contains(f"3.{rung.python[0] - 1}")


def test_the_profile_asks_for_the_floor() -> None:
    from envbuild.servers import PROFILES

    assert FLOOR in [package.requirement for package in PROFILES["azureml"].packages]
    assert [name for name, server in PROFILES.items() if server.ladder] == ["azureml"]
