"""Settings are compared where they are and as what they are: no name and no type can stand for another."""

from __future__ import annotations

from typing import Any

import pytest

from envbuild.planner.record import hash_of
from envbuild.resolver.types import Lock
from envbuild.verifying.record import Recorded
from envbuild.verifying.settings import setting_differences

RECORDED = Recorded(
    version="1",
    server="envbuild",
    bytecode="off",
    keep_tests=False,
    lock=Lock(packages=(), python="3.11.2", platform="manylinux_2_36_x86_64", requirements=()),
    model={},
    executable=frozenset(),
    entry="",
    script={},
    env={"TEAM": hash_of("red")},
    labels={},
)
GOOD: dict[str, Any] = {
    "architecture": "amd64",
    "config": {
        "Entrypoint": ["python", "serve.py"],
        "Env": ["PATH=/usr/bin", "TEAM=red"],
        "Labels": {"who": "us"},
        "ExposedPorts": {"5001/tcp": {}},
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:a"]},
    "history": [{"created_by": "base"}],
}


def names(image: dict[str, Any], **options: bool) -> list[str]:
    return [one.name for one in setting_differences(image, GOOD, RECORDED, **options)]


def inside(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "config": {**GOOD["config"], **changes}}


def test_the_same_settings_differ_in_nothing() -> None:
    assert names(inside()) == []


def test_a_key_beside_the_config_does_not_hide_what_the_config_runs() -> None:
    evil = {**inside(Entrypoint=["evil"]), "Entrypoint": GOOD["config"]["Entrypoint"]}
    assert names(evil) == ["Entrypoint", '["Entrypoint"]']


def test_a_key_called_like_a_variable_does_not_hide_it() -> None:
    evil = inside(Env=["PATH=/evil", "TEAM=red"], **{"Env.PATH": "/usr/bin", "Labels.who": "us"})
    assert names(evil) == ["Env.PATH", '["config", "Env.PATH"]', '["config", "Labels.who"]']


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"Entrypoint": '["python", "serve.py"]'}, "Entrypoint"),
        ({"Labels": {"who": ["us"]}}, "Labels.who"),
        ({"Env": ["PATH=/usr/bin", "PATH=/usr/bin", "TEAM=red"]}, "Env (order)"),
        ({"Env": ["PATH=/usr/bin", "TEAM"]}, "Env.TEAM"),
        ({"Labels": {}}, "Labels.who"),
        ({"User": None}, "User"),
    ],
)
def test_a_value_of_another_type_is_another_value(changes: dict[str, Any], name: str) -> None:
    assert name in names(inside(**changes))


def test_two_values_that_read_alike_are_told_apart() -> None:
    (one,) = setting_differences({**GOOD, "x": 1}, {**GOOD, "x": "1"}, RECORDED)
    assert (one.image, one.rebuilt) == ("1", '"1"')


def test_what_was_asked_for_counts_by_its_hash_even_where_both_have_another_value() -> None:
    both = inside(Env=["PATH=/usr/bin", "TEAM=blue"])
    (one,) = setting_differences(both, both, RECORDED)
    assert (one.name, one.image) == ("Env.TEAM", "blue")


def test_the_layers_and_the_history_are_looked_at_where_all_else_is_the_same() -> None:
    assert names({**GOOD, "rootfs": {**GOOD["rootfs"], "type": "other"}}) == ["rootfs"]
    assert names({**GOOD, "history": []}) == ["history"]
    assert names({**GOOD, "history": []}, history=False) == []
