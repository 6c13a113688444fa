"""Completion in a real shell: the script is read by bash, and its function asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Reads the script, asks the function that it binds to `envbuild`, and prints what bash would offer.
ASK = """
eval "$(envbuild completion bash)"
COMP_WORDS=({words}) COMP_CWORD={position}
COMPREPLY=()
name=$(complete -p envbuild | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
"$name" envbuild
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def offered(tmp_path: Path) -> Callable[..., list[str]]:
    """What bash offers for the last of the words."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    program = tmp_path / "bin" / "envbuild"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m envbuild "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def ask(*words: str) -> list[str]:
        listed = " ".join(f"'{word}'" for word in ("envbuild", *words))
        script = ASK.format(words=listed, position=len(words))
        done = subprocess.run(
            ["bash", "--norc", "-c", script], capture_output=True, text=True, env=env, cwd=tmp_path, check=False
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


def test_commands(offered: Callable[..., list[str]]) -> None:
    assert offered("li") == ["lint"]
    assert {"image", "serve", "test", "lint", "rules", "explain", "completion"} <= set(offered(""))


def test_options_and_their_values(offered: Callable[..., list[str]]) -> None:
    assert "--scoring-script" in offered("lint", "m", "--sc")
    assert offered("image", "m", "--server", "az") == ["azureml"]
    assert offered("image", "m", "--tes") == ["--test"]
    assert offered("serve", "m", "--po") == ["--port"]
    assert offered("test", "m", "--time") == ["--timeout"]
    assert offered("completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("words", [("lint", "m", "--ignore"), ("lint", "m", "--select"), ("explain",)])
def test_codes_and_names_of_rules(offered: Callable[..., list[str]], words: tuple[str, ...]) -> None:
    assert {"EB301", "EB302"} <= set(offered(*words, "EB3"))
    assert offered(*words, "server-m") == ["server-missing"]
    assert "EB013" in offered(*words, "eb01")


def test_the_last_code_of_a_list(offered: Callable[..., list[str]]) -> None:
    assert "EB013,EB301" in offered("lint", "m", "--ignore", "EB013,EB30")


@pytest.mark.parametrize(("shell", "says"), [("zsh", "compdef"), ("fish", "complete --no-files")])
def test_other_shells_get_a_script_of_theirs(
    process: Callable[..., tuple[int, str, str]], shell: str, says: str
) -> None:
    code, out, err = process("completion", shell)
    assert (code, err) == (0, "")
    assert says in out
    assert "_ENVBUILD_COMPLETE" in out


def test_a_shell_that_is_not_known_is_refused(process: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = process("completion", "csh")
    assert (code, out) == (2, "")
    assert "'csh' is not one of" in err
