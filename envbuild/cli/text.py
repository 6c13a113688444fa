"""How amounts, times and tables are written."""

from __future__ import annotations

from collections.abc import Sequence

from ..patterns import pattern

_ESCAPE = pattern(r"\x1b\[[0-9;]*m")


def size(amount: int) -> str:
    """Bytes in decimal units, as engines and registries count them: `812 B`, `97.4 MB`."""
    if amount < 1000:
        return f"{amount} B"
    value = float(amount)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        # 999.95 and up would round to four digits
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """`0.4s`, `12.0s`, `3m 07s`."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s"


def plural(count: int, noun: str) -> str:
    """`1 wheel`, `12 wheels`, `1 entry`, `3 entries`; the noun may be given in either number."""
    one = noun[:-3] + "y" if noun.endswith("ies") else noun.removesuffix("s")
    many = one[:-1] + "ies" if one.endswith(("ry", "cy")) else one + "s"
    return f"{count} {one if count == 1 else many}"


def shown_width(text: str) -> int:
    """Characters that a terminal shows of `text`."""
    return len(_ESCAPE.sub("", text))


def cut(text: str, width: int) -> str:
    """`text` (without styles) in at most `width` characters."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    width: int = 10_000,
) -> list[str]:
    """The lines of a table without frames. Columns in `right` are flush right; the last ends at `width`."""
    cells = [list(heads), *[list(row) for row in rows]]
    widths = [max(shown_width(row[i]) for row in cells) for i in range(len(heads))]
    room = max(width - sum(widths[:-1]) - 2 * len(widths), 12)
    lines = []
    for row in cells:
        parts = []
        for i, cell in enumerate(row):
            if i == len(row) - 1:
                parts.append(cut(cell, room))
                continue
            fill = " " * (widths[i] - shown_width(cell))
            parts.append(fill + cell if i in right else cell + fill)
        lines.append(("  " + "  ".join(parts)).rstrip())
    return lines
