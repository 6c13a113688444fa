"""What tells two locks apart, where versions are odd."""

from __future__ import annotations

import pytest

from envbuild.resolver.conda.lockrows import Row
from envbuild.resolver.lockdiff import conda_differences


def row(version: str, manager: str = "conda") -> Row:
    return Row(
        place="conda-lock.yml:1",
        name="a",
        version=version,
        manager=manager,
        platform="linux-64",
        url="https://h/a",
        sha256="0" * 64,
    )


@pytest.mark.parametrize("manager", ["conda", "pip"])
def test_a_number_of_any_length_is_compared(manager: str) -> None:
    (change,) = conda_differences([row("9" * 5000, manager)], [row("1" + "0" * 5000, manager)]).packages
    assert change.how == "upgraded"


def test_the_order_of_rows_is_no_difference() -> None:
    assert not conda_differences([row("1.10"), row("1.9")], [row("1.9"), row("1.10")]).any
    (change,) = conda_differences([row("1.10"), row("1.9")], [row("2.0")]).packages
    assert change.before == "1.9, 1.10"
