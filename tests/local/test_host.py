"""Which Pythons this machine has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envbuild.local.host import Interpreter, find_interpreter, probe, running_interpreter

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_the_running_one_is_found_as_what_it_is(host: Interpreter) -> None:
    found = find_interpreter(MINOR)
    assert found == host == running_interpreter()
    assert (host.minor, host.version) == (MINOR, ".".join(map(str, sys.version_info[:3])))
    # Not that of a virtual environment, which may be gone tomorrow.
    assert Path(host.path).is_relative_to(sys.base_prefix)


def test_there_is_none_of_a_version_that_nobody_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_interpreter("3.99") is None


def test_a_user_without_a_home_has_no_pyenv(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "PYENV_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 1234567)
    assert find_interpreter("3.99") is None


def test_a_stand_in_on_path_that_does_not_run_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: Interpreter
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr("sys.executable", "")
    for name, text in (
        ("shim", "#!/bin/sh\necho not here >&2\nexit 127\n"),
        ("real", f'#!/bin/sh\nexec {host.path} "$@"\n'),
    ):
        (tmp_path / name).mkdir()
        file = tmp_path / name / f"python{MINOR}"
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'shim'}:{tmp_path / 'real'}")
    assert find_interpreter(MINOR) == host


def test_one_of_another_version_under_the_name_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: Interpreter
) -> None:
    root = tmp_path / "versions" / "3.99.1" / "bin"
    root.mkdir(parents=True)
    (root / "python3.99").symlink_to(host.path)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_interpreter("3.99") is None


def test_what_is_no_python_says_nothing(tmp_path: Path) -> None:
    assert probe("/bin/true") is None
    for words in ("{}", "[]", "5"):
        other = tmp_path / "other"
        other.write_text(f"#!/bin/sh\necho '{words}'\n")
        other.chmod(0o755)
        assert probe(str(other)) is None
    assert probe(str(tmp_path)) is None
