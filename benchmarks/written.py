"""RESULTS.md and results.json: each part is written when it is whole, and leaves the others as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .measuring import say


def write_page(output: Path, found: dict[str, Any], text: str, parts: dict[str, tuple[str, str]]) -> None:
    """Write the page anew, but for its parts: names in the JSON, and the marks around the text."""
    before, known = _read(output)
    kept = {name: known[name] for name in parts if name in known}
    for begin, end in parts.values():
        if begin in before and end in before:
            inner = before.split(begin, 1)[1].split(end, 1)[0]
            text = joined(text, f"{begin}{inner}{end}\n", begin, end)
    _write(output, {**found, **kept}, text)
    say(f"wrote the page {output / 'RESULTS.md'} and results.json")


def write_part(output: Path, name: str, found: dict[str, Any], part: str, marks: tuple[str, str]) -> None:
    """Put one part in place of its earlier one, or at the end of the page."""
    before, known = _read(output)
    _write(output, {**known, name: found}, joined(before, part, *marks))
    say(f"wrote the part {name} of {output / 'RESULTS.md'} and results.json")


def joined(page: str, part: str, begin: str, end: str) -> str:
    """The page with the part in place of its earlier one, or at its end; `begin` and `end` are the part's marks."""
    if begin in page and end in page:
        before, rest = page.split(begin, 1)
        return before + part.rstrip("\n") + rest.split(end, 1)[1]
    return page.rstrip("\n") + "\n\n" + part


def _read(output: Path) -> tuple[str, dict[str, Any]]:
    text, figures = output / "RESULTS.md", output / "results.json"
    before = text.read_text(encoding="utf-8") if text.exists() else ""
    known: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
    return before, known


def _write(output: Path, figures: dict[str, Any], text: str) -> None:
    for name, content in (("results.json", json.dumps(figures, indent=1) + "\n"), ("RESULTS.md", text)):
        part = output / (name + ".part")
        part.write_text(content, encoding="utf-8")
        part.replace(output / name)
