"""Conda packages that are no Python packages: what is known of them, and which of them an image can do without."""

from __future__ import annotations

from ..facts import load_json
from ..records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """What is known of a conda package that pip cannot install.

    `needless` tells that its line can go: wheels or every base bring what it holds, or nothing of it can run. `apt` and
    `pip` name what else brings it.
    """

    why: str
    needless: bool = False
    apt: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()


def native(name: str) -> Native | None:
    """What is known of the conda package `name`; None where it is not known to be no Python package."""
    table = load_json("conda_native.json")
    if name in table["carried"]:
        return Native(why="the wheels of PyPI or the base image bring it", needless=True)
    row = table["native"].get(name)
    if row is None:
        row = next((row for prefix, row in table["prefixes"].items() if name.startswith(prefix)), None)
    if row is None:
        return None
    return Native(
        why=row["why"],
        needless=bool(row.get("needless")),
        apt=tuple(row.get("apt", ())),
        pip=tuple(row.get("pip", ())),
    )
