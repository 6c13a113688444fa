"""Exit codes, signals and streams, seen from outside."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., tuple[int, str, str]]
Call = Callable[..., int]


@pytest.fixture
def endless(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> subprocess.Popen[str]:
    """A real command that waits until it is stopped: it reads a cache entry that never comes."""
    blobs = tmp_path / "store" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    os.mkfifo(blobs / ("0" * 64))
    process = start("cache", "verify", env={"ENVBUILD_CACHE_DIR": str(tmp_path)})
    wait = Path(f"/proc/{process.pid}/stat")
    for _ in range(600):
        # Blocked in the opening of the pipe: the state is S and the kernel function says so.
        if Path(f"/proc/{process.pid}/wchan").read_text() in ("wait_for_partner", "fifo_open"):
            break
        assert wait.exists()
        time.sleep(0.02)
    time.sleep(0.2)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_with_one_word(endless: subprocess.Popen[str], number: int, code: int) -> None:
    endless.send_signal(number)
    out, err = endless.communicate(timeout=30)
    assert (endless.returncode, out, err) == (code, "", "interrupted\n")


def test_a_signal_that_was_ignored_stays_so(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("cache", "dir", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.wait(timeout=60) == 0


def test_nobody_reading_is_no_error(start: Callable[..., subprocess.Popen[str]]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("cache", "dir", stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 141


def test_a_full_disk_is_told_with_its_own_code(start: Callable[..., subprocess.Popen[str]]) -> None:
    with Path("/dev/full").open("w") as full:
        process = start("cache", "dir", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 8
    assert err.startswith("error: no space left on the disk\nhint: ")
    assert "Traceback" not in err


def test_a_wrong_option_is_told_with_the_right_one(process: Process) -> None:
    code, out, err = process("image", "m", "--tagg", "x")
    assert (code, out) == (2, "")
    assert err == (
        "error: no such option '--tagg'. Did you mean '--tag'?\nhint: `envbuild image --help` lists the options\n"
    )


def test_a_wrong_command_is_told_with_the_right_one(process: Process) -> None:
    code, out, err = process("imgae")
    assert (code, out) == (2, "")
    assert err.startswith("error: no command 'imgae'. Did you mean 'image'?\n")


def test_no_command_shows_the_commands(process: Process) -> None:
    code, out, err = process()
    assert code == 2
    assert all(name in out + err for name in ("image", "lint", "plan", "lock", "bases", "cache"))


def test_a_combination_that_makes_no_sense_is_told_before_any_work(process: Process) -> None:
    code, out, err = process("image", "no-such-model", "-t", "x", "--fix", "--inject")
    assert (code, out) == (2, "")
    assert err.startswith("error: --fix and --inject exclude each other\nhint: ")


def test_the_version_is_a_result(process: Process) -> None:
    code, out, err = process("--version")
    assert (code, err) == (0, "")
    assert out.startswith("envbuild ")


def test_completion_is_offered_to_the_shell(process: Process) -> None:
    code, out, _ = process(env={"_ENVBUILD_COMPLETE": "bash_source"})
    assert code == 0
    assert "_ENVBUILD_COMPLETE=bash_complete" in out
    words = {"_ENVBUILD_COMPLETE": "bash_complete", "COMP_WORDS": "envbuild image --met", "COMP_CWORD": "2"}
    assert "--metadata-file" in process(env=words)[1]


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_is_one_line_and_a_traceback_on_request_alone(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: str
) -> None:
    def fail() -> Path:
        raise RuntimeError("no route to https://me:word@index/simple\nsecond line")

    monkeypatch.setattr("envbuild.options.cache_dir", fail)
    monkeypatch.setenv("ENVBUILD_DEBUG", debug)
    assert call("cache", "dir") == 70
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()[:2]
    assert first == "error: unexpected RuntimeError: no route to https://***@index/simple"
    assert second.startswith("hint: this is a bug in envbuild: please report it")
    assert ("Traceback" in err) is bool(debug)
    assert debug or ("ENVBUILD_DEBUG=1" in err and "word" not in err)


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "no space left"), (errno.EROFS, "read-only"), (errno.EACCES, "denied")],
)
def test_trouble_with_the_disk_names_the_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, says: str
) -> None:
    def fail() -> Path:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr("envbuild.options.cache_dir", fail)
    assert call("cache", "dir") == 8
    err = capsys.readouterr().err
    assert says in err
    assert "/some/file" in err


def test_every_documented_family_ends_with_its_code(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from envbuild import errors

    families = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.EnvbuildError)]
    for family in families:
        error = family("sha256:0") if family is errors.CorruptBlobError else family("what", hint="do this\nor that")

        def fail(error: Exception = error) -> Path:
            raise error

        monkeypatch.setattr("envbuild.options.cache_dir", fail)
        assert call("cache", "dir") == family.exit_code
        assert capsys.readouterr().err == (
            f"error: {error.message}\nhint: " + error.hint.replace("\n", "\n      ") + "\n"
        )
