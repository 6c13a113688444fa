"""What is counted of a build's processes, and how much of a machine's memory one may take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envbuild.resolver.source.sandbox import Limits
from envbuild.resolver.source.usage import UNCOUNTABLE, Usage, share_of_memory, size_of, tasks_of, usage

# A process with a child of its own that has two threads more, and both have their memory.
TREE = """
import subprocess, sys, threading, time
if sys.argv[1:]:
    for each in range(2):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    held = bytearray(30 << 20)
    print("ready", flush=True)
    time.sleep(60)
else:
    held = bytearray(30 << 20)
    with subprocess.Popen([sys.executable, "-c", CODE, "child"]) as child:
        pass
"""


def test_processes_threads_and_memory_are_counted_with_all_that_was_started() -> None:
    command = [sys.executable, "-c", f"CODE = {TREE!r}\n{TREE}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            found = usage(process.pid, 1 << 40)
            assert found.tasks == 1 + 3
            assert found.memory > 60 << 20
            # Looked at more closely, what both have of Python itself counts once.
            close = usage(process.pid, 1)
            assert close.tasks == 4
            assert 60 << 20 < close.memory < found.memory
            assert tasks_of(os.getuid()) >= 4
        finally:
            os.killpg(process.pid, 9)
    assert usage(process.pid, 1 << 40).memory == 0


# 40 MiB of its own, as many in a file of memory that it has mapped and its child has open, as many in one that is only
# open, and 20 MiB that both share and that have no file. The child loses its parent.
HOLDER = """
import mmap, os, subprocess, sys, time
own = bytearray(os.urandom(1 << 20)) * 40
mapped, unmapped = os.memfd_create("mapped"), os.memfd_create("open")
for each in range(40):
    os.write(mapped, bytes(1 << 20))
    os.write(unmapped, bytes(1 << 20))
both, shared = mmap.mmap(mapped, 40 << 20), mmap.mmap(-1, 20 << 20)
for page in range(0, 40 << 20, 4096):
    both[page]
    shared[page % (20 << 20)] = 1
if not os.fork():
    parent = os.getpid()
    if not os.fork():
        while os.getppid() == parent:
            time.sleep(0.01)
        for page in range(0, 20 << 20, 4096):
            shared[page]
        print("ready", flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
"""


def test_files_in_memory_count_once_whoever_has_them_open_or_mapped(
    bubblewrap: str, system_python: tuple[str, str]
) -> None:
    python = [system_python[0], "-c", HOLDER]
    command = [bubblewrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", *python]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            found, close = usage(process.pid, 1 << 40), usage(process.pid, 1)
            assert 140 << 20 < close.memory < 165 << 20
            assert found.memory > close.memory
            # Bubblewrap's own two, and the one whose parent has ended.
            assert found.tasks == 4
        finally:
            os.killpg(process.pid, 9)


@pytest.mark.parametrize("told", [True, False])
def test_of_all_processes_only_those_below_the_first_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """A kernel that tells of the children of each thread, and one that does not; 6 was given to 2, and 9 is else."""
    children = {1: {1: "2"}, 2: {2: "3 6", 22: "4"}, 3: {3: ""}, 4: {4: "5"}, 5: {5: ""}, 6: {6: ""}, 9: {9: ""}}
    parents = {1: 0, 2: 1, 3: 2, 4: 2, 5: 4, 6: 2, 9: 0}
    for number, threads in children.items():
        for thread, below in threads.items():
            place = tmp_path / f"{number}/task/{thread}"
            place.mkdir(parents=True)
            if told:
                (place / "children").write_text(below)
        (tmp_path / f"{number}/stat").write_text("" if told else f"{number} (a) b) S {parents[number]} 0")
        (tmp_path / f"{number}/status").write_text(f"Threads:\t{len(threads)}\nVmRSS:\t   4 kB\n")
    monkeypatch.setattr("envbuild.resolver.source.usage._PROC", tmp_path)
    assert usage(1, 1 << 40) == Usage(tasks=7, memory=6 * 4096)


def test_a_share_of_the_memory_is_left_to_others() -> None:
    assert share_of_memory(1000) == 750
    assert 0 < share_of_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def test_folders_too_deep_or_too_many_count_as_more_than_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"12345")
    (tmp_path / "a" / "link").symlink_to("/usr")
    assert size_of(tmp_path) == 5 + len("/usr")
    monkeypatch.setattr("envbuild.resolver.source.usage._ENTRIES", 3)
    assert size_of(tmp_path) == UNCOUNTABLE
    monkeypatch.undo()
    os.makedirs(tmp_path / "/".join(["d"] * 410))  # noqa: PTH103 - many of them
    assert size_of(tmp_path) == UNCOUNTABLE
    assert Limits().exceeded(disk=UNCOUNTABLE) == "it made more folders and files, or deeper ones, than can be counted"


@pytest.mark.skipif(os.getuid() == 0, reason="root looks everywhere")
def test_a_closed_folder_counts_as_more_than_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert size_of(tmp_path) == UNCOUNTABLE
