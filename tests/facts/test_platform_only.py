"""Each row is of another system than Linux: by its marker, by what is done with it, and by the wheels of the index."""

from __future__ import annotations

import subprocess
import sys

import pytest
import uv
from packaging.markers import Marker, default_environment
from packaging.utils import is_normalized_name

from envbuild.facts import load_json
from envbuild.model.foreign import foreign, leaves_linux_out
from envbuild.model.types import Requirement, Span
from envbuild.resolver.foreign import for_linux

ROWS = load_json("platform_only.json")["packages"]
NAMES = [name.replace("*", "cocoa") for name in ROWS]
SYSTEMS = {"Windows": ("win32", "windows"), "macOS": ("darwin", "aarch64-apple-darwin")}
# Old packages have wheels for old Pythons alone.
PYTHON = {"tensorflow-metal": "3.11", "onnxruntime-silicon": "3.10", "tensorflow-intel": "3.11"}
# Somebody took the name with an empty version; the real ones have wheels for Windows.
VERSIONS = {"tensorflow-intel": "==2.18.0"}
# Wheels without code, which ask for the packages that have it.
SHELLS = {"pypiwin32", "pyobjc"}
# Source alone: no wheel for any system.
SOURCE = {"pyreadline"}


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_laid_aside_and_its_marker_holds_on_its_own_system_alone(name):
    known = foreign(name)
    assert is_normalized_name(name)
    marker = Marker(known.marker)
    assert marker.evaluate({**default_environment(), "sys_platform": SYSTEMS[known.system][0]})
    assert not marker.evaluate({**default_environment(), "sys_platform": "linux"})
    assert leaves_linux_out(known.marker)
    asked = Requirement(
        text=name, name=name, specifier="", extras=(), marker="", url="", span=Span(file="conda.yaml", line=5)
    )
    kept, notes = for_linux([asked])
    assert [requirement.name for requirement in kept] == ([known.instead] if known.instead else [])
    assert (len(notes), known.system in notes[0][1]) == (1, True)
    assert known.instead == "" or foreign(known.instead) is None


def resolves(name: str, platform: str, python: str) -> bool:
    command = [uv.find_uv_bin(), "pip", "compile", "-", "--only-binary", ":all:", "--quiet", "--no-config"]
    command += ["--python-platform", platform, "--python-version", python, "--python", sys.executable]
    command += ["--prerelease", "if-necessary", *(() if name in SHELLS else ("--no-deps",))]
    asked = (name + VERSIONS.get(name, "")).encode()
    return subprocess.run(command, input=asked, capture_output=True, check=False, timeout=120).returncode == 0


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_the_index_has_wheels_for_the_system_of_a_row_and_for_linux_only_where_it_says_so(name):
    known = foreign(name)
    python = PYTHON.get(name, "3.12")
    assert resolves(name, SYSTEMS[known.system][1], python) == (name not in SOURCE)
    assert resolves(name, "x86_64-manylinux_2_36", python) == known.resolves
