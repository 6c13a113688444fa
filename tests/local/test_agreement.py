"""When the image's packages run on this machine as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envbuild.local.agreement import disagreement
from envbuild.local.host import Interpreter
from envbuild.resolver.types import Lock, LockedPackage

HOST = Interpreter(path="/usr/bin/python3.11", version="3.11.7", machine="x86_64", glibc="2.36")


def lock(*filenames: str) -> Lock:
    packages = tuple(
        LockedPackage(name=name.split("-")[0], version="1.0", filename=name, sha256="0" * 64, size=1)
        for name in filenames
    )
    return Lock(packages=packages, python="3.11.2", platform="manylinux_2_36_x86_64", requirements=())


@pytest.mark.parametrize(
    "filename",
    [
        "pure-1.0-py3-none-any.whl",
        "old-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "stable-1.0-cp39-abi3-manylinux_2_28_x86_64.whl",
    ],
)
def test_wheels_that_run_here_agree_whatever_the_patch_version(filename: str) -> None:
    assert disagreement(lock(filename), HOST) == ""


def test_another_minor_version_does_not() -> None:
    told = disagreement(lock(), replace(HOST, version="3.12.1"))
    assert told == "the image has Python 3.11, and this is Python 3.12"


def test_another_architecture_does_not() -> None:
    told = disagreement(lock(), replace(HOST, machine="aarch64"))
    assert told == "the image is for x86_64, and this machine is aarch64"


def test_a_wheel_for_a_newer_glibc_does_not() -> None:
    wheel = "new-1.0-cp311-cp311-manylinux_2_34_x86_64.whl"
    assert disagreement(lock(wheel), HOST) == ""
    assert (
        disagreement(lock(wheel), replace(HOST, glibc="2.31")) == f"{wheel} does not run on this machine's glibc 2.31"
    )


def test_a_machine_without_glibc_does_not() -> None:
    assert "no glibc" in disagreement(lock(), replace(HOST, glibc=""))
