"""Take the long strings out of a Python source, so that what looks like code is code."""

from __future__ import annotations

import re

from ...patterns import pattern

# A comment, a long string's quotes, or a string on one line: where other quotes may hide.
_TOKEN = pattern(rb"#[^\n]*|\"\"\"|'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)
_BACKSLASH = 0x5C
# Beyond this no line was written by hand; text made to cost quadratic time is read wrongly instead.
_LONGEST_LINE = 10_000


def without_long_strings(text: bytes) -> bytes:
    """`text` with triple-quoted strings emptied; comments and strings of one line stay as they are."""
    pieces: list[bytes] = []
    kept = 0  # up to here the text is taken over
    look = 0  # at this place no string is open
    double, single = text.find(b'"""'), text.find(b"'''")
    while double >= 0 or single >= 0:
        at = double if single < 0 or 0 <= double < single else single
        hidden = _hidden_until(text, max(text.rfind(b"\n", look, at) + 1, look), at)
        if hidden:
            look = hidden
        else:
            look = _closing(text, text[at : at + 3], at + 3)
            pieces += (text[kept:at], b'""')
            kept = look
        if 0 <= double < look:
            double = text.find(b'"""', look)
        if 0 <= single < look:
            single = text.find(b"'''", look)
    pieces.append(text[kept:])
    return b"".join(pieces)


def _hidden_until(text: bytes, line: int, at: int) -> int:
    """Where the comment or the short string ends that holds the quotes at `at`; 0 if they stand for themselves."""
    if at - line > _LONGEST_LINE:
        return 0
    before = text[line:at]
    if b'"' not in before and b"'" not in before and b"#" not in before:
        return 0
    for token in _TOKEN.finditer(text, line):
        if token.start() >= at:
            return 0
        if token.end() > at:
            return token.end()
    return 0


def _closing(text: bytes, quotes: bytes, start: int) -> int:
    """Where the string that began before `start` ends: behind its closing quotes, or at the end of the text."""
    at = text.find(quotes, start)
    while at >= 0:
        slashes = at
        while slashes > start and text[slashes - 1] == _BACKSLASH:
            slashes -= 1
        if (at - slashes) % 2 == 0:
            return at + 3
        at = text.find(quotes, at + 1)
    return len(text)
