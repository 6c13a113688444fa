"""What foreign code can reach from inside the sandbox: its source, the base, and nothing of this machine."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinysources import SPY, source_files, write_sdist

from envbuild.errors import ResolveError
from envbuild.oci.store import Store
from envbuild.resolver.source import sandbox
from envbuild.resolver.source.sandbox import Bubblewrap, Limits, find_sandbox

Make = Callable[..., Any]


@pytest.fixture
def spied(index: Any, build: Make, env: Make, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a build saw, on a machine with secrets in its variables, its home, the index's address and a server."""
    secret = tmp_path / "home" / ".netrc"
    secret.write_text("machine 127.0.0.1 login bob password s3cret\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("UV_INDEX", f"own=http://bob:s3cret@127.0.0.1:{index.port}/simple/")
    server = socket.create_server(("127.0.0.1", 0))
    first = SPY.replace("PORT", str(server.getsockname()[1])).replace("SECRET", str(secret))
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first, content="SEEN"))
    (package,) = build(env("only-source")).packages
    with zipfile.ZipFile(store.blob(f"sha256:{package.sha256}")) as wheel:
        seen = json.loads(wheel.read("only_source/__init__.py"))
    server.setblocking(False)
    with server, pytest.raises(BlockingIOError):
        server.accept()
    return seen


def test_nothing_of_this_machine_is_reached(spied: Any) -> None:
    seen = spied
    assert set(seen["environ"]) <= {*sandbox.ENVIRONMENT, "PWD", "PYTHONPATH", "LC_CTYPE"}
    assert not [value for value in seen["values"] if "s3cret" in value]
    assert seen["home"] == []
    assert seen["homes"] == []
    assert seen["secret"] == "no: FileNotFoundError"
    assert seen["network"].startswith("no: ")
    assert seen["lookup"].startswith("no: ")
    assert seen["interfaces"] == []
    assert seen["run"] == "no: FileNotFoundError"
    assert seen["sys"] == "no: FileNotFoundError"
    assert seen["disks"] == []
    assert seen["processes"] <= 3


def test_nothing_is_written_but_what_goes_away(spied: Any) -> None:
    seen = spied
    for place in ("etc", "usr", "root", "given"):
        assert seen[place] == "no: OSError", place
    assert seen["mount"] != 0
    assert int(seen["capabilities"], 16) == 0
    assert not Path("/etc/written").exists()


def test_the_kernel_ends_a_build_before_anything_else_and_lets_it_fork_only_so_often(
    index: Any, build: Make, bench: Make, env: Make, store: Store
) -> None:
    first = "import resource\nSEEN = [int(open('/proc/self/oom_score_adj').read()), *resource.getrlimit(6)]"
    assert resource.RLIMIT_NPROC == 6
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first, content="repr(SEEN)"))
    (package,) = build(env("only-source"), bench=bench(Limits(tasks=30))).packages
    with zipfile.ZipFile(store.blob(f"sha256:{package.sha256}")) as wheel:
        score, soft, hard = json.loads(wheel.read("only_source/__init__.py"))
    assert score == 1000
    assert 60 <= soft == hard < 60 + len(list(Path("/proc").glob("[0-9]*/task/*"))) + 1000


def test_what_outlives_its_build_is_ended(index: Any, build: Make, env: Make, store: Store) -> None:
    # Other tests build at the same time: a word of its own tells this child from theirs.
    word = f"word{os.urandom(8).hex()}"
    first = (
        "import os, pathlib, subprocess, sys, time\n"
        f"child = [sys.executable, '-c', 'import time; time.sleep(987.654)', '{word}']\n"
        "number = subprocess.Popen(child, start_new_session=True).pid\n"
        "ran = pathlib.Path(f'/proc/{number}/cmdline')\n"
        f"while b'{word}' not in ran.read_bytes():\n    time.sleep(0.01)\n"
    )
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first, content="repr(number)"))
    (package,) = build(env("only-source")).packages
    with zipfile.ZipFile(store.blob(f"sha256:{package.sha256}")) as wheel:
        assert wheel.read("only_source/__init__.py").isdigit()
    until = time.monotonic() + 5
    while (alive := _running(word)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive


def _running(word: str) -> list[str]:
    """The processes of this machine, those in sandboxes among them, whose command line has the word."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (path / "cmdline").read_bytes():
                found.append(path.name)
        except OSError:
            continue
    return found


def test_without_any_sandbox_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ResolveError) as caught:
        find_sandbox("/usr/bin/python3", lambda anew: tmp_path, lambda: None)
    assert "bubblewrap (bwrap) is not installed, and no container engine answers" in caught.value.message
    assert "apt install bubblewrap" in caught.value.hint


def test_an_engine_is_taken_where_bubblewrap_does_not_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    other = Bubblewrap("other", tmp_path)
    assert find_sandbox("/usr/bin/python3", lambda anew: tmp_path, lambda: other) is other
    with pytest.raises(ResolveError, match=r"bubblewrap does not work here \(bwrap: No permissions"):
        find_sandbox("/usr/bin/python3", lambda anew: tmp_path, lambda: None)
