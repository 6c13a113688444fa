"""Whose Python compiles for another architecture: the same build of it, or nobody's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envbuild.bases import open_base
from envbuild.bases.twin import twin_of
from envbuild.bases.types import Base
from envbuild.oci.store import Store

NAME = "debian:bookworm"


@pytest.fixture
def foreign(archive: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> Base:
    """A base for arm64, on a machine of amd64."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    archive.architectures = ("amd64", "arm64")
    archive.publish()
    return open_base(NAME, store, platform="linux/arm64")


def test_the_same_base_for_this_machine_compiles(foreign: Base, archive: Any, store: Store) -> None:
    twin, why = twin_of(foreign, store)
    assert twin == open_base(NAME, store, platform="linux/amd64")
    assert (twin.name, twin.architecture, why) == (NAME, "amd64", "")
    archive.requests.clear()
    assert twin_of(foreign, store) == (twin, "")
    assert archive.requests == []


def test_it_is_the_other_way_round_on_the_other_machine(
    foreign: Base, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert twin_of(open_base(NAME, store, platform="linux/amd64"), store) == (foreign, "")


def test_another_build_of_python_does_not(foreign: Base, archive: Any, store: Store) -> None:
    archive.add("python3.11-minimal", "3.11.2-6+deb12u10", {"usr/bin/python3.11": b"\x7fELF"})
    archive.publish()
    twin, why = twin_of(foreign, store)
    assert twin is None
    assert why == "debian:bookworm has Python 3.11.2-6+deb12u9 for arm64 and 3.11.2-6+deb12u10 for amd64"


def test_what_the_base_was_given_in_addition_has_no_part_in_it(foreign: Base, archive: Any, store: Store) -> None:
    archive.add("tool", "1.0-1", {"usr/bin/tool": b"x"})
    archive.publish()
    added = open_base(NAME, store, platform="linux/arm64", apt=["tool"])
    twin, _ = twin_of(added, store)
    assert twin is not None
    assert "tool" not in {package.name for package in twin.packages}


def test_where_it_is_not_known_to_write_the_same_nobody_does(
    foreign: Base, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = replace(foreign, name="docker.io/library/python:3.11-slim", assembled=False, registry=True)
    old = replace(foreign, name="debian:bullseye")
    assert twin_of(image, store)[0] is None
    assert twin_of(old, store) == (None, "Python 3.9 may write other bytecode on other machines")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert twin_of(foreign, store) == (None, "debian:bookworm is not made for this machine")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert twin_of(foreign, store) == (None, "debian:bookworm is not made for this machine")
