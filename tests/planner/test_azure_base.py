"""A base laid out like Azure's inference base keeps its user; other bases get ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from envbuild.planner import Inputs, make_plan
from envbuild.planner.types import Plan

AZURE = (
    "PATH=/azureml-envs/m/bin:/usr/bin",
    "LD_LIBRARY_PATH=/azureml-envs/m/lib",
    "AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/m",
    "AZUREML_ENTRY_SCRIPT=mlflow_score_script.py",
)


def planned(make_inputs: Callable[..., Inputs], env: tuple[str, ...] = AZURE, **settings: Any) -> Plan:
    inputs = make_inputs()
    config = {"config": {"Env": list(env), **settings}}
    base = replace(inputs.base, name="r.example/azureml/base:1", assembled=False, registry=True, config=config)
    return make_plan(make_inputs(base=base), ranking=[])


def variables(plan: Plan) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in plan.config["config"]["Env"])


@pytest.mark.parametrize(
    ("theirs", "user", "name"),
    [
        ("dockeruser", "dockeruser", "dockeruser"),
        ("dockeruser:staff", "dockeruser:staff", "dockeruser"),
        ("1000:1000", "1000:1000", "nonroot"),
        ("", "65532:65532", "nonroot"),
        ("root", "65532:65532", "nonroot"),
        ("0:0", "65532:65532", "nonroot"),
    ],
)
def test_the_bases_own_user_is_kept_unless_it_is_root(
    make_inputs: Callable[..., Inputs], theirs: str, user: str, name: str
) -> None:
    plan = planned(make_inputs, User=theirs)
    assert plan.config["config"]["User"] == user
    assert (variables(plan)["USER"], variables(plan)["LOGNAME"]) == (name, name)
    (decision,) = [decision for decision in plan.decisions if decision.what == "user"]
    assert decision.value == user
    assert ("own user" in decision.why) == (user == theirs)


def test_the_user_of_any_other_base_is_not_kept(make_inputs: Callable[..., Inputs]) -> None:
    plan = planned(make_inputs, env=("PATH=/usr/bin",), User="app")
    assert plan.config["config"]["User"] == "65532:65532"
    assert not [decision for decision in plan.decisions if decision.what in ("user", "interpreter")]


def test_libraries_stay_and_another_scoring_script_or_home_does_not(make_inputs: Callable[..., Inputs]) -> None:
    found = variables(planned(make_inputs, env=(*AZURE, "PYTHONHOME=/azureml-envs/m")))
    assert found["LD_LIBRARY_PATH"] == "/azureml-envs/m/lib"
    assert found["PATH"] == "/opt/envbuild/bin:/azureml-envs/m/bin:/usr/bin"
    assert found["AZUREML_ENTRY_SCRIPT"] == found["PYTHONHOME"] == ""


def test_ports_are_added_to_those_of_the_base(make_inputs: Callable[..., Inputs]) -> None:
    plan = planned(make_inputs, ExposedPorts={"5001/tcp": {}, "8080/tcp": {}})
    assert plan.config["config"]["ExposedPorts"] == {"5001/tcp": {}, "8080/tcp": {}}


def test_what_the_base_starts_is_not_started(make_inputs: Callable[..., Inputs]) -> None:
    config = planned(make_inputs, Cmd=["runsvdir", "/var/runit"], Entrypoint=["/init"]).config["config"]
    assert config["Entrypoint"][0] == "/opt/envbuild/bin/python"
    assert config["Cmd"] == []


def test_a_registry_base_is_named_in_plan_and_labels(make_inputs: Callable[..., Inputs]) -> None:
    plan = planned(make_inputs)
    labels = plan.config["config"]["Labels"]
    assert plan.base == labels["org.opencontainers.image.base.name"] == "r.example/azureml/base:1"
    assert plan.base_digest == labels["org.opencontainers.image.base.digest"]
