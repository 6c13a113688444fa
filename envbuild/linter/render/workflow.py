"""Findings as workflow commands of GitHub Actions, which show them at their lines.

Source: GitHub, "Workflow commands for GitHub Actions", error messages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...model.redact import redact
from ..types import Finding
from .report import Checked, Report, below

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def workflow(report: Report, environ: Mapping[str, str] = os.environ) -> str:
    """One line a finding and a model that could not be read; files are named relative to the checkout."""
    top = environ.get("GITHUB_WORKSPACE") or "."
    lines = [_command(checked, finding, top) for checked, finding in report.findings()]
    for unread in report.unread:
        text = f"{unread.name}: {unread.message}" + (f"\n{unread.hint}" if unread.hint else "")
        lines.append(f"::error title=envbuild lint::{_escape(redact(text))}")
    return "".join(line + "\n" for line in lines)


def _command(checked: Checked, finding: Finding, top: str) -> str:
    place: dict[str, object] = {}
    # Of what is no file there is nothing to annotate: the finding is told without a place.
    spans = [span for span in checked.readable_first(finding) if not checked.is_no_file(span.file)]
    if spans:
        span = spans[0]
        path = redact(checked.path(span.file))
        place = {"file": below(path, top) or path, "line": span.line, "col": span.column}
        if span.end_column > span.column:
            place["endColumn"] = span.end_column - 1
    place["title"] = f"{finding.code} {finding.name}"
    text = redact(finding.message + (f"\n{finding.help}" if finding.help else ""))
    fields = ",".join(f"{key}={_escape(str(value), also=':,')}" for key, value in place.items())
    return f"::{_LEVELS[finding.severity]} {fields}::{_escape(text)}"


def _escape(text: str, also: str = "") -> str:
    for sign in "%\r\n" + also:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
