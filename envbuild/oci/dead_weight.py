"""Which files of a wheel no image needs: the test folders of the big scientific packages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files


@cache
def _rules() -> tuple[str, dict[str, frozenset[str]]]:
    data = json.loads((files("envbuild") / "facts" / "dead_weight.json").read_text("utf-8"))
    return data["folder"], {name: frozenset(rule["keep"]) for name, rule in data["wheels"].items()}


def dead_weight(distribution: str) -> Callable[[str], bool]:
    """A predicate over the paths inside a wheel of `distribution`: True for what can be left out."""
    folder, rules = _rules()
    keep = rules.get(re.sub(r"[-_.]+", "-", distribution).lower())
    if keep is None:
        return _nothing
    return lambda path: folder in path.split("/")[1:-1] and path not in keep


def _nothing(path: str) -> bool:
    return False
