"""Names of packages: those that PyPI has no wheel for have a right one that it has, and those to leave out exist."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from envbuild.facts import heavy_wheels, load_json
from envbuild.model.requirement import canonical_name
from envbuild.servers import PROFILES

WRONG: dict[str, str] = load_json("wrong_names.json")["names"]
ALIASES: dict[str, list[str]] = load_json("wrong_names.json")["aliases"]
PARTS: dict[str, int] = load_json("wrong_names.json")["parts"]
EXTRAS = {kind: names for kind, names in load_json("serving_extras.json").items() if kind != "about"}


def can_be_had(names: Sequence[str]) -> bool:
    """Whether the index has a wheel of each for Linux."""
    import uv

    command = [uv.find_uv_bin(), "pip", "compile", "--no-config", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_36", "-"]
    done = subprocess.run(command, input="\n".join(names), capture_output=True, text=True, check=False, timeout=120)
    return done.returncode == 0


@pytest.mark.network
@pytest.mark.parametrize("name", sorted(WRONG))
def test_no_wheel_has_the_wrong_name(name: str) -> None:
    assert not can_be_had([name])


@pytest.mark.network
@pytest.mark.parametrize("name", sorted(ALIASES))
def test_the_right_name_has_no_such_version_as_the_wrong_one(name: str) -> None:
    for alias in ALIASES[name]:
        pinned = f"=={alias}.*" if alias.count(".") < 2 else f"=={alias}"
        assert not can_be_had([f"{WRONG[name]}{pinned}"])


@pytest.mark.network
@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_version_of_fewer_numbers_is_none(name: str) -> None:
    assert can_be_had([f"{name}==4.8.0.*"])
    assert not can_be_had([f"{name}==4.8.0"])
    assert PARTS[name] == 4


@pytest.mark.network
def test_the_right_names_and_those_to_leave_out_have_wheels() -> None:
    assert can_be_had(sorted({*WRONG.values(), *(name for names in EXTRAS.values() for name in names)}))


def test_names_are_written_as_the_rules_compare_them() -> None:
    names = [*WRONG, *WRONG.values(), *(name for names in EXTRAS.values() for name in names)]
    assert [name for name in names if name != canonical_name(name)] == []
    assert set(WRONG).isdisjoint(WRONG.values())
    assert set(ALIASES) <= set(WRONG)
    assert set(PARTS) <= set(WRONG.values())


def test_nothing_that_serves_a_model_is_to_be_left_out() -> None:
    extras = {name for names in EXTRAS.values() for name in names}
    servers = {package.name for profile in PROFILES.values() for package in profile.packages}
    assert extras.isdisjoint(servers)
    assert extras.isdisjoint(heavy_wheels())
    assert sum(len(names) for names in EXTRAS.values()) == len(extras)
