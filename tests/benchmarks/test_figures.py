"""Medians, ratios, and how figures are written."""

from __future__ import annotations

import pytest

from benchmarks import figures
from benchmarks.figures import Measure


def test_the_median_of_an_even_count_is_between_the_middle_two() -> None:
    assert figures.median((4.0, 1.0, 3.0)) == 3.0
    assert figures.median((4.0, 1.0, 3.0, 2.0)) == 2.5
    with pytest.raises(ValueError, match="no values"):
        figures.median(())


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0622, "0.062 s"), (0.9996, "1.00 s"), (1.637, "1.64 s"), (9.996, "10.0 s"), (98.06, "98.1 s")],
)
def test_seconds_have_three_figures(value: float, text: str) -> None:
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(92_400, "92 kB"), (999_600, "1.0 MB"), (17_240_000, "17.2 MB"), (389_600_000, "390 MB"), (1.6144e9, "1.61 GB")],
)
def test_sizes_are_decimal(value: float, text: str) -> None:
    assert figures.size(value) == text


def test_a_quantity_has_its_unit_and_a_count_none() -> None:
    assert figures.quantity(56, "") == "56"
    assert figures.quantity(2.5e6, "B") == "2.5 MB"
    assert figures.series((0.0,), "") == "**0**"


def test_a_ratio_compares_medians() -> None:
    measure = Measure(key="cold", title="cold", unit="s", envbuild=(9.0, 8.0, 7.0), mlflow=(90.0, 102.0))
    assert measure.ratio == pytest.approx(8 / 96)
    assert figures.ratio(measure.ratio) == "0.083 (1 : 12.0)"
    assert figures.ratio(1.25) == "1.25"
    assert figures.ratio(0.0042) == "0.0042 (1 : 238.1)"


def test_a_side_that_was_not_measured_has_no_ratio() -> None:
    assert Measure(key="cold", title="cold", unit="s", envbuild=(1.0,)).ratio is None
    assert figures.ratio(None) == "-"
    assert figures.series((), "s") == "-"


def test_several_values_show_their_range_and_count() -> None:
    assert figures.series((2.0, 1.0, 4.0), "s") == "**2.00 s** (1.00 s to 4.00 s, n=3)"
    assert figures.series((1e9,), "B") == "**1.00 GB**"
    assert figures.series((1e9, 1e9), "B") == "**1.00 GB** (n=2)"
