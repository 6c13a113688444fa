"""Which modules a scoring script and its code folder import, as far as somebody asks for them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from .reading import LEFT_OUT, MAX_BYTES, parse_script


def imported_modules(script: Path, code: Path | None, tops: Collection[str]) -> frozenset[str]:
    """The dotted modules below the top-level modules `tops` that are imported anywhere in the script or its folder.

    A name that is imported from a module is among them as if it were one (`azureml.contrib` of `from azureml import
    contrib`). Files that cannot be read or parsed say nothing here.
    """
    needles = [top.encode() for top in tops]
    found: set[str] = set()
    for path in dict.fromkeys([script, *(_sources(code) if code is not None else ())]):
        try:
            with path.open("rb") as stream:
                source = stream.read(MAX_BYTES + 1)
        except OSError:
            continue
        if not any(needle in source for needle in needles):
            continue
        for imported in parse_script(str(path), source).imports:
            if imported.name.partition(".")[0] in tops:
                found.add(imported.name)
                found.update(f"{imported.name}.{name}" for name in imported.attributes)
    return frozenset(found)


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(".py"))
