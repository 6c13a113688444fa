"""Findings for people, as a good compiler shows its own, and for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..model.redact import redact
from ..model.texts import split_lines
from ..model.types import Model, Span
from .types import Finding, Severity

_WIDTH = 100
_COLORS: dict[str, str] = {"error": "1;31", "warning": "1;33", "info": "1;36", "frame": "34", "bold": "1"}
_NOUNS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
# Control characters and those that turn the direction of text: a file must not steer the terminal that shows it.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def render_text(findings: Sequence[Finding], model: Model, *, color: bool) -> str:
    """The findings with their lines and carets, and a line that counts them; empty where there are none."""
    if not findings:
        return ""
    blocks = ["\n".join(_block(finding, model, color)) for finding in findings]
    return "\n\n".join([*blocks, summary(findings)]) + "\n"


def render_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as JSON objects: code, name, severity, message, help, spans, edits and whether it is fixable."""
    return [
        {
            "code": finding.code,
            "name": finding.name,
            "severity": finding.severity,
            "message": redact(finding.message),
            "help": redact(finding.help),
            "spans": [
                {"file": s.file, "line": s.line, "column": s.column, "end_column": s.end_column} for s in finding.spans
            ],
            "fixable": bool(finding.edits),
            "edits": [
                {"file": e.file, "line": e.line, "action": e.action, "text": redact(e.text)} for e in finding.edits
            ],
        }
        for finding in findings
    ]


def summary(findings: Sequence[Finding]) -> str:
    """One line that counts the findings: `Found 2 errors and 1 warning (2 fixable with --fix).`."""
    counts = []
    for severity, noun in _NOUNS.items():
        count = sum(finding.severity == severity for finding in findings)
        if count:
            counts.append(f"{count} {noun}{'s' if count != 1 else ''}")
    listed = counts[0] if len(counts) == 1 else ", ".join(counts[:-1]) + " and " + counts[-1]
    fixable = sum(bool(finding.edits) for finding in findings)
    return f"Found {listed}" + (f" ({fixable} fixable with --fix)." if fixable else ".")


def _block(finding: Finding, model: Model, color: bool) -> list[str]:
    severity = _paint(f"[{finding.severity}]", finding.severity, color)
    out = [f"{_paint(finding.code, 'bold', color)} {severity} {_paint(_clean(finding.message), 'bold', color)}"]
    width = max((len(str(span.line)) for span in finding.spans), default=1)
    for span in finding.spans:
        place = f"{_clean(span.file)}:{span.line}:{span.column}"
        out.append(f"{' ' * width}{_paint('-->', 'frame', color)} {place}")
        out += _frame(span, model, finding.severity, width, color)
    if finding.help:
        first, *rest = finding.help.split("\n")
        out.append(f"{_paint('help:', 'bold', color)} {_clean(first)}")
        out += [f"      {_clean(line)}" for line in rest]
    return out


def _frame(span: Span, model: Model, severity: Severity, width: int, color: bool) -> list[str]:
    text = model.texts.get(span.file)
    if text is None:
        return []
    lines = split_lines(span.file, text)
    if not 0 < span.line <= len(lines) or not lines[span.line - 1].strip():
        return []
    line = _clean(lines[span.line - 1].replace("\t", " "))
    start = min(max(span.column - 1, 0), len(line))
    end = min(max(span.end_column - 1, start + 1), max(len(line), start + 1))
    line, start, end = _cropped(line, start, end)
    bar = _paint("|", "frame", color)
    pad = " " * _cells(line[:start])
    carets = "^" * max(1, _cells(line[start:end]))
    number = _paint(str(span.line).rjust(width), "frame", color)
    empty = " " * width
    return [f"{empty} {bar}", f"{number} {bar} {line}", f"{empty} {bar} {pad}{_paint(carets, severity, color)}"]


def _cropped(line: str, start: int, end: int) -> tuple[str, int, int]:
    """A long line cut to what stands around the place."""
    if len(line) <= _WIDTH:
        return line, start, end
    left = max(0, min(start - _WIDTH // 4, len(line) - _WIDTH))
    right = min(len(line), left + _WIDTH)
    head, tail = ("…" if left else ""), ("…" if right < len(line) else "")
    shift = len(head) - left
    return head + line[left:right] + tail, start + shift, min(end, right) + shift


def _cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def _clean(text: str) -> str:
    return redact(_UNSAFE.sub("\ufffd", text))


def _paint(text: str, what: str, color: bool) -> str:
    return f"\x1b[{_COLORS[what]}m{text}\x1b[0m" if color else text
