"""The rows on numpy 2, by the metadata of real wheels, and some of them by a real import.

An `ImportError` of a compiled module cannot be read off metadata. All rows were imported once, by hand, with numpy
2.0.2 on Python 3.11; those that models have most are imported here again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import is_normalized_name
from packaging.version import Version

from envbuild.facts import load_json
from envbuild.resolver.guards import is_before
from envbuild.resolver.target import Platform
from envbuild.resolver.uv import compile_lock, find_uv

ROWS: dict[str, dict[str, Any]] = load_json("numpy2_floors.json")["packages"]
BOOKWORM = Platform(python="3.11.2", glibc=36, machine="x86_64")
CAPS: list[dict[str, str]] = load_json("numpy2_floors.json")["caps"]
IMPORTED = {"pandas": (), "scikit-learn": ("scipy==1.13.1",), "scipy": (), "matplotlib": (), "bottleneck": ()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", sorted(name for name in ROWS if "source" not in ROWS[name]))
def test_a_version_lets_numpy_2_in_as_the_row_says(name: str, cache: Path) -> None:
    row = ROWS[name]

    def takes_numpy_2(version: str) -> bool:
        return compile_lock([f"{name}=={version}", "numpy>=2"], [], BOOKWORM, cache=cache).solved

    assert takes_numpy_2(row["ready"])
    # Without a cap of its own the last broken version is put beside numpy 2.
    capped = bool(row["caps"]) and not is_before(row["fails"], row["caps"])
    assert takes_numpy_2(row["fails"]) is not capped
    if row["caps"]:
        assert not takes_numpy_2(row["caps"])


def test_what_caps_numpy_is_a_range_of_versions_of_a_package_without_a_row() -> None:
    for row in CAPS:
        assert is_normalized_name(row["name"])
        assert row["name"] not in ROWS
        assert Version(row["from"]) <= Version(row["last"]) < Version(row["below"])


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("row", CAPS, ids=lambda row: f"{row['name']}-{row['from']}")
def test_what_caps_numpy_does_so_within_its_bounds(row: dict[str, str], cache: Path) -> None:
    def solved(*requirements: str) -> bool:
        return compile_lock(list(requirements), [], BOOKWORM, cache=cache).solved

    for version in (row["from"], row["last"]):
        assert solved(f"{row['name']}=={version}")
        assert not solved(f"{row['name']}=={version}", "numpy>=2")
    assert solved(f"{row['name']}=={row['below']}", "numpy>=2")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the rows were tried on Python 3.11")
@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_the_last_version_before_the_floor_fails_to_import_and_the_floor_does_not(
    name: str, cache: Path, tmp_path: Path
) -> None:
    row = ROWS[name]
    (tmp_path / "overrides.txt").write_text("numpy==2.0.2\n")
    said = {}
    for version in (row["fails"], row["ready"]):
        target = tmp_path / version
        wanted = [f"{name}=={version}", "numpy==2.0.2", "setuptools<82", *IMPORTED[name]]
        command = [find_uv(), "pip", "install", "--quiet", "--target", str(target), "--only-binary", ":all:"]
        command += ["--python", sys.executable, "--override", str(tmp_path / "overrides.txt"), *wanted]
        subprocess.run(command, check=True, env={**os.environ, "UV_CACHE_DIR": str(cache)})
        program = f"import sys; sys.path.insert(0, {str(target)!r}); import {row['module']}"
        said[version] = subprocess.run(
            [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False
        )
    assert said[row["ready"]].returncode == 0, said[row["ready"]].stderr
    assert said[row["fails"]].returncode == 1
    assert "numpy" in said[row["fails"]].stderr
