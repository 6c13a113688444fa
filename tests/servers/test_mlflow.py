"""Which edition of MLflow's server goes with which version of mlflow: every row of the table, and its borders."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement as Parsed
from packaging.specifiers import SpecifierSet

import envbuild
from envbuild.errors import UsageError
from envbuild.servers import PROFILES, edition_for, mlflow_range, refuse_script
from envbuild.servers.types import Server

MLFLOW = PROFILES["mlflow"]
RUNTIME = Path(envbuild.__file__).parent / "runtime"
ROWS = (MLFLOW, *MLFLOW.editions)
UVICORN = {"fastapi", "mlflow-skinny", "numpy", "pandas", "uvicorn"}
GUNICORN = {"flask", "gunicorn", "mlflow"}


def names(server: Server) -> set[str]:
    return {package.name for package in server.packages}


@pytest.mark.parametrize(
    ("versions", "brought", "application", "soft"),
    [
        (("3.11.1", "3.17.2", "4.0.0"), UVICORN, "app", ()),
        (("2.21.0rc0", "2.21.0", "2.22.5", "3.0.0", "3.10.1"), UVICORN | {"starlette"}, "app", ()),
        (("2.16.0", "2.18.0", "2.20.4"), GUNICORN, "wsgi", ()),
        (("1.28.0", "1.30.1", "2.0.1", "2.9.2", "2.15.1"), GUNICORN | {"setuptools"}, "wsgi", ()),
        (
            ("0.9.1", "1.0.0", "1.26.0", "1.27.0"),
            GUNICORN | {"setuptools", "protobuf"},
            "wsgi",
            ("numpy<1.24", "pandas<2", "sqlalchemy<2"),
        ),
    ],
)
def test_each_version_of_mlflow_has_its_edition(
    versions: tuple[str, ...], brought: set[str], application: str, soft: tuple[str, ...]
) -> None:
    for version in versions:
        edition = edition_for(MLFLOW, version)
        assert names(edition) == brought, version
        assert edition.edition.endswith(f"scoring_server.{application}"), version
        assert f"mlflow.pyfunc.scoring_server.{application}" in edition.modules
        assert edition.whole_mlflow == (application == "wsgi")
        assert edition.constraints == soft


def test_without_a_version_the_newest_is_meant() -> None:
    assert edition_for(MLFLOW, "") is MLFLOW


def test_the_editions_cover_every_version_once() -> None:
    ranges = [SpecifierSet(mlflow_range(MLFLOW, edition)) for edition in ROWS]
    for version in ("0.1", "1.0", "1.27.9", "1.28", "2.15.1", "2.16", "2.20.4", "2.21", "3.10.1", "3.11", "5.0"):
        (index,) = [index for index, versions in enumerate(ranges) if version in versions]
        assert edition_for(MLFLOW, version) == ROWS[index]
    assert [mlflow_range(MLFLOW, edition) for edition in ROWS] == [
        ">=3.11",
        "<3.11,>=2.21",
        "<2.21,>=2.16",
        "<2.16,>=1.28",
        "<1.28",
    ]


@pytest.mark.parametrize("edition", ROWS, ids=lambda edition: edition.since or "oldest")
def test_every_edition_is_the_same_server_from_outside(edition: Server) -> None:
    for package in edition.packages:
        assert Parsed(package.requirement).name == package.name
        assert package.why
        assert not package.listed
    for constraint in edition.constraints:
        Parsed(constraint)
    assert edition.why_edition
    assert (edition.name, edition.port, edition.liveness, edition.readiness, edition.scoring) == (
        "mlflow",
        8080,
        "/ping",
        "/ping",
        "/invocations",
    )
    assert edition.command == MLFLOW.command
    assert edition.files == MLFLOW.files
    assert not edition.environment


@pytest.mark.parametrize("edition", ROWS, ids=lambda edition: edition.since or "oldest")
def test_import_roots_of_the_runtime_are_files_of_it(edition: Server) -> None:
    own = [module for module in edition.modules if module.startswith("envbuild_runtime.")]
    assert "envbuild_runtime.mlflow" in own
    for module in own:
        assert (RUNTIME / (module.split(".", 1)[1] + ".py")).is_file()
    assert len(set(edition.modules)) == len(edition.modules)


@pytest.mark.parametrize("name", ["azureml", "envbuild"])
def test_other_servers_have_one_edition(name: str) -> None:
    server = PROFILES[name]
    assert edition_for(server, "2.9.2") is server
    assert mlflow_range(server, server) == ""
    refuse_script(server)


def test_it_takes_no_scoring_script_and_says_who_does() -> None:
    with pytest.raises(UsageError) as caught:
        refuse_script(MLFLOW)
    assert "mlflow server takes no scoring script" in caught.value.message
    assert "--server azureml or --server envbuild" in caught.value.hint
