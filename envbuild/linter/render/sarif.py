"""The report as SARIF 2.1.0, for code scanning services.

Columns count Unicode code points; files are named relative to the checkout. Source: OASIS, "Static Analysis Results
Interchange Format (SARIF) Version 2.1.0"; GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...model.redact import redact
from ...model.texts import split_lines
from ...model.types import Span
from ..engine import RULES
from ..types import Edit, Finding
from .report import Checked, Report, Unread, below

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "SRCROOT"

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_PROBLEMS = {"error": "error", "warning": "warning", "info": "recommendation"}


def sarif(report: Report, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The log with one run, as plain values."""
    top = os.path.abspath(environ.get("GITHUB_WORKSPACE") or ".")  # noqa: PTH100 (links must stay)
    found = list(report.findings())
    codes = sorted({finding.code for _, finding in found})
    names = {finding.code: finding for _, finding in found}
    seen: Counter[tuple[str, ...]] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": "envbuild",
                **({"semanticVersion": report.version} if report.version else {}),
                "rules": [_rule(names[code]) for code in codes],
            }
        },
        "invocations": [_invocation(report.unread)],
        "originalUriBaseIds": {ROOT: {"uri": _uri(top, absolute=True) + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(checked, finding, codes.index(finding.code), top, seen) for checked, finding in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: Finding) -> dict[str, Any]:
    """The descriptor of a finding's rule, with the rule's own page as help."""
    rule = next((rule for rule in RULES if rule.code == finding.code), None)
    described: dict[str, Any] = {"id": finding.code, "name": finding.name}
    if rule is None:
        return described
    from ..pages import page

    about = page(rule)
    described["shortDescription"] = {"text": " ".join(about.summary.split())}
    plain = [f"{title}: {' '.join(text.split())}" for title, text in about.sections]
    marked = [f"**{title}**: {text}" for title, text in about.sections]
    described["help"] = {
        "text": "\n\n".join([about.summary, *plain]),
        "markdown": "\n\n".join([about.summary, *marked]),
    }
    described["defaultConfiguration"] = {"level": _LEVELS[rule.severity]}
    described["properties"] = {"problem.severity": _PROBLEMS[rule.severity], "precision": "high", "tags": ["mlflow"]}
    return described


def _invocation(unread: Iterable[Unread]) -> dict[str, Any]:
    notes = [
        {"level": "error", "message": {"text": redact(f"{one.name}: {one.message}. {one.hint}".rstrip(". ") + ".")}}
        for one in unread
    ]
    return {"executionSuccessful": not notes, **({"toolExecutionNotifications": notes} if notes else {})}


def _result(checked: Checked, finding: Finding, index: int, top: str, seen: Counter[tuple[str, ...]]) -> dict[str, Any]:
    # A service shows a result at a place in a file, so one that has none is shown at the model's first file. Standard
    # input has no other.
    spans = [span for span in checked.readable_first(finding) if not checked.is_no_file(span.file)]
    spans = spans or [Span(file=next(iter(checked.model.texts), "MLmodel"))]
    key = (finding.code, _file(checked, spans[0].file, top).get("uri", ""), redact(_line(checked, spans[0])).strip())
    seen[key] += 1
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": redact(finding.message + (f"\n{finding.help}" if finding.help else ""))},
        "locations": [_location(checked, span, top) for span in spans],
        # Where a line stands may change, what it says counts: so a finding is known again.
        "partialFingerprints": {"envbuildFinding/v1": _digest(*key, str(seen[key]))},
    }
    if finding.edits:
        result["fixes"] = [_fix(checked, finding, top)]
    return result


def _location(checked: Checked, span: Span, top: str) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column, "endLine": span.line}
    region["endColumn"] = max(span.end_column, span.column)
    return {"physicalLocation": {"artifactLocation": _file(checked, span.file, top), "region": region}}


def _fix(checked: Checked, finding: Finding, top: str) -> dict[str, Any]:
    by_file: dict[str, list[Edit]] = {}
    for edit in finding.edits:
        by_file.setdefault(edit.file, []).append(edit)
    how = "--fix" if finding.safe else "--unsafe-fixes"
    return {
        "description": {"text": f"What `envbuild lint {how}` writes"},
        "artifactChanges": [
            {
                "artifactLocation": _file(checked, file, top),
                "replacements": [_replacement(checked, edit) for edit in edits],
            }
            for file, edits in by_file.items()
        ],
    }


def _replacement(checked: Checked, edit: Edit) -> dict[str, Any]:
    """An edit as a region that goes and a text that comes. A file's last line may have no end."""
    text = checked.model.texts.get(edit.file, "")
    lines = split_lines(edit.file, text)
    ending = "\r\n" if "\r\n" in text else "\n"
    length = len(lines[edit.line - 1]) if 0 < edit.line <= len(lines) else 0
    start, end, new = (edit.line, 1), (edit.line, length + 1), redact(edit.text)
    if edit.action == "delete":
        end, new = ((edit.line + 1, 1) if edit.line < len(lines) else end), ""
    elif edit.action == "insert" and edit.line < len(lines):
        start = end = (edit.line + 1, 1)
        new += ending
    elif edit.action == "insert":
        start = end
        new = ending + new
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"deletedRegion": region, "insertedContent": {"text": new}}


def _file(checked: Checked, file: str, top: str) -> dict[str, str]:
    path = redact(checked.path(file))
    if checked.model.uri or checked.is_no_file(file):
        return {"uri": _uri(path)}
    inside = below(path, top)
    if inside:
        return {"uri": _uri(inside), "uriBaseId": ROOT}
    return {"uri": _uri(os.path.abspath(path), absolute=True)}  # noqa: PTH100


def _uri(path: str, *, absolute: bool = False) -> str:
    from urllib.parse import quote

    try:
        name = os.fsencode(path)
    except UnicodeEncodeError:  # half a character, which no file's name holds
        name = path.encode("utf-8", "replace")
    return ("file://" if absolute else "") + quote(name, safe="/:" if "://" in path else "/")


def _line(checked: Checked, span: Span) -> str:
    lines = split_lines(span.file, checked.text(span.file) or "")
    return lines[span.line - 1] if 0 < span.line <= len(lines) else ""


def _digest(*parts: str) -> str:
    import hashlib

    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
