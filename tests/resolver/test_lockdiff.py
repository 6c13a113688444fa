"""What tells two locks apart, where versions are odd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envbuild.resolver.conda.lockrows import Row
from envbuild.resolver.lockdiff import conda_differences
from envbuild.resolver.origin import Origin


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


def test_what_a_conda_lock_was_made_for_is_compared_as_of_any_other() -> None:
    before = Origin(digest="sha256:1", server="envbuild", base="debian:bookworm", base_digest="sha256:2")
    after = replace(before, server="mlflow", base_digest="sha256:3")
    found = conda_differences([row("1.0")], [row("1.0")], (before, after))
    assert found.facts == (("base digest", "sha256:2", "sha256:3"), ("server", "envbuild", "mlflow"))
    assert not conda_differences([row("1.0")], [row("1.0")], (before, before)).any
