from __future__ import annotations

import pytest

from envbuild.errors import ResolveError
from envbuild.resolver.target import platform_named, platform_of, platform_with_wheels


def test_names_for_bookworm() -> None:
    platform = platform_of("3.11.2", "2.36", "amd64")
    assert platform.tag == "manylinux_2_36_x86_64"
    assert platform.uv_name == "x86_64-manylinux_2_36"
    assert platform.minor == "3.11"


def test_uv_gets_the_nearest_platform_below_that_it_knows() -> None:
    assert platform_of("3.13.5", "2.41", "arm64").uv_name == "aarch64-manylinux_2_40"
    assert platform_of("3.9.2", "2.30", "amd64").uv_name == "x86_64-manylinux_2_28"


def test_uv_knows_every_platform_that_is_given_to_it() -> None:
    import subprocess

    from envbuild.resolver.target import _UV_MINORS
    from envbuild.resolver.uv import find_uv

    said = subprocess.run([find_uv(), "pip", "compile", "--help"], capture_output=True, text=True, check=True).stdout
    for minor in _UV_MINORS:
        assert f"x86_64-manylinux_2_{minor}," in said
        assert f"aarch64-manylinux_2_{minor}," in said


def test_tags_are_those_of_the_target_and_not_of_this_machine() -> None:
    tags = [str(tag) for tag in platform_of("3.11.2", "2.36", "arm64").tags()]
    assert tags[0] == "cp311-cp311-manylinux_2_36_aarch64"
    assert "cp311-abi3-manylinux2014_aarch64" in tags
    assert "cp38-abi3-manylinux_2_17_aarch64" in tags
    assert "py3-none-any" in tags
    assert not [tag for tag in tags if "2_37" in tag or "x86_64" in tag or "cp312" in tag or "musl" in tag]
    assert tags.index("cp311-cp311-manylinux_2_28_aarch64") < tags.index("cp311-cp311-manylinux2014_aarch64")


def test_old_manylinux_names_belong_to_their_glibc() -> None:
    platforms = platform_of("3.11.2", "2.17", "amd64").platforms()
    assert platforms[:2] == ["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert platforms[-2:] == ["manylinux1_x86_64", "linux_x86_64"]
    assert "manylinux2010_x86_64" in platforms
    assert "manylinux1_aarch64" not in platform_of("3.11.2", "2.36", "arm64").platforms()


@pytest.mark.parametrize(
    ("tags", "wanted", "other"),
    [
        ("`manylinux1_i686`, `manylinux1_x86_64`, `win32`", "manylinux_2_36_aarch64", "linux/amd64"),
        ("manylinux_2_28_aarch64, macosx_11_0_arm64", "manylinux_2_36_x86_64", "linux/arm64"),
        ("linux_x86_64", "manylinux_2_36_aarch64", "linux/amd64"),
        # There is one for the machine, which needs a newer glibc, say.
        ("manylinux_2_39_aarch64, manylinux_2_39_x86_64", "manylinux_2_36_aarch64", ""),
        ("musllinux_1_2_x86_64, win_amd64, macosx_11_0_arm64", "manylinux_2_36_aarch64", ""),
        ("", "manylinux_2_36_aarch64", ""),
    ],
)
def test_the_platform_that_a_package_has_wheels_for(tags: str, wanted: str, other: str) -> None:
    assert platform_with_wheels(tags, wanted) == other


@pytest.mark.parametrize(
    "tag",
    ["", "manylinux_2_16_x86_64", "manylinux_2_100_x86_64", "manylinux_2_036_x86_64", "manylinux_2_36_s390x",
     "manylinux_2_" + "9" * 5000 + "_x86_64", "manylinux_2_٣٦_x86_64", "musllinux_1_2_x86_64"],
)  # fmt: skip
def test_a_tag_that_no_wheel_is_chosen_for_names_no_platform(tag: str) -> None:
    assert platform_named(tag, "3.11") is None
    assert platform_named("manylinux_2_36_x86_64", "3.11") == platform_of("3.11", "2.36", "amd64")


@pytest.mark.parametrize(
    ("glibc", "architecture", "says"),
    [("", "amd64", "no glibc"), ("2.12", "amd64", "2.12"), ("musl", "amd64", "musl"), ("2.36", "s390x", "s390x")],
)
def test_a_base_that_wheels_cannot_be_chosen_for(glibc: str, architecture: str, says: str) -> None:
    with pytest.raises(ResolveError, match=says) as caught:
        platform_of("3.11.2", glibc, architecture)
    assert caught.value.hint
