"""Measured values: medians, ratios, and how they are written."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "B", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the table: what was measured, and every value of both sides in the order taken.

    `unit` is seconds, bytes, or none of what is counted. A side that was not measured is empty.
    """

    key: str
    title: str
    unit: Unit
    envbuild: tuple[float, ...]
    mlflow: tuple[float, ...] = ()
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of envbuild over the median of MLflow, or None where a side is missing or zero."""
        if not self.envbuild or not self.mlflow:
            return None
        below = median(self.mlflow)
        return median(self.envbuild) / below if below else None


def median(values: tuple[float, ...]) -> float:
    """The middle value; the mean of the middle two for an even count. ValueError for none."""
    if not values:
        raise ValueError("no values were measured")
    return statistics.median(values)


def seconds(value: float) -> str:
    """`0.062 s`, `1.64 s`, `98.1 s`: three figures."""
    return f"{value:.3f} s" if value < 0.9995 else f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"


def size(value: float) -> str:
    """`390 MB`, `1.61 GB`, `17.2 MB`, `92 kB`: decimal units."""
    if value < 999_500:
        return f"{value / 1e3:.0f} kB"
    if value < 99.95e6:
        return f"{value / 1e6:.1f} MB"
    return f"{value / 1e6:.0f} MB" if value < 999.5e6 else f"{value / 1e9:.2f} GB"


def quantity(value: float, unit: Unit) -> str:
    """A value with its unit."""
    if not unit:
        return f"{value:,.0f}"
    return seconds(value) if unit == "s" else size(value)


def series(values: tuple[float, ...], unit: Unit) -> str:
    """The median, and the range and count where there are several; a dash for none."""
    if not values:
        return "-"
    text = f"**{quantity(median(values), unit)}**"
    if len(values) == 1:
        return text
    low, high = quantity(min(values), unit), quantity(max(values), unit)
    return f"{text} ({low} to {high}, n={len(values)})" if low != high else f"{text} (n={len(values)})"


def ratio(value: float | None) -> str:
    """`0.081 (1 : 12.3)`, or `1.25` where envbuild needs more."""
    if value is None:
        return "-"
    text = f"{value:.4f}" if value < 0.01 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    return f"{text} (1 : {1 / value:.1f})" if 0 < value < 1 else text
