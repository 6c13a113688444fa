"""Conditions on values alone: what is asked for, what is there, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envbuild.bases.types import Base, Interpreter, SystemPackage
from envbuild.oci.types import Layer
from envbuild.rebasing.conditions import failures, python_failures
from envbuild.rebasing.types import Needs, Venv

NONE = frozenset[str]()
NEEDS = Needs(needed={}, provided=NONE, glibc=0, glibc_asker="", packages=NONE)
BASE = Base(
    name="debian:bookworm",
    digest="sha256:" + "b" * 64,
    architecture="amd64",
    interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
    glibc="2.36",
    layers=(Layer(diff_id="sha256:" + "c" * 64, digest="sha256:" + "c" * 64, size=1),),
    config={},
    packages=(SystemPackage(name="libc6", version="2.36-9"),),
    assembled=True,
)


def told(needs: Needs, base: Base = BASE, *, apt: tuple[str, ...] = (), before: frozenset[str] = NONE) -> list[str]:
    there = frozenset({"libc.so.6", "libz.so.1"})
    return [f"{one.about}: {one.message}" for one in failures(needs, base, apt, there, lambda: before)]


def test_what_was_added_by_apt_is_wanted_again() -> None:
    (message,) = told(NEEDS, apt=("libodbc2", "libc6"))
    assert message.startswith("packages: the image's base was given libodbc2 by --apt")
    assert message.endswith("add --apt libodbc2")
    (message,) = told(NEEDS, replace(BASE, assembled=False), apt=("libodbc2",))
    assert message.endswith("debian:bookworm is without")


def test_glibc_is_compared_as_a_number() -> None:
    asks = replace(NEEDS, glibc=9, glibc_asker="/x.so")
    assert told(asks) == []
    assert told(replace(asks, glibc=37)) == ["glibc: /x.so needs glibc 2.37, and debian:bookworm has 2.36"]
    assert told(asks, replace(BASE, glibc="")) == ["glibc: /x.so needs glibc 2.9, and debian:bookworm has none"]
    assert told(NEEDS, replace(BASE, glibc="")) == []


def test_a_library_is_missed_only_where_it_was_before() -> None:
    asks = replace(
        NEEDS,
        needed=dict.fromkeys(("libgomp.so.1", "libz.so.1", "libown.so", "libcuda.so.1", "libm.so.6"), "/a.so"),
        provided=frozenset({"libown.so"}),
    )
    assert told(asks) == []
    (message,) = told(asks, before=frozenset({"libgomp.so.1", "libcuda.so.1", "libm.so.6"}))
    assert message == (
        "libraries: /a.so needs libgomp.so.1, which the image's base has and debian:bookworm has not: "
        "add --apt libgomp1"
    )


def test_libraries_that_packages_open_by_their_names_count() -> None:
    asks = replace(NEEDS, packages=frozenset({"python-magic", "pyspark"}))
    (message,) = told(asks, before=frozenset({"libmagic.so.1", "libjvm.so"}))
    assert "needs libjvm.so, libmagic.so.1" in message


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        ("3.11.2", "3.11.14", True),
        ("3.11.2", "3.12.2", False),
        ("3.13.0rc1", "3.13.0", False),
        ("3.9.2", "3.90.2", False),
    ],
)
def test_python_fits_within_its_minor_version(before: str, after: str, fits: bool) -> None:
    base = replace(BASE, interpreter=replace(BASE.interpreter, version=after))
    assert (python_failures(Venv(executable="/usr/bin/python3", version=before), base) == []) == fits
