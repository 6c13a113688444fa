"""Reading what -X importtime tells."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import imports

TEXT = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   _io
a line of the program itself
import time:      2000 |       2000 |     numpy._core
import time:      1000 |       3000 |   numpy
import time:       500 |       3500 | mlflow.pyfunc
"""


def test_own_and_whole_times_are_read_with_the_depth() -> None:
    found = imports.parse(TEXT)
    names = [(item.name, item.depth) for item in found]
    assert names == [("_io", 1), ("numpy._core", 2), ("numpy", 1), ("mlflow.pyfunc", 0)]
    assert found[2].own == pytest.approx(0.001)
    assert found[2].total == pytest.approx(0.003)
    assert imports.total(found) == pytest.approx(0.0036)


def test_packages_add_up_their_modules_and_the_standard_library_is_one() -> None:
    found = imports.by_package(imports.parse(TEXT))
    assert [(name, round(own, 6), count) for name, own, count in found] == [
        ("numpy", 0.003, 2),
        ("mlflow", 0.0005, 1),
        (imports.STANDARD, 0.0001, 1),
    ]


def test_one_package_may_be_shown_by_its_parts() -> None:
    assert [name for name, _, _ in imports.by_package(imports.parse(TEXT), split="mlflow")][1] == "mlflow.pyfunc"


def test_the_costliest_are_sorted_by_own_time_and_the_outermost_by_whole_time() -> None:
    found = imports.parse(TEXT)
    assert [item.name for item in imports.costliest(found, 2)] == ["numpy._core", "numpy"]
    assert [item.name for item in imports.outermost(found, 1)] == ["mlflow.pyfunc"]


def test_a_real_interpreter_is_understood() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import json.decoder"], capture_output=True, text=True, check=True
    )
    found = imports.parse(done.stderr)
    assert "json.decoder" in {item.name for item in found}
    assert all(item.total >= item.own >= 0 for item in found)
