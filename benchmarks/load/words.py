"""How figures of a load are written."""

from __future__ import annotations

from ..figures import median


def rate(value: float) -> str:
    """`1,628` requests/s; one digit more below ten."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def rates(values: tuple[float, ...]) -> str:
    """The median, and the range where there are several."""
    text = f"**{rate(median(values))}**"
    low, high = rate(min(values)), rate(max(values))
    return f"{text} ({low} to {high})" if low != high else text


def milli(value: float) -> str:
    """Seconds as `0.85 ms`, `12.3 ms`, `1,240 ms`."""
    value *= 1000
    return f"{value:.2f} ms" if value < 9.995 else f"{value:.1f} ms" if value < 99.95 else f"{value:,.0f} ms"


def micro(value: float) -> str:
    """Seconds as `620 µs`, `8,400 µs`."""
    return f"{value * 1e6:,.0f} µs"


def share(value: float) -> str:
    """A fraction as `12 %`."""
    return f"{value * 100:.0f} %"


def times(value: float) -> str:
    """A ratio as `2.61`, `0.48`."""
    return f"{value:.2f}"
