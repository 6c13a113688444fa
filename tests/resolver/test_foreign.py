from __future__ import annotations

import pytest
from values import a_server

from envbuild.model.requirement import parse_requirement
from envbuild.model.types import Environment, Span
from envbuild.resolver.foreign import for_linux
from envbuild.resolver.requirements import collect


def asked(*texts):
    return [parse_requirement(t, lambda _a, _b, n=n: Span(file="conda.yaml", line=n)) for n, t in enumerate(texts, 5)]


@pytest.mark.parametrize(
    ("texts", "kept", "said"),
    [
        (["numpy", "pywin32==306"], ["numpy"], ["pywin32 is for Windows alone, and is left out"]),
        (["PyObjC_Framework.Cocoa==10.0"], [], ["pyobjc-framework-cocoa is for macOS alone, and is left out"]),
        (
            ["tensorflow-macos==2.13.0"],
            ["tensorflow"],
            ["tensorflow-macos is for macOS alone, and is laid down as tensorflow==2.13.0"],
        ),
        (
            ["tensorflow==2.13.0", "tensorflow-intel==2.13.0"],
            ["tensorflow"],
            ["tensorflow-intel is for Windows alone, and is left out"],
        ),
        (["pywin32; sys_platform == 'win32'"], ["pywin32"], []),
        (["pywin32; python_version >= '3.8'"], [], ["pywin32 is for Windows alone, and is left out"]),
        (["pywin32 @ https://host/pywin32-306-py3-none-any.whl"], ["pywin32"], []),
        (["pywin32-ctypes==0.2.2", "tensorflow-metadata==1.0"], ["pywin32-ctypes", "tensorflow-metadata"], []),
    ],
)
def test_packages_of_other_systems_are_left_out_or_go_by_their_linux_name(texts, kept, said):
    found, notes = for_linux(asked(*texts))
    assert [requirement.name for requirement in found] == kept
    assert [what for _, what in notes] == said


def test_what_is_asked_of_uv_has_them_no_more_and_the_person_is_told_where():
    environment = Environment(source="conda.yaml", pip=tuple(asked("pywin32==306", "tensorflow-macos==2.13.0")))
    inputs = collect(environment, a_server())
    assert inputs.requirements == ("tensorflow==2.13.0",)
    assert inputs.notes == (
        "conda.yaml:5: pywin32 is for Windows alone, and is left out",
        "conda.yaml:6: tensorflow-macos is for macOS alone, and is laid down as tensorflow==2.13.0",
    )
