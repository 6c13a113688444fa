"""Whether a measure reaches its aim."""

from __future__ import annotations

import pytest

from benchmarks.aims import AIMS, Aim, judge
from benchmarks.errors import BenchError
from benchmarks.figures import Measure
from benchmarks.measuring import ROWS

RATIO = Aim(key="cold", kind="ratio", at_most=1 / 12, words="a twelfth")
VALUE = Aim(key="cold", kind="value", at_most=0.2, words="under 0.2 s")


def measure(envbuild: tuple[float, ...], mlflow: tuple[float, ...]) -> list[Measure]:
    return [Measure(key="cold", title="cold build", unit="s", envbuild=envbuild, mlflow=mlflow)]


def test_a_ratio_is_reached_at_its_bound_and_missed_above_it() -> None:
    assert judge(RATIO, measure((8.0,), (96.0,))).reached
    above = judge(RATIO, measure((8.1,), (96.0,)))
    assert not above.reached
    assert above.text == "0.084 (1 : 11.9)"


def test_a_value_is_judged_without_the_other_side() -> None:
    reached = judge(VALUE, measure((0.1, 0.3, 0.15), (0.001,)))
    assert reached.reached
    assert reached.text == "0.150 s"
    assert not judge(VALUE, measure((0.1, 0.3, 0.25), (90.0,))).reached


def test_what_was_not_measured_is_not_judged() -> None:
    with pytest.raises(BenchError, match="cold was not measured"):
        judge(RATIO, [])
    with pytest.raises(BenchError, match="cold was not measured"):
        judge(RATIO, measure((8.0,), ()))
    with pytest.raises(BenchError, match="cold was not measured"):
        judge(VALUE, measure((), (8.0,)))


def test_every_aim_is_about_a_row_of_the_table_and_every_row_has_one() -> None:
    assert sorted(aim.key for aim in AIMS) == sorted(key for key, _, _ in ROWS)
