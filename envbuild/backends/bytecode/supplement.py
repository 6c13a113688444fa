"""Imports that no text shows: made by compiled modules, by name at run time, or inside a function at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

# The importer whose modules every start loads.
START = "(start)"


@cache
def supplement() -> Mapping[str, tuple[str, ...]]:
    """Module -> modules that importing it brings along, of facts/import_supplement.txt.

    A name that ends in `.*` stands for all modules directly in that package.
    """
    found: dict[str, tuple[str, ...]] = {}
    importer = ""
    for line in supplement_text().splitlines():
        text = line.partition("#")[0].rstrip()
        if not text:
            continue
        head, colon, rest = text.partition(":")
        if colon:
            importer, text = head.strip(), rest
        found[importer] = found.get(importer, ()) + tuple(text.split())
    return MappingProxyType(found)


@cache
def supplement_text() -> str:
    """The table as it is written."""
    return (files("envbuild") / "facts" / "import_supplement.txt").read_text("utf-8")
