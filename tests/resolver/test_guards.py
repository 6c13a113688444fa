from __future__ import annotations

import pytest

from envbuild.facts import load_json
from envbuild.resolver.guards import (
    broken_by_numpy_2,
    importers_of_pkg_resources,
    is_before,
    numpy_guard,
    setuptools_guard,
)


@pytest.mark.parametrize(
    ("name", "version", "fails"),
    [
        ("pandas", "2.1.1", True),
        ("pandas", "2.2.1", True),
        ("pandas", "2.2.2", False),
        ("scikit-learn", "1.4.1.post1", True),
        ("scikit-learn", "1.4.2", False),
        ("scikit-learn", "1.10.0", False),
        ("opencv-python", "4.10.0.82", True),
        ("opencv-python", "4.10.0.84", False),
        ("torch", "2.2.2+cpu", True),
        ("torch", "2.3.0+cpu", False),
        ("xgboost", "1.7.6", False),
        ("pandas", "", False),
        ("pandas", "newest", False),
    ],
)
def test_what_was_built_for_numpy_1_fails_beside_numpy_2(name: str, version: str, fails: bool) -> None:
    assert numpy_guard(name, version) is fails


@pytest.mark.parametrize(
    ("name", "version", "imports"),
    [
        ("mlflow", "2.15.1", True),
        ("mlflow-skinny", "2.16.0", False),
        ("gunicorn", "20.1.0", True),
        ("gunicorn", "21.0.0", False),
        ("setuptools", "80.0.0", False),
    ],
)
def test_what_imports_pkg_resources(name: str, version: str, imports: bool) -> None:
    assert setuptools_guard(name, version) is imports


def test_all_of_a_lock_at_once() -> None:
    packages = {"pandas": "2.1.1", "scipy": "1.13.0", "gunicorn": "20.1.0", "bottleneck": "1.3.8"}
    assert broken_by_numpy_2(packages) == ["bottleneck", "pandas"]
    assert importers_of_pkg_resources(packages) == ["gunicorn"]


def test_versions_are_told_apart_by_their_numbers() -> None:
    assert is_before("1.9", "1.10")
    assert not is_before("1.10.0", "1.10")
    assert is_before("0.8.38", "0.8.38.post1")
    assert not is_before("1!1.0", "1.0")


@pytest.mark.parametrize("name", sorted(load_json("numpy2_floors.json")["packages"]))
def test_a_floor_lies_right_above_the_version_that_failed(name: str) -> None:
    row = load_json("numpy2_floors.json")["packages"][name]
    assert numpy_guard(name, row["fails"])
    assert not numpy_guard(name, row["ready"])
    # Who caps numpy does so before being ready, or never; else the cap would be on a version that needs none.
    assert not row["caps"] or is_before(row["caps"], row["ready"])
    assert all(part.isidentifier() for part in row["module"].split("."))
