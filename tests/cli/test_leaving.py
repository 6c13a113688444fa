"""A process that used rattler ends without taking Python down, which rattler's own threads may not outlive."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import atexit, sys, types
if {rattler}:
    sys.modules["rattler"] = types.ModuleType("rattler")
atexit.register(print, "what was registered")
class Left:
    def __del__(self):
        print("taken down")
left = Left()
from envbuild.cli.main import main
main({words})
"""


def ended(*words: str, rattler: bool) -> tuple[int, list[str]]:
    script = SCRIPT.format(rattler=rattler, words=list(words))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-2:]


@pytest.mark.parametrize(("words", "code"), [(("--version",), 0), (("nothing-of-the-kind",), 2)])
def test_the_code_and_what_is_registered_are_the_same(words: tuple[str, ...], code: int) -> None:
    found, said = ended(*words, rattler=True)
    assert found == code
    assert said[-1] == "what was registered"
    assert ended(*words, rattler=False) == (code, ["what was registered", "taken down"])
