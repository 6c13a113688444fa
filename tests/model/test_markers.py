"""Whether a marker holds in an image: for sure on a platform, or as far as the files tell it."""

from __future__ import annotations

import pytest

from envbuild.model.markers import holds, image_environment, may_hold, split_marker
from envbuild.model.types import Environment, PythonPin, Requirement, Span

HERE = image_environment("3.11.2", "x86_64")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ("python_version >= '3.8' and sys_platform == 'linux'", True),
        ("python_full_version < '3.11.2'", False),
        ("platform_machine == 'aarch64' or os_name == 'nt'", False),
        ("extra == 'gpu'", False),
        ("platform_python_implementation != 'CPython'", False),
    ],
)
def test_a_marker_holds_in_an_environment_or_not(marker: str, expected: bool) -> None:
    assert holds(marker, HERE) is expected


@pytest.mark.parametrize("marker", ["python_version ~= '3.x'", "nonsense", "python_version <"])
def test_what_cannot_be_evaluated_is_as_unknown_says(marker: str) -> None:
    assert (holds(marker, HERE), holds(marker, HERE, unknown=False)) == (True, False)


@pytest.mark.parametrize(
    ("marker", "python", "platform", "expected"),
    [
        ("sys_platform == 'win32'", "", "linux/amd64", False),
        ("sys_platform != 'linux'", "3.11", "linux/amd64", False),
        ("sys_platform == 'win32' or python_version >= '3.8'", "3.11", "linux/amd64", True),
        ("python_version < '3.8'", "3.11", "linux/amd64", False),
        ("python_version < '3.8'", "", "linux/amd64", True),
        ("python_full_version < '3.11.4'", "3.11", "linux/amd64", True),
        ("python_full_version < '3.11'", "3.11", "linux/amd64", False),
        ("platform_machine == 'aarch64'", "3.11", "linux/amd64", False),
        ("platform_machine == 'aarch64'", "3.11", "linux/arm64", True),
        ("platform_machine == 'aarch64'", "3.11", "linux/riscv64", True),
        ("platform_release >= '5'", "3.11", "linux/amd64", True),
    ],
)
def test_what_the_files_do_not_tell_may_hold(marker: str, python: str, platform: str, expected: bool) -> None:
    assert may_hold(marker, python, platform) is expected


@pytest.mark.parametrize(
    ("text", "address", "marker"),
    [
        ("./a.whl", "./a.whl", ""),
        ("./a.whl;os_name=='nt'", "./a.whl", "os_name=='nt'"),
        ("./a.whl ; os_name == 'nt'", "./a.whl", "os_name == 'nt'"),
        ("https://h/a;b.whl", "https://h/a;b.whl", ""),
        ("https://h/a;b.whl; os_name == 'nt'", "https://h/a;b.whl", "os_name == 'nt'"),
        ("a @ git+https://h/r ;os_name == 'nt'", "a @ git+https://h/r", "os_name == 'nt'"),
    ],
)
def test_a_marker_is_told_from_what_it_stands_behind(text: str, address: str, marker: str) -> None:
    assert split_marker(text) == (address, marker)


def listing(marker: str, python: str = "") -> Environment:
    span = Span(file="conda.yaml")
    one = Requirement(text="a", name="a", specifier="", extras=(), marker=marker, url="", span=span)
    pin = PythonPin(text=python, span=span) if python else None
    return Environment(source="conda.yaml", pip=(one,), python=pin)


def test_an_environment_lists_what_its_image_gets() -> None:
    assert listing("").lists("a")
    assert not listing("").lists("b")
    assert not listing("sys_platform == 'win32'").lists("a")
    assert listing("python_version < '3.8'").lists("a")
    assert not listing("python_version < '3.8'", "3.11.7").lists("a")
    assert listing("python_version < '3.8'", "3.11.7").lists("a", python="3.7")
