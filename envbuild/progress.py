"""What a run tells while it works. The library calls a `Progress`; only the command line shows it.

The base class says nothing, so it is also the default. Phases happen in the order of `PHASES`, but
`base` and `fetch` may overlap. Every method may be called from any thread.
"""

from __future__ import annotations

from typing import Literal, get_args

from .records import dataclass

Phase = Literal[
    "read",
    "lint",
    "base",
    "resolve",
    "hash",
    "fetch",
    "install",
    "layer",
    "build",
    "attest",
    "load",
    "start",
    "test",
    "write",
    "compress",
    "push",
    "sign",
]
PHASES: tuple[Phase, ...] = get_args(Phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a phase ended. `size` and `cached_size` are bytes, `cached` counts items that were at hand."""

    count: int = 0
    noun: str = ""
    size: int = 0
    cached: int = 0
    cached_size: int = 0
    detail: str = ""


class Progress:
    """A listener that says nothing."""

    def start(self, phase: Phase, what: str = "", *, total: int = 0) -> None:
        """`phase` begins; `total` is its size in bytes or items when it is known, else 0."""

    def advance(self, phase: Phase, amount: int = 1, *, what: str = "") -> None:
        """`amount` more bytes or items of `phase` are done; `what` names the item at hand."""

    def done(self, phase: Phase, summary: Summary) -> None:
        """`phase` ended well."""

    def output(self, phase: Phase, line: str) -> None:
        """A program that works for `phase` said `line`; told only where a person asked to see it."""

    def note(self, message: str) -> None:
        """A choice was made that the person would want to know of."""

    def warn(self, message: str) -> None:
        """Something is not as it should be, and the run goes on."""


SILENT = Progress()
