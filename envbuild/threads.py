"""Pools of threads that share the memory which they free."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_M_ARENA_MAX = -8  # of glibc's malloc.h


def pool(workers: int) -> ThreadPoolExecutor:
    """A pool of so many threads, in one arena."""
    from concurrent.futures import ThreadPoolExecutor

    share_arena()
    return ThreadPoolExecutor(workers)


@cache
def share_arena() -> None:
    """Have all threads that start from now on take their memory from one arena.

    glibc gives each thread an arena of its own, and what one thread frees no other can use: short-lived threads leave
    more behind than a build needs. Python's lock lets one thread allocate at a time anyhow. Nothing happens where the C
    library has no arenas.
    """
    import ctypes
    from contextlib import suppress

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
