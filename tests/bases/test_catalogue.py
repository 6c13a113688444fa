from __future__ import annotations

import pytest

from envbuild.bases import Base, Interpreter, catalogue, choose, python_notes
from envbuild.errors import BaseImageError, UsageError


def test_the_catalogue_tells_what_each_base_is() -> None:
    everything = catalogue()
    entries = {entry.name: entry for entry in everything if entry.name.startswith("debian:")}
    assert list(entries) == ["debian:bookworm", "debian:trixie", "debian:bullseye"]
    assert entries["debian:bookworm"].python.startswith("3.11.")
    assert entries["debian:trixie"].python.startswith("3.13.")
    assert entries["debian:bullseye"].python.startswith("3.9.")
    assert [entry.glibc for entry in entries.values()] == ["2.36", "2.41", "2.31"]
    assert all(20 < entry.packages < 60 for entry in entries.values())
    assert [entry.automatic for entry in entries.values()] == [True, True, False]
    assert [(entry.name, entry.python) for entry in everything[3:]] == [
        (f"docker.io/library/python:{python}-slim", python) for python in ("3.8", "3.10", "3.12", "3.14")
    ]


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


@pytest.mark.parametrize("python", ["3.8", "3.10.4", "3.12", "3.14"])
def test_auto_takes_the_official_image_where_no_assembled_base_fits(python: str) -> None:
    minor = ".".join(python.split(".")[:2])
    choice = choose("auto", python, python_source="conda.yaml:4")
    assert choice.name == f"docker.io/library/python:{minor}-slim"
    assert choice.why == f"Python {minor} (conda.yaml:4), which no assembled base has"


def test_when_none_fits_the_ways_on_are_told() -> None:
    with pytest.raises(BaseImageError) as caught:
        choose("auto", "3.6", python_source="--python")
    for way in ("--python 3.11 (debian:bookworm)", "--python 3.13 (debian:trixie)", "REGISTRY/NAME:TAG"):
        assert way in caught.value.hint


def image_base(python: str) -> Base:
    interpreter = Interpreter(version=python, executable="/usr/local/bin/python3.12", home="/usr/local")
    return Base(
        name="docker.io/library/python:3.12-slim",
        digest="sha256:" + "0" * 64,
        architecture="amd64",
        interpreter=interpreter,
        glibc="2.36",
        layers=(),
        config={},
        registry=True,
    )


def test_what_python_an_image_brings_is_noted_once_it_is_open() -> None:
    base = image_base("3.12.7")
    assert (
        python_notes(base, "3.12", "--python") == python_notes(base, "3.12.7", "x") == python_notes(base, "", "") == ()
    )
    (patch,) = python_notes(base, "3.12.4", "conda.yaml:4")
    assert patch.endswith("brings Python 3.12.7, conda.yaml:4 names 3.12.4: the patch version differs")
    (minor,) = python_notes(base, "3.1", "MLmodel")
    assert minor.endswith("brings Python 3.12.7, MLmodel names 3.1")


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
    ("asked", "name"),
    [
        ("python:3.11-slim", "python:3.11-slim"),
        ("docker://python", "python"),
        ("docker://registry.example/team/base:1", "registry.example/team/base:1"),
        ("docker.io/library/debian:bookworm", "docker.io/library/debian:bookworm"),
        ("registry.example:5000/x@sha256:" + "a" * 64, "registry.example:5000/x@sha256:" + "a" * 64),
    ],
)
def test_a_reference_is_an_image_of_a_registry(asked: str, name: str) -> None:
    choice = choose(asked, "3.11", python_source="x")
    assert (choice.name, choice.why) == (name, f"{asked} was asked for")


@pytest.mark.parametrize(
    "name", ["./base.tar", "/srv/base", "registry.example/Team:1", "x@sha256:1", "docker://", "a b/c"]
)
def test_a_path_or_a_broken_reference_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        choose(name, "3.11", python_source="x")


def test_the_short_name_debian_means_the_assembled_base_and_the_hint_names_the_other() -> None:
    with pytest.raises(UsageError, match="there is no base debian:12-slim") as caught:
        choose("debian:12-slim", "3.11", python_source="x")
    assert "docker.io/library/debian:12-slim" in caught.value.hint


def test_an_image_kind_without_an_image_is_refused() -> None:
    with pytest.raises(UsageError, match="names nothing"):
        choose("docker-daemon:", "3.11", python_source="x")
