"""docs/payloads.md holds the table that the tests run."""

from __future__ import annotations

import os
from pathlib import Path

from accepted import CASES, row, table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "payloads.md"
BEGIN, END = "<!-- the table of tests/runtime/codec/accepted.py -->\n", "<!-- end of the table -->\n"


def test_the_page_holds_the_table():
    text = PAGE.read_text(encoding="utf-8")
    before, found = text.split(BEGIN)
    held, after = found.split(END)
    if os.environ.get("ENVBUILD_UPDATE_GOLDEN"):
        PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
        held = table()
    assert held == table()


def test_no_row_is_there_twice():
    rows = [row(case) for case in CASES]
    assert len(set(rows)) == len(rows)
