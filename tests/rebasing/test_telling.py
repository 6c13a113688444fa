"""What a person asked for and does not get is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rebasebench import Listener
from rebasebench import opened as look_at

from envbuild.attesting.opened import Opened
from envbuild.built import Built
from envbuild.deliver import Destination, Kind
from envbuild.oci.reference import parse_reference
from envbuild.oci.store import Store
from envbuild.options import PushOptions
from envbuild.rebasing.telling import warn_of_undone

NAME = "registry.example/team/tiny:1"
OTHER = "registry.example/team/tiny:2"


@pytest.fixture
def opened(image: Built, tmp_path: Path) -> Opened:
    return look_at(image.path, Store(tmp_path / "store"))


def undone(image: Opened, kind: Kind, *tags: str, name: str = NAME, output: str = "", push: bool = False) -> list[str]:
    goal = Destination(
        kind=kind,
        path=None,
        references=tuple(map(parse_reference, tags)),
        push=PushOptions() if push else None,
    )
    listener = Listener()
    warn_of_undone(name, image, output, goal, listener)
    return [warning.partition("as it is: ")[2] for warning in listener.warnings]


def test_names_that_an_image_has_where_it_is_are_there(opened: Opened) -> None:
    remote = replace(opened, remote=True)
    assert undone(remote, "registry", NAME, push=True) == []
    assert undone(remote, "registry", NAME, name=f"docker://{NAME}", push=True) == []
    assert undone(opened, "docker", NAME, output="docker") == []


def test_what_is_not_done_is_named_as_it_was_asked_for(opened: Opened) -> None:
    remote = replace(opened, remote=True)
    assert undone(remote, "registry", NAME, OTHER, push=True) == [f"-t {OTHER}, --push"]
    assert undone(remote, "registry", NAME, name=NAME.replace(":1", "@sha256:" + "a" * 64), push=True) == [
        f"-t {NAME}, --push"
    ]
    assert undone(remote, "docker", NAME, output="docker") == [f"-t {NAME}, --output docker"]
    assert undone(opened, "registry", NAME, push=True) == [f"-t {NAME}, --push"]
    assert undone(opened, "oci-dir", output="oci-dir=x") == ["--output oci-dir=x"]
