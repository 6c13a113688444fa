"""Runs inside a container of the benchmark: how much resident memory each import brings, written to stderr at the end.

Python imports this file by its name from PYTHONPATH. It puts a meter around the import system's own function, so that
whatever the server does is measured as it does it. Stands alone: nothing of the benchmark is there.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")
_own: dict[str, int] = {}
_inner: list[int] = [0]


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is not imported yet
        return int(file.read().split()[1]) * _PAGE


def _install() -> None:
    system: Any = sys.modules["_frozen_importlib"]
    find_and_load = system._find_and_load

    def metered(name: str, import_: Any) -> Any:
        if name in sys.modules:
            return find_and_load(name, import_)
        before = _resident()
        _inner.append(0)
        try:
            return find_and_load(name, import_)
        finally:
            grown = _resident() - before
            top = name.partition(".")[0]
            _own[top] = _own.get(top, 0) + grown - _inner.pop()
            _inner[-1] += grown

    system._find_and_load = metered


def _report() -> None:
    standard = set(sys.stdlib_module_names)
    packages: dict[str, int] = {}
    for name, size in _own.items():
        key = "(standard library)" if name in standard else name
        packages[key] = packages.get(key, 0) + size
    found = {"start": _start, "end": _resident(), "imports": packages}
    sys.stderr.write("envbuild-bench-memory " + json.dumps(found) + "\n")
    sys.stderr.flush()


_start = _resident()
_install()
atexit.register(_report)
