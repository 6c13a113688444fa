"""Findings on a stream or in a file, in the format that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..linter.render import Format, Report, render
from ..model.redact import redact
from .files import write_atomically
from .terminal import OutputClosed, printable, terminal

if TYPE_CHECKING:
    from ..linter.types import Finding
    from ..model.types import Model


def write_text(findings: Sequence[Finding], model: Model, stream: TextIO | None = None) -> None:
    """Write the findings as a compiler would, to stdout by default; annotated in a GitHub workflow."""
    show(Report.of(model, findings), stream=stream)


def show(report: Report, form: Format = "text", *, stream: TextIO | None = None) -> None:
    """Write the report to a stream, stdout by default. In a GitHub workflow text is annotated.

    There the text stands between commands that keep the runner from taking commands out of it: what a model's files
    say must not steer the workflow.
    """
    stream = sys.stdout if stream is None else stream
    out = terminal(stream)
    # Programs read UTF-8: where the stream is something else, JSON and XML have escapes that are the same in all.
    written = render(report, form, color=out.color, only_ascii=not out.unicode)
    if form == "text" and os.environ.get("GITHUB_ACTIONS") == "true" and report.results:
        if written:
            token = os.urandom(12).hex()
            written = f"::stop-commands::{token}\n{written}::{token}::\n"
        written += render(report, "github")
    try:
        stream.write(written)
        stream.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def save(report: Report, form: Format, path: Path) -> None:
    """Write the report to a file, all of it or nothing. Raises StorageError.

    What could not be looked at stands in it too, where stdout leaves that to stderr.
    """
    text = render(report, form)
    if form in ("text", "concise"):
        text = _untold(report, form) + text
    write_atomically(path, text)


def _untold(report: Report, form: Format) -> str:
    """The errors of models that could not be looked at."""
    text = ""
    for unread in report.unread:
        name, message, hint = (redact(part) for part in (unread.name, unread.message, unread.hint))
        if form == "concise":
            text += f"{printable(name)}: error: {printable(' '.join(message.split()))}\n"
            continue
        for label, lines in (("error: ", message), ("hint: ", hint)):
            text += label + "\n      ".join(map(printable, lines.split("\n"))) + "\n" if lines else ""
        text += "\n"
    return text
