from __future__ import annotations

import pytest

from envbuild.linter.rules.eb506_arch_mismatch import _runs
from envbuild.linter.wheel_tags import machine_of, platform_tags
from envbuild.resolver.target import platform_of

TAGS = (
    *("any", "manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64", "manylinux2014_aarch64"),
    *("manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64", "manylinux_2_39_x86_64"),
    *("manylinux_2_28_aarch64", "manylinux_2_31_armv7l", "manylinux_2_17_i686", "musllinux_1_2_x86_64"),
    *("linux_x86_64", "linux_aarch64", "win32", "win_amd64", "win_arm64", "macosx_11_0_arm64"),
    *("macosx_10_9_universal2", "manylinux_2_5_i686", "manylinux_2_17_ppc64le", "ios_13_0_arm64_iphoneos"),
)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("glibc", ["2.17", "2.31", "2.36", "2.41"])
def test_a_tag_means_what_the_resolver_takes_it_for(tag, architecture, glibc):
    """By the tags (of packaging) that a resolution for the same base takes."""
    accepted = {t.platform for t in platform_of("3.11.2", glibc, architecture).tags()}
    (read,) = platform_tags(f"x-1.0-cp311-cp311-{tag}.whl")
    machine = machine_of(architecture)
    new_enough = read.glibc <= int(glibc.partition(".")[2])
    assert (_runs(read.system, read.machine, machine) and new_enough) == (tag in accepted)


@pytest.mark.parametrize("filename", ["", "x", "x-1.0.tar.gz", "x-1.0.whl", "x-1.0-py3.whl"])
def test_what_is_no_wheel_has_no_tags(filename):
    assert platform_tags(filename) == ()


def test_compressed_tags_and_a_build_number_are_read():
    found = platform_tags("x_y-1.0-2-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert [(t.system, t.machine, t.glibc) for t in found] == [("glibc", "x86_64", 17)] * 2
