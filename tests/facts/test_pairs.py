"""Packages that do not run together: what their metadata allows. That they break is proven in tests/linter/proofs."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import uv
from packaging.version import Version

from envbuild.facts import load_json

FILES = ("flask_stack.json", "protobuf_generation.json")


def rows(kind: str) -> list[object]:
    return [
        pytest.param(group, row, id=f"{row['name']}-{group['with']}")
        for file in FILES
        for group in load_json(file)["groups"]
        for row in group.get(kind, ())
    ]


def resolves(*requirements: str, python: str = "3.10") -> str:
    """What uv finds, as lines; empty where there is no solution."""
    command = [uv.find_uv_bin(), "pip", "compile", "-q", "--no-header", "--no-annotate", "--no-config", "-"]
    done = subprocess.run(
        [*command, "--python-version", python, "--python-platform", "x86_64-manylinux_2_28"],
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0 or "No solution found" in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(("group", "row"), rows("packages"))
def test_the_version_that_fails_is_within_the_range(group: dict[str, Any], row: dict[str, Any]) -> None:
    assert Version(row.get("from", "0")) <= Version(row["fails"]) < Version(row["below"])
    assert Version(group["from"]).major


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("group", "row"), rows("packages"))
def test_metadata_lets_in_what_breaks(group: dict[str, Any], row: dict[str, Any]) -> None:
    assert resolves(f"{row['name']}=={row['fails']}", f"{group['with']}>={group['from']}")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("group", "row"), rows("caps"))
def test_what_holds_the_other_back_says_so(group: dict[str, Any], row: dict[str, Any]) -> None:
    within = f"{row['name']}>={row['from']},<{row['below']}"
    assert resolves(within)
    assert not resolves(within, f"{group['with']}>={group['from']}")


@pytest.mark.slow
@pytest.mark.network
def test_the_versions_of_opentelemetry_that_go_with_the_server_go_together() -> None:
    """That the server asks for two of them exactly is tried with the ladder's rows."""
    facts = load_json("opentelemetry_pin.json")
    rows = [f"{row['name']}=={row['version']}" for row in facts["packages"]]
    assert {f"opentelemetry-api=={facts['version']}", f"opentelemetry-sdk=={facts['version']}"} <= set(rows)
    assert resolves(*rows)
    newer = [row.replace("1.33.0", "1.34.1").replace("0.54b0", "0.55b1") for row in rows]
    for index in range(2, len(rows)):
        assert not resolves(*rows[:2], newer[index])


@pytest.mark.slow
@pytest.mark.network
def test_uv_steps_down_beside_some_versions_of_mlflow() -> None:
    facts = load_json("server_downgrade.json")
    stepped = f"azureml-inference-server-http=={facts['server']}\n"
    asked = ("azureml-inference-server-http", "azureml-ai-monitoring")
    assert stepped in resolves(f"mlflow=={facts['mlflow']['from']}.0", *asked)
    assert stepped not in resolves("mlflow==2.5.0", *asked)
