"""The report as JSON. Its schema is docs/schema/lint.schema.json, and `VERSION` grows when a reader would notice."""

from __future__ import annotations

from typing import Any

from ...model.redact import redact
from ..types import Finding
from .report import Checked, Report, Unread

VERSION = 1


def document(report: Report) -> dict[str, Any]:
    """The report as plain values: what was looked at, the findings, and how many there are."""
    return {
        "version": VERSION,
        "envbuild": report.version,
        "models": [_model(result) for result in report.results],
        "findings": [_finding(checked, finding) for checked, finding in report.findings()],
        "counts": report.counts(),
    }


def _model(result: Checked | Unread) -> dict[str, Any]:
    findings, reason = (len(result.findings), result.cut_short) if isinstance(result, Checked) else (0, result)
    error = None
    if reason is not None:
        error = {"message": redact(reason.message), "hint": redact(reason.hint), "exit_code": reason.exit_code}
    return {"name": redact(result.name), "findings": findings, "error": error}


def _finding(checked: Checked, finding: Finding) -> dict[str, Any]:
    return {
        "model": redact(checked.name),
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "message": redact(finding.message),
        "help": redact(finding.help),
        "spans": [
            {
                "file": redact(span.file),
                "path": redact(checked.path(span.file)),
                "line": span.line,
                "column": span.column,
                "end_column": span.end_column,
            }
            for span in finding.spans
        ],
        "fix": ("safe" if finding.safe else "unsafe") if finding.edits else None,
        "edits": [
            {
                "file": redact(edit.file),
                "path": redact(checked.path(edit.file)),
                "line": edit.line,
                "action": edit.action,
                "text": redact(edit.text),
            }
            for edit in finding.edits
        ],
    }
