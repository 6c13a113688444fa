from __future__ import annotations

import pytest

from envbuild.bases import catalogue, choose
from envbuild.errors import BaseImageError, UsageError


def test_the_catalogue_tells_what_each_base_is() -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert list(entries) == ["debian:bookworm", "debian:trixie", "debian:bullseye"]
    assert entries["debian:bookworm"].python.startswith("3.11.")
    assert entries["debian:trixie"].python.startswith("3.13.")
    assert entries["debian:bullseye"].python.startswith("3.9.")
    assert [entry.glibc for entry in entries.values()] == ["2.36", "2.41", "2.31"]
    assert all(20 < entry.packages < 60 for entry in entries.values())
    assert [entry.automatic for entry in entries.values()] == [True, True, False]


@pytest.mark.parametrize(("python", "name"), [("3.11", "debian:bookworm"), ("3.13", "debian:trixie")])
def test_auto_goes_by_the_minor_version(python: str, name: str) -> None:
    choice = choose("auto", python, python_source="conda.yaml:4")
    assert choice.name == name
    assert choice.why == f"Python {python} (conda.yaml:4)"
    assert choice.notes == ()


def test_a_differing_patch_version_is_noted() -> None:
    (note,) = choose("auto", "3.11.99", python_source="python_env.yaml").notes
    assert "python_env.yaml names 3.11.99" in note
    assert "Python 3.11." in note


def test_the_same_patch_version_is_not_noted() -> None:
    python = catalogue()[0].python
    assert choose("auto", python, python_source="x").notes == ()


def test_without_any_version_the_first_is_taken_and_noted() -> None:
    choice = choose("auto", "", python_source="")
    assert choice.name == "debian:bookworm"
    assert "--python" in choice.notes[0]


def test_python_3_9_is_never_chosen_on_its_own() -> None:
    with pytest.raises(BaseImageError, match=r"has Python 3\.9, which conda\.yaml:4 asks for") as caught:
        choose("auto", "3.9", python_source="conda.yaml:4")
    assert "--base debian:bullseye" in caught.value.hint


def test_when_none_fits_the_ways_on_are_told() -> None:
    with pytest.raises(BaseImageError) as caught:
        choose("auto", "3.12", python_source="--python")
    for way in ("--python 3.11 (debian:bookworm)", "--python 3.13 (debian:trixie)", "docker-daemon:python:3.12-slim"):
        assert way in caught.value.hint


def test_a_base_that_is_asked_for_is_taken() -> None:
    assert choose("debian:bullseye", "3.9", python_source="x").notes == ()
    assert choose("debian:bookworm", "3.12", python_source="MLmodel").notes == (
        "debian:bookworm has Python 3.11, MLmodel asks for 3.12",
    )
    for name in ("docker-daemon:a/b:1", "docker-archive:x.tar", "oci:dir:tag", "oci-archive:x.tar"):
        assert choose(name, "3.12", python_source="x").name == name


@pytest.mark.parametrize("name", ["", "nosuch", "debian:sid", "two words", "bookworm"])
def test_an_unknown_name_lists_what_is_possible(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(name, "3.11", python_source="x")
    assert "debian:bookworm" in caught.value.hint
    assert "oci-archive:FILE" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["python:3.11-slim", "registry.example/team/base:1", "docker://python:3.11", "debian:12-slim"]
)
def test_a_registry_reference_is_refused_with_the_way_round(name: str) -> None:
    with pytest.raises(UsageError, match="this version reads no registry") as caught:
        choose(name, "3.11", python_source="x")
    assert "--base docker-daemon:" in caught.value.hint
    assert "oci-archive:" in caught.value.hint


def test_an_image_kind_without_an_image_is_refused() -> None:
    with pytest.raises(UsageError, match="names nothing"):
        choose("docker-daemon:", "3.11", python_source="x")
