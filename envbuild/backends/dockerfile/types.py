"""A build context before it is written or sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a link of a context; `path` is relative, with slashes.

    Its content is `text`, or the `size` bytes of `source`, whose `sha256` (hex) is checked while they are read; a
    link has a `target` instead.
    """

    path: str
    mode: int = 0o644
    text: str | None = None
    target: str | None = None
    source: Path | None = None
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A whole build context: `entries` sorted by path, the Dockerfile among them.

    `buildkit` tells that the Dockerfile uses what only BuildKit understands.
    """

    dockerfile: str
    entries: tuple[Entry, ...]
    buildkit: bool
