r"""The options of a requirements file, as pip reads them: words as a shell splits them, names as optparse takes them.

That is: quotes and `\\`, long names cut short as far as one option alone begins so, values behind `=` or as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ..patterns import pattern

# Each spelling of an option -> its long name. `--install-option` is one of older pips, and is not taken cut short.
_OF_LINE = {
    **dict.fromkeys(("-i", "--index-url", "--pypi-url"), "--index-url"),
    **dict.fromkeys(("-f", "--find-links"), "--find-links"),
    **dict.fromkeys(("-e", "--editable"), "--editable"),
    **dict.fromkeys(("-r", "--requirement"), "--requirement"),
    **dict.fromkeys(("-c", "--constraint"), "--constraint"),
    **{name: name for name in ("--extra-index-url", "--trusted-host", "--no-binary", "--only-binary", "--use-feature")},
    **{name: name for name in ("--no-index", "--prefer-binary", "--pre", "--require-hashes")},
}
_OF_REQUIREMENT = {
    **dict.fromkeys(("-C", "--config-settings", "--config-setting"), "--config-settings"),
    **{name: name for name in ("--hash", "--global-option", "--install-option")},
}
_NAMES = {**_OF_LINE, **_OF_REQUIREMENT}
_WITHOUT_VALUE = frozenset(("--no-index", "--prefer-binary", "--pre", "--require-hashes"))

# What shlex takes for white space, for a word, and what it takes out of a word.
_SPACES = " \t\r\n"
_PLAIN_WORD = pattern(r"[^ \t\r\n]+")
_WORD = pattern(r"""(?:[^ \t\r\n'"\\]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""", re.DOTALL)
_QUOTED = pattern(r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|\\(?P<sign>.)""", re.DOTALL)
_ESCAPED = pattern(r"""\\(["\\])""")


class InvalidOptionError(Exception):
    """A text is no row of options. `start` and `end` are offsets into it."""

    def __init__(self, message: str, *, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class Option(NamedTuple):
    """An option with its value, or words that belong to none: then `name` is empty, and pip passes them over.

    `name` is the long name in full. `text` is as written, but for a long name that was cut short or has another today.
    `value` has lost its quotes; it stands from `value_start` to `end`. A tuple, since a file may have 60,000 hashes.
    """

    name: str
    text: str
    value: str
    start: int
    end: int
    value_start: int

    @property
    def of_requirement(self) -> bool:
        """Whether it belongs behind a requirement."""
        return self.name in _OF_REQUIREMENT


class _Word(NamedTuple):
    raw: str
    bare: str
    start: int
    end: int


def read_options(text: str, where: str = "here") -> Iterator[Option]:
    """The options of `text`, in their order; `where` tells a message what is known or not.

    Raises InvalidOptionError where pip stops, after what comes before.
    """
    words = _words(text)
    passed: list[_Word] = []
    closed = False
    for word in words:
        closed = closed or word.bare == "--"
        if closed or not word.bare.startswith("-") or word.bare == "-":
            passed.append(word)
            continue
        if passed:
            yield _passed(text, passed)
            passed = []
        yield _option(text, word, words, where)
    if passed:
        yield _passed(text, passed)


def unquoted(word: str) -> str:
    """A word without its quotes and backslashes, as a shell takes it."""
    return _QUOTED.sub(_inside, word) if "'" in word or '"' in word or "\\" in word else word


def _inside(found: re.Match[str]) -> str:
    if found["double"] is not None:
        return _ESCAPED.sub(r"\1", found["double"])
    return str(found["sign"] if found["single"] is None else found["single"])


def _words(text: str) -> Iterator[_Word]:
    if not any(sign in text for sign in "'\"\\"):
        for found in _PLAIN_WORD.finditer(text):
            yield _Word(found[0], found[0], found.start(), found.end())
        return
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACES:
            at += 1
        if at == len(text):
            return
        word = _WORD.match(text, at)
        end = word.end() if word else at
        if end < len(text) and text[end] not in _SPACES:
            what = "nothing stands behind its last backslash" if text[end] == "\\" else f"{text[end]} is not closed"
            raise InvalidOptionError(f"pip cannot split this line: {what}", start=end, end=end + 1)
        yield _Word(text[at:end], unquoted(text[at:end]), at, end)
        at = end


def _option(text: str, word: _Word, words: Iterator[_Word], where: str) -> Option:
    """The option that `word` begins; its value may be the next of `words`."""
    long = word.bare.startswith("--")
    written, equals, value = word.bare.partition("=") if long else (word.bare[:2], "", word.bare[2:])
    names = _begun(written) if long else tuple(filter(None, (_NAMES.get(written),)))
    if len(names) != 1:
        several = f"option {written} may be {' or '.join(names)}"
        what = several if names else f"pip knows no option {written[:60]} {where}"
        raise InvalidOptionError(what, start=word.start, end=word.end)
    name = names[0]
    inside = bool(equals or value)
    plain = word.raw.startswith(written)  # Else the name stands in quotes.
    value_start, end = word.start + (len(written + equals) if plain else 0), word.end
    if name in _WITHOUT_VALUE and inside:
        raise InvalidOptionError(f"option {written} takes no value", start=word.start, end=word.end)
    if name not in _WITHOUT_VALUE and not inside:
        following = next(words, None)
        if following is None:
            raise InvalidOptionError(f"option {written} lacks its value", start=word.start, end=word.end)
        value, value_start, end = following.bare, following.start, following.end
    shown = written if _NAMES.get(written) == name and written != "--pypi-url" else name
    rest = equals + value if inside and not plain else text[word.start + len(written) if plain else word.end : end]
    return Option(name=name, text=shown + rest, value=value, start=word.start, end=end, value_start=value_start)


@lru_cache(maxsize=64)
def _begun(written: str) -> tuple[str, ...]:
    """The options whose long names begin so; the one alone that has this name."""
    if written in _NAMES:
        return (_NAMES[written],)
    begun = {name for spelled, name in _NAMES.items() if spelled.startswith(written) and name != "--install-option"}
    return tuple(sorted(begun)) if len(written) > 2 else ()


def _passed(text: str, words: list[_Word]) -> Option:
    start, end = words[0].start, words[-1].end
    return Option(name="", text=text[start:end], value="", start=start, end=end, value_start=start)
