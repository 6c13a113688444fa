"""Where the lines go, and what that place can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from ..records import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class OutputClosed(Exception):  # noqa: N818 - not an error: the reader had enough
    """Nobody reads stdout any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A text stream and its abilities. `tty`: a person looks; `animate`: lines may be redrawn."""

    stream: TextIO
    tty: bool
    color: bool
    animate: bool
    unicode: bool

    @property
    def width(self) -> int:
        """Columns that a line may take; a file or a pipe has no end."""
        if not self.tty:
            return 10_000
        wish = os.environ.get("COLUMNS", "")
        try:
            return int(wish) if wish.isdecimal() and int(wish) else os.get_terminal_size(self.stream.fileno()).columns
        except (OSError, ValueError):
            return 80

    def style(self, style: str, text: str) -> str:
        """`text` in a style such as `bold green`, or as it is where there is no colour."""
        if not self.color or not text:
            return text
        codes = ";".join(_CODES[word] for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"

    @property
    def dot(self) -> str:
        """What stands between the parts of a line."""
        return " · " if self.unicode else ", "

    def line(self, text: str) -> None:
        """Write one line. A stream that nobody reads swallows it: progress is never worth a failure."""
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            return


def terminal(stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> Terminal:
    """The abilities of `stream` (stderr by default).

    NO_COLOR, CI and TERM=dumb make it plain; FORCE_COLOR brings colour to a pipe, and to CI.
    """
    stream = sys.stderr if stream is None else stream
    tty = bool(getattr(stream, "isatty", lambda: False)())
    smart = tty and environ.get("TERM", "") not in ("", "dumb")
    plain = bool(environ.get("NO_COLOR"))
    ci = environ.get("CI", "").lower() not in ("", "0", "false")
    forced = environ.get("FORCE_COLOR", "") not in ("", "0")
    return Terminal(
        stream=stream,
        tty=tty,
        color=not plain and (forced or (smart and not ci)),
        animate=smart and not ci and not plain,
        unicode=(getattr(stream, "encoding", "") or "").lower().replace("-", "").startswith("utf"),
    )


def say(text: str) -> None:
    """Write a result to stdout, with a line end. Raises OutputClosed when nobody reads it."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def pour(text: str) -> None:
    """Write `text` to stdout as it is: in UTF-8 whatever the locale says, for a program that takes it byte by byte.

    On a terminal a person reads it, and it must not steer the terminal. Raises OutputClosed when nobody reads it.
    """
    buffer = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty():
        from ..linter.render.text import clean

        text = "".join(clean(line.removesuffix("\r")) + "\n" for line in text.removesuffix("\n").split("\n"))
    if sys.stdout.isatty() or buffer is None:
        say(text.removesuffix("\n"))
        return
    try:
        sys.stdout.flush()
        buffer.write(text.encode("utf-8", "backslashreplace"))
        buffer.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def printable(text: str) -> str:
    """`text` as a part of one line, without control characters.

    What a model or a registry says must not steer the terminal, nor begin a line, nor command a GitHub workflow, whose
    runner takes commands from stderr too.
    """
    shown = "".join(c if c.isprintable() else " " if c == "\t" else c.encode("unicode_escape").decode() for c in text)
    return _inert(shown) if os.environ.get("GITHUB_ACTIONS") == "true" else shown


def _inert(line: str) -> str:
    """`line` without workflow commands: `::` behind any space at its beginning, and the older `##[` anywhere.

    Source: actions/runner, src/Runner.Common/ActionCommand.cs.
    """
    line = line.replace("##[", r"##\x5b")
    rest = line.lstrip()
    return line[: len(line) - len(rest)] + r"\x3a" + rest[1:] if rest.startswith("::") else line
