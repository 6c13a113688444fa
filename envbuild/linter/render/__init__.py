"""What was found, written for people, for programs and for the services that show findings.

`Report` is what all formats are made from. Each has a module with one function that takes it; only the text for people
knows colour.
"""

from __future__ import annotations

from typing import Literal, get_args

from .report import Checked, Report, Unread

Format = Literal["text", "concise", "json", "github", "sarif", "junit"]
FORMATS: tuple[Format, ...] = get_args(Format)

__all__ = ["FORMATS", "Checked", "Format", "Report", "Unread", "render"]


def render(report: Report, form: Format, *, color: bool = False) -> str:
    """The report in one of the formats, with a line end; empty where the format says nothing of nothing."""
    if form == "text":
        from .text import text

        return text(report, color=color)
    if form == "concise":
        from .text import concise

        return concise(report, color=color)
    if form == "github":
        from .workflow import workflow

        return workflow(report)
    if form == "junit":
        from .junit import junit

        return junit(report)
    import json

    if form == "sarif":
        from .sarif import sarif

        return json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n"
    from .document import document

    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"
