"""Standard streams that are closed, and what becomes of what should go there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOSED = "error: standard output is closed: there is nowhere to write the result\nhint: "


def shell(redirected: str, *args: object) -> tuple[int, str, str]:
    """Run a command line with redirections of its own: its exit code, stdout and stderr."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "envbuild", *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "args",
    [("lint", "MODEL"), ("lint", "MODEL", "--json"), ("rules", "--json"), ("--help",), ("lint", "-h"), ("--version",)],
)
def test_a_closed_stdout_is_told(models: Path, args: tuple[str, ...]) -> None:
    code, _, err = shell(">&-", *(models / "forest" if word == "MODEL" else word for word in args))
    assert code == 8
    assert err.startswith(CLOSED)
    assert "Traceback" not in err


def test_what_needs_no_stdout_works_without_one(models: Path, tmp_path: Path) -> None:
    words = ("lint", models / "forest", "--json", "-q", "-o", tmp_path / "out")
    for redirected in (">&-", "<&- >&-", "<&- >&- 2>&-"):
        assert shell(redirected, *words) == (1, "", "")
        assert json.loads((tmp_path / "out").read_text())["findings"]


@pytest.mark.parametrize(("model", "code"), [("forest", 1), ("none", 3)])
def test_without_stderr_the_result_and_the_code_are_the_same(models: Path, model: str, code: int) -> None:
    ended, out, err = shell("2>&-", "lint", models / model, "--json")
    assert (ended, err) == (code, "")
    assert json.loads(out)["models"][0]["name"] == str(models / model)


def test_no_stream_at_all_is_an_exit_code(models: Path) -> None:
    assert shell("<&- >&- 2>&-", "lint", models / "forest") == (8, "", "")


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    """What a library writes to the descriptor of stderr does not go into a file, and a subprocess has its streams."""
    (tmp_path / "file").write_text("content")
    code = (
        "import os, subprocess\n"
        "from envbuild.cli.streams import prepare\n"
        "prepare()\n"
        "with open('file', 'r+') as file:\n"
        "    os.write(1, b'spoilt'), os.write(2, b'spoilt')\n"
        "    subprocess.run(['sh', '-c', 'echo out; echo err >&2'], check=True)\n"
    )
    command = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == "content"
