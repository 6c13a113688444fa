"""Threads of a pool share one arena of the C library's malloc."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# The arenas of the process, counted by glibc itself after eight threads have allocated at the same time.
COUNT = """
import ctypes, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor
from envbuild.threads import pool

libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fclose.argtypes = (ctypes.c_void_p,)
together = threading.Barrier(8)

def work(number):
    together.wait()
    libc.malloc(1000)

with (pool if sys.argv[1] == "shared" else ThreadPoolExecutor)(8) as threads:
    list(threads.map(work, range(8)))
with tempfile.NamedTemporaryFile() as file:
    stream = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(file.read().count(b"<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_eight_threads_have_one_arena() -> None:
    def arenas(kind: str) -> int:
        done = subprocess.run([sys.executable, "-c", COUNT, kind], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert arenas("shared") == 1
    assert arenas("plain") > 1
