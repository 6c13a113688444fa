"""Findings for people: as a good compiler shows its own, or one a line."""

from __future__ import annotations

from ...model.redact import redact
from ...model.texts import split_lines
from ...model.types import Span
from ...patterns import pattern
from ..types import Finding, Severity
from .report import Checked, Report

_WIDTH = 100
_COLORS: dict[str, str] = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "frame": "34",
    "fix": "36",
    "bold": "1",
    "dim": "2",
}
_NOUNS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_UNSAFE_FIX = "--unsafe-fixes writes it, and the model may answer differently then"
# Control characters and those that turn the direction of text: a file must not steer the terminal that shows it.
_UNSAFE = pattern("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def text(report: Report, *, color: bool = False) -> str:
    """The findings with their lines and carets, and a line that counts them; empty where there are none.

    The page of a rule is named at its first finding.
    """
    told: set[str] = set()
    blocks = []
    for checked, finding in report.findings():
        blocks.append("\n".join(_block(checked, finding, color, page=finding.code not in told)))
        told.add(finding.code)
    return "\n\n".join([*blocks, summary(report)]) + "\n" if blocks else ""


def concise(report: Report, *, color: bool = False) -> str:
    """One line a finding, `path:line:column: CODE [severity] message`, and a line that counts them."""
    lines = []
    for checked, finding in report.findings():
        place = checked.place(checked.readable_first(finding)[0]) if finding.spans else checked.base or "."
        lines.append(f"{_paint(clean(place) + ':', 'bold', color)} {_head(finding, color, message='')}")
    return "\n".join([*lines, summary(report)]) + "\n" if lines else ""


def summary(report: Report) -> str:
    """One line that counts the findings: `Found 2 errors and 1 warning ([*] 2 fixable with --fix).`."""
    count = report.counts()
    parts = []
    for severity, noun in _NOUNS.items():
        if count[severity]:
            parts.append(f"{count[severity]} {noun}{'s' if count[severity] != 1 else ''}")
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "nothing"
    among = len(report.checked)
    if among > 1:
        listed += f" in {sum(bool(checked.findings) for checked in report.checked)} of {among} models"
    fixes = [f"[*] {count['fixable']} fixable with --fix"] if count["fixable"] else []
    if count["unsafe"]:
        more = " more" if fixes else " fixable"
        fixes.append(f"{count['unsafe']}{more} with --unsafe-fixes")
    short = sum(checked.cut_short is not None for checked in report.checked)
    lost = ""
    if number := len(report.unread) - short:
        lost += f"; {_models(number)} could not be read"
    if short:
        lost += f"; --fix or --resolve failed for {_models(short)}"
    return f"Found {listed}" + (f" ({', '.join(fixes)})" if fixes else "") + f"{lost}."


def _models(number: int) -> str:
    return f"{number} model{'s' if number != 1 else ''}"


def _block(checked: Checked, finding: Finding, color: bool, *, page: bool) -> list[str]:
    out = [_head(finding, color, message="bold")]
    width = max((len(str(span.line)) for span in finding.spans), default=1)
    arrow = f"{' ' * width}{_paint('-->', 'frame', color)}"
    for span in finding.spans:
        # Of a file without lines, as a pickle is, the beginning is no place.
        whole = span == Span(file=span.file) and checked.text(span.file) is None
        out.append(f"{arrow} {clean(checked.path(span.file) if whole else checked.place(span))}")
        out += _frame(span, checked.text(span.file), finding.severity, width, color)
    if not finding.spans:
        out.append(f"{arrow} {clean(checked.base or '.')}")
    if finding.help:
        first, *rest = finding.help.split("\n")
        out.append(f"{_paint('help:', 'bold', color)} {clean(first)}")
        out += [f"      {clean(line)}" for line in rest]
    if finding.edits and not finding.safe:
        out.append(f"{_paint('fix:', 'bold', color)}  {_UNSAFE_FIX}")
    if page:
        out.append(f"{_paint('page:', 'bold', color)} {_paint(f'envbuild explain {finding.code}', 'dim', color)}")
    return out


def _head(finding: Finding, color: bool, *, message: str) -> str:
    parts = [_paint(finding.code, "bold", color), _paint(f"[{finding.severity}]", finding.severity, color)]
    if finding.edits and finding.safe:
        parts.append(_paint("[*]", "fix", color))
    return " ".join([*parts, _paint(clean(finding.message), message, color)])


def _frame(span: Span, content: str | None, severity: Severity, width: int, color: bool) -> list[str]:
    if not content:
        return []
    lines = split_lines(span.file, content)
    if not 0 < span.line <= len(lines) or not lines[span.line - 1].strip():
        return []
    line = clean(lines[span.line - 1].replace("\t", " "))
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


def clean(text: str) -> str:
    """`text`, a line or a part of one, without credentials and without what could steer a terminal."""
    return redact(_UNSAFE.sub("\ufffd", text))


def _paint(text: str, what: str, color: bool) -> str:
    return f"\x1b[{_COLORS[what]}m{text}\x1b[0m" if color and what else text
