"""Regular expressions that are compiled when they are first used: a run uses few of those it loads."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Pattern:
    """Stands for a compiled pattern: the first use of a method compiles, and later ones find it right here."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, later. For module constants: a wrong expression is told at its first use."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
