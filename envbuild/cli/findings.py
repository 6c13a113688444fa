"""Findings on a stream: as text, as JSON, and as annotations of a GitHub workflow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .terminal import OutputClosed, terminal

if TYPE_CHECKING:
    from ..linter.types import Finding
    from ..model.types import Model

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def write_text(findings: Sequence[Finding], model: Model, stream: TextIO | None = None) -> None:
    """Write the findings as a compiler would, to stdout by default; annotated in a GitHub workflow."""
    from ..linter.text import render_text

    stream = sys.stdout if stream is None else stream
    text = render_text(findings, model, color=terminal(stream).color).rstrip("\n")
    lines = [text] if text else []
    if os.environ.get("GITHUB_ACTIONS") == "true":
        lines += workflow_commands(findings, model.root)
    _write(stream, "".join(line + "\n" for line in lines))


def write_json(findings: Sequence[Finding]) -> None:
    """Write the findings to stdout as a JSON array."""
    from ..linter.text import render_json

    _write(sys.stdout, json.dumps(render_json(findings), indent=2, ensure_ascii=False) + "\n")


def workflow_commands(findings: Sequence[Finding], root: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """One workflow command a finding, its file named relative to the checkout."""
    from ..model.redact import redact

    top = Path(environ.get("GITHUB_WORKSPACE") or ".").absolute()
    lines = []
    for finding in findings:
        place: dict[str, object] = {}
        if finding.spans:
            span = finding.spans[0]
            path = os.path.relpath(root.absolute() / span.file, top)
            place = {"file": path, "line": span.line, "col": span.column}
            if span.end_column > span.column:
                place["endColumn"] = span.end_column - 1
        place["title"] = f"{finding.code} {finding.name}"
        text = redact(finding.message + (f"\n{finding.help}" if finding.help else ""))
        fields = ",".join(f"{key}={_escape(str(value), also=':,')}" for key, value in place.items())
        lines.append(f"::{_LEVELS[finding.severity]} {fields}::{_escape(text)}")
    return lines


def _escape(text: str, also: str = "") -> str:
    for sign in "%\r\n" + also:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise OutputClosed from None
