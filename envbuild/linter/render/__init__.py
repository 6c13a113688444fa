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


def render(report: Report, form: Format, *, color: bool = False, only_ascii: bool = False) -> str:
    """The report in one of the formats, with a line end; empty where the format says nothing of nothing.

    With `only_ascii` JSON and XML hold every other character as its escape, and are read alike in any encoding.
    """
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

        written = junit(report)
        return written.encode("ascii", "xmlcharrefreplace").decode() if only_ascii else written
    import json

    if form == "sarif":
        from .sarif import sarif

        return json.dumps(sarif(report), indent=2, ensure_ascii=only_ascii) + "\n"
    from .document import document

    return json.dumps(document(report), indent=2, ensure_ascii=only_ascii) + "\n"
