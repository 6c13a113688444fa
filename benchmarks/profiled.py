"""What the processes of a profiled server wrote into a folder, each into a file of its own: see `inside`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import imports
from .errors import BenchError
from .figures import seconds
from .imports import Import

INSIDE = Path(__file__).resolve().parent / "inside"
"""The folder for the PYTHONPATH of a server that is to be profiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """What the first process of a server and one of its workers import until the first answer."""

    server: str
    main: tuple[Import, ...]
    worker: tuple[Import, ...]

    def told(self) -> str:
        """In words: how long both take, and the costliest packages of the worker."""
        top = ", ".join(f"{name} {own * 1000:.0f} ms" for name, own, _ in imports.by_package(self.worker)[:5])
        return (
            f"with the profile on, imports of the first process {seconds(imports.total(self.main))}, "
            f"of a worker {seconds(imports.total(self.worker))} ({top})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident bytes of a process: of the bare interpreter, at the end, and what each package's imports brought."""

    start: int
    end: int
    imports: tuple[tuple[str, int], ...]

    @property
    def rest(self) -> int:
        """What came after or beside the imports: the model, and the first answer."""
        return max(0, self.end - self.start - sum(value for _, value in self.imports))


def files(folder: Path, process: str, ending: str) -> Iterator[str]:
    """What each process of a kind (`main` or `worker`) wrote."""
    for path in sorted(folder.glob(f"{process}-*.{ending}")):
        yield path.read_text(encoding="utf-8", errors="replace")


def read_imports(folder: Path, server: str) -> Imports:
    """What `-X importtime` told. BenchError if it told nothing of one of the two."""
    return Imports(server=server, main=_imports(folder, "main"), worker=_imports(folder, "worker"))


def read_memory(folder: Path, process: str) -> Memory:
    """What the imports of a process brought. BenchError if it told nothing."""
    told = max((json.loads(text) for text in files(folder, process, "json")), key=lambda one: one["end"], default=None)
    if told is None:
        raise BenchError(f"the {process} process told nothing of its memory")
    sizes = sorted(told["imports"].items(), key=lambda item: (-item[1], item[0]))
    return Memory(start=told["start"], end=told["end"], imports=tuple(sizes))


def longest(found: dict[str, Any], count: int) -> dict[str, Any]:
    """Imports as a dictionary, with the `count` modules of each process that take longest by themselves."""
    kept = {name: sorted(found[name], key=lambda one: one["own"], reverse=True)[:count] for name in ("main", "worker")}
    return {**found, **kept}


def _imports(folder: Path, process: str) -> tuple[Import, ...]:
    # The workers do the same: one stands for all. A process that helps multiprocessing imports next to nothing.
    found = max((imports.parse(text) for text in files(folder, process, "log")), key=len, default=[])
    if not found:
        raise BenchError(f"python -X importtime told nothing of the {process} process")
    return tuple(found)
