"""Run by the environment's Python, as a file: `launch.py PARENT MODULE`.

On a person's machine a server ends when the process PARENT does.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def follow(parent: int) -> None:
    """Have the kernel end this process when `parent` ends, however it ends."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    except (AttributeError, OSError):
        return
    if os.getppid() != parent:
        sys.exit(0)


def main(parent: str, module: str) -> None:
    """Become the module."""
    follow(int(parent))
    # A file's own folder comes first on the path, where a module of it could shadow a library.
    del sys.path[0]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
