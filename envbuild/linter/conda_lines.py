"""The lines of conda packages in conda.yaml, and the edits of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.condaspec import CHANNEL, split_channel
from ..model.texts import split_lines
from ..model.types import CondaDependency, Model, Span
from ..patterns import pattern
from .editing import may_edit
from .types import Edit

TOOLS = frozenset({"pip", "setuptools", "wheel", "python"})
_SPEC = pattern(
    CHANNEL + r"(?P<name>[A-Za-z0-9_][\w.-]*)"
    r"(?:\s*(?P<operator>={1,2})\s*|\s+)(?P<version>[^\s=<>!~,|\[]+)(?P<build>(?:\s*=\s*|\s+)(?P<text>[^\s=\[]+))"
)
_PARTS = pattern(CHANNEL + r"[A-Za-z0-9_][\w.-]*(?P<version>[^\[]*)(?P<brackets>\[.*)?", re.DOTALL)
_KEYWORD = pattern(r"[\[,]\s*version\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^,\]\s]+))")


def without_line(model: Model, dependency: CondaDependency) -> Edit | None:
    """Take the line of a conda package away. None where it shares the line, or nothing would be left of the list."""
    span = dependency.span
    line = line_at(model, span)
    head, tail = (
        line[: span.column - 1].strip(" \t-'\""),
        line[span.end_column - 1 :].partition("#")[0].strip(" \t'\""),
    )
    if not may_edit(model) or head or tail or len(model.environment.conda) + bool(model.environment.python) < 2:
        return None
    return Edit(file=span.file, line=span.line, action="delete", drops=(dependency.text,))


def built(text: str) -> tuple[str, str]:
    """A match spec without its build string, and the build string; both empty where it names none.

    A pattern (`*openblas`, `^py311_[0-9]$`) names no build: it chooses a variant of the package.
    """
    found = _SPEC.fullmatch(text.strip())
    if found is None or "*" in found["text"] or found["text"].startswith("^"):
        return "", ""
    return text.strip()[: found.start("build")], found["text"]


def takes_later(text: str) -> bool:
    """Whether a match spec takes any later version: it names none, or only `>`, `>=` and `!=`."""
    found = _PARTS.fullmatch(text.strip())
    if found is None:
        return False
    version = found["version"].strip()
    keyword = _KEYWORD.search(found["brackets"] or "")
    if keyword is not None and not version:
        version = next(value for value in keyword.groups() if value is not None)
    # One of several ranges (`1.21|>=1.26`) is enough.
    return any(all(_has_no_end(clause) for clause in one.split(",")) for one in version.split("|"))


def _has_no_end(clause: str) -> bool:
    clause = clause.strip()
    # What follows the version is the build.
    return clause.startswith((">", "!=")) or re.split(r"[\s=]", clause.lstrip("= "), maxsplit=1)[0] in ("", "*")


def channel_of(text: str) -> str:
    """The channel that a match spec names itself, `defaults` of `defaults::numpy`; else empty."""
    return split_channel(text)[0]


def python_lines(model: Model) -> Iterator[tuple[str, Span]]:
    """The text of python's own line in conda.yaml, which the reader keeps only the version of."""
    environment = model.environment
    if environment.source != "conda.yaml" or environment.python is None:
        return
    span = environment.python.span
    yield line_at(model, span)[span.column - 1 : span.end_column - 1], span


def line_at(model: Model, span: Span) -> str:
    """The line of the model's file on which `span` lies; empty where there is none."""
    lines = split_lines(span.file, model.texts.get(span.file, ""))
    return lines[span.line - 1] if 0 < span.line <= len(lines) else ""
