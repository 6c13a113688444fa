from __future__ import annotations

import pytest

from envbuild.cli.text import cut, duration, plural, shown_width, size, table


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (97_400_000, "97.4 MB"),
        (99_960, "100 kB"),
        (999_400, "999 kB"),
        (999_999, "1.0 MB"),
        (301_000_000, "301 MB"),
        (1_500_000_000, "1.5 GB"),
        (7_000_000_000_000_000, "7000 TB"),
    ],
)
def test_bytes_are_written_in_decimal_units(amount: int, text: str) -> None:
    assert size(amount) == text


def test_times_below_a_minute_have_a_tenth_and_longer_ones_minutes() -> None:
    assert [duration(s) for s in (0.04, 59.9, 60, 187.4)] == ["0.0s", "59.9s", "1m 00s", "3m 07s"]


def test_a_noun_agrees_with_its_number() -> None:
    assert plural(1, "files") == "1 file"
    assert plural(0, "files") == "0 files"
    assert plural(2, "layer") == "2 layers"
    assert plural(1, "entries") == "1 entry"
    assert plural(3, "entry") == "3 entries"


def test_a_table_ends_at_the_width_and_ignores_colour_when_it_measures() -> None:
    rows = [("1", "\x1b[1mbase\x1b[0m", "why " * 20), ("10", "numpy", "short")]
    lines = table(("#", "layer", "why"), rows, right=frozenset({0}), width=50)
    assert [shown_width(line) <= 50 for line in lines] == [True] * 3
    assert lines[1].startswith("   1  \x1b[1mbase\x1b[0m   why")
    assert lines[2] == "  10  numpy  short"
    assert lines[1].endswith("…")


def test_cut_leaves_short_text_alone() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
