"""Values written so that a Dockerfile takes them as they are: nothing is expanded, and no value ends its line.

Source: the Dockerfile reference, sections "Parser directives", "Environment replacement" and "ENV".
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

from ...errors import UsageError
from ...patterns import pattern

_PLAIN = pattern(r"[A-Za-z0-9_./:@+-]+")
_LONGEST = 60_000  # bytes; the parser gives up at 65,535 in a line
_HINT = "build with --backend assemble, whose images carry any value, or change the value"


def quote(value: str, what: str) -> str:
    """`value` as a word of ENV, LABEL, USER, WORKDIR or EXPOSE; `what` names it in errors. UsageError: no way."""
    _check(value, what)
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def pair(key: str, value: str, what: str) -> str:
    """`key=value` for ENV and LABEL. UsageError: a Dockerfile cannot carry it."""
    if not key or "=" in key:
        raise UsageError(f"{what} {key!r} cannot be named in a Dockerfile", hint=_HINT)
    name = quote(key, f"the name of {what}")
    # Always with quotes: so a value is seen at once for what it is.
    text = quote(value, f"{what} {key}")
    return f"{name}={text}" if text.startswith('"') else f'{name}="{text}"'


def exec_array(words: Sequence[str], what: str) -> str:
    """`words` as the JSON array of RUN, ENTRYPOINT and CMD, in which nothing is expanded."""
    for word in words:
        _check(word, what)
    return json.dumps(list(words), ensure_ascii=False)


def expanded_array(words: Sequence[str], what: str) -> str:
    """`words` as the JSON array of VOLUME, which expands variables inside of it."""
    return exec_array([quote(word, what) for word in words], what)


def comment(value: str) -> str:
    """`value` for a comment: on one line, whatever it holds."""
    return "".join(c if c.isprintable() else " " for c in value).strip()


def duration(nanoseconds: int) -> str:
    """A time as HEALTHCHECK takes it: `30s`, or `1500ms` where seconds do not do."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{nanoseconds // 1_000_000}ms" if rest else f"{seconds}s"


def _check(value: str, what: str) -> None:
    found = next((c for c in value if _breaks(c)), "")
    if found:
        raise UsageError(f"{what} holds {_name(found)}, which a Dockerfile cannot carry", hint=_HINT)
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > _LONGEST:
        raise UsageError(f"{what} is {size} bytes long; a Dockerfile carries {_LONGEST}", hint=_HINT)


def _breaks(character: str) -> bool:
    """Control characters but for the tab, line and paragraph separators, and what is no character at all."""
    return character != "\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _name(character: str) -> str:
    if character in "\n\r":
        return "a line break"
    return f"the control character U+{ord(character):04X}"
