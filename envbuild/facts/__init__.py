"""The data files that several rooms read."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load_json(name: str) -> Any:
    """The parsed content of the JSON file `name` of this folder. Callers must not change it."""
    return json.loads(_text(name))


@cache
def load_lines(name: str) -> tuple[str, ...]:
    """The lines of the text file `name` of this folder, without comments (`#`) and blank lines."""
    lines = (line.partition("#")[0].strip() for line in _text(name).splitlines())
    return tuple(line for line in lines if line)


def heavy_wheels() -> tuple[str, ...]:
    """The wheels that get a layer of their own: canonical names, most shared first."""
    return load_lines("heavy_wheels.txt")


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
