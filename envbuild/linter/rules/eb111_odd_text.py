"""EB111: bytes in a text file that some readers stumble over."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.texts import BOM, is_yaml
from ...model.types import Model, Span
from ...patterns import pattern
from ..base import BaseRule
from ..types import Finding, Target

_CARRIAGE = pattern("\r\n?")
_YAML_BREAK = pattern("[\x85\u2028\u2029]")
_TAB = pattern(r"^[ \-]*\t", 8)  # re.MULTILINE


class OddText(BaseRule):
    r"""A file of the model begins with a byte order mark, or has line endings of Windows or tabs.

    *What it does*: looks at MLmodel and the environment files: a byte order mark, CR or CRLF as line ending, tabs where
    YAML indents, and the three characters that end a line in YAML and nowhere else.

    *Why it breaks*: envbuild and MLflow on the same system read them; other readers see `\ufeffmlflow` for the first
    package, carry a CR into a version, or refuse the tab. Files that only differ in them are other files by hash.

    *Example*: requirements.txt saved by an editor of Windows.

    *Use instead*: UTF-8 without a byte order mark, and LF: `dos2unix FILE`.

    *Source*: PEP 508; YAML 1.1, "Line Break Characters" and "Indentation Spaces".
    """

    code = "EB111"
    name = "odd-text"
    severity = "info"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each file, at the first place."""
        for file, text in model.texts.items():
            found = _oddities(file, text)
            if not found:
                continue
            offset = min(offset for _, offset in found)
            line = text.count("\n", 0, offset) + 1
            column = max(offset - text.rfind("\n", 0, offset) - text.startswith(BOM), 1)
            yield self.finding(
                f"{file} {_and([what for what, _ in found])}",
                hint="save it as UTF-8 without a byte order mark, with LF line endings and without tabs",
                spans=[Span(file=file, line=line, column=column, end_column=column + 1)],
            )


def _oddities(file: str, text: str) -> list[tuple[str, int]]:
    """What is odd, and the offset of the first of each."""
    found: list[tuple[str, int]] = []
    if text.startswith(BOM):
        found.append(("begins with a byte order mark", 0))
    carriage = _CARRIAGE.search(text) if "\r" in text else None
    if carriage is not None:
        mixed = "\n" in text.replace("\r\n", "")
        found.append((f"has {'some ' if mixed else ''}line endings of Windows (CR)", carriage.start()))
    if is_yaml(file):
        tab = _TAB.search(text) if "\t" in text else None
        if tab is not None:
            found.append(("has a tab where YAML indents", tab.end() - 1))
        break_ = None if text.isascii() else _YAML_BREAK.search(text)
        if break_ is not None:
            found.append(("has a character that ends a line in YAML alone", break_.start()))
    return found


def _and(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
