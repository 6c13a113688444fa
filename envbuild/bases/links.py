"""Following symbolic links inside an image, as if its root were `/`, whatever holds the image's tree."""

from __future__ import annotations

from collections.abc import Callable

# As many as Linux follows before it calls it a loop.
_LINKS = 40

# Takes a path without links and without a leading slash; gives the target of a link, an empty text for anything
# else that is there, and None for nothing.
Probe = Callable[[str], str | None]


def follow(name: str, probe: Probe) -> str | None:
    """The real path of `name`, without a leading slash; None if something on the way is missing, or links loop."""
    pending = _parts(name)
    current: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            current = current[:-1]  # the parent of the root is the root
            continue
        target = probe("/".join([*current, part]))
        if target is None:
            return None
        if not target:
            current.append(part)
            continue
        links += 1
        if links > _LINKS:
            return None
        if target.startswith("/"):
            current = []
        pending += _parts(target)
    return "/".join(current)


def _parts(path: str) -> list[str]:
    """The parts of a path, last first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
