"""A changed text as a unified diff that `patch -p1` and `git apply` take."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..model.redact import redact
from ..patterns import pattern

_LINE = pattern(r"[^\n]*\n|[^\n]+")
_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}


def unified(path: str, before: str, after: str) -> Iterator[str]:
    """The lines of the diff, with the paths `a/PATH` and `b/PATH`. Credentials around a change are starred."""
    from difflib import unified_diff

    old, new = (_LINE.findall(text) for text in (before, after))
    for line in unified_diff(old, new, _name(f"a/{path}"), _name(f"b/{path}")):
        yield redact(line) if line.endswith("\n") else f"{redact(line)}\n\\ No newline at end of file\n"


def _name(path: str) -> str:
    """`path` as it stands in a header: as it is, with a tab behind it where it has white space, or in quotes.

    Without the tab a reader takes what follows a space for a date. Source: git's quote.c (`quote_c_style`) and diff.c,
    GNU patch's util.c (`fetchname`, `parse_name`).
    """
    if any(c in _ESCAPES or c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in path):
        return '"' + "".join(_escaped(c) for c in path) + '"'
    return f"{path}\t" if any(c.isspace() for c in path) else path


def _escaped(c: str) -> str:
    if c in _ESCAPES:
        return f"\\{_ESCAPES[c]}"
    if c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff":
        return "".join(f"\\{byte:03o}" for byte in os.fsencode(c))
    return c
