"""Findings on a stream or in a file, in the format that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..errors import StorageError, UsageError
from ..linter.render import Format, Report, render
from .terminal import OutputClosed, terminal

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
    written = render(report, form, color=terminal(stream).color)
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


def check_file(path: Path) -> None:
    """Raise UsageError where --output-file could not be written, before there is anything to write."""
    if path.is_dir():
        raise UsageError(f"--output-file {path} is a folder", hint="name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"--output-file {path}: there is no folder {path.parent}", hint="make the folder first")


def save(report: Report, form: Format, path: Path) -> None:
    """Write the report to a file, all of it or nothing. Raises StorageError."""
    # Half a character, as a file's name may hold, is written as stdout writes it; in JSON that is its escape.
    text = render(report, form).encode("utf-8", "backslashreplace").decode()
    if path.exists() and not path.is_file():  # a pipe or a device, which must not be replaced
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}", hint="name another file") from error
        return
    from .result import write_atomically

    write_atomically(path, text)
