"""What installing envbuild brings along."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
HEAVY = {
    "conda-lock",
    "py-rattler",
    "mlflow",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "pyarrow",
    "rich",
    "azure-ai-ml",
}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    found: dict[str, Any] = tomllib.loads(PYPROJECT.read_text())["project"]
    return found


def names(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_the_core_installs_nothing_heavy_at_any_depth(project: dict[str, Any]) -> None:
    queue, seen = list(names(project["dependencies"])), set[str]()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # for another platform or Python
            continue
        wanted = [Requirement(line) for line in lines]
        queue += [canonicalize_name(r.name) for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    assert len(seen) > len(project["dependencies"])
    assert seen.isdisjoint(HEAVY)


def test_the_solvers_for_conda_are_an_extra(project: dict[str, Any]) -> None:
    assert names(project["optional-dependencies"]["conda"]) == {"conda-lock", "py-rattler"}


def test_tomli_is_for_the_python_without_tomllib_alone(project: dict[str, Any]) -> None:
    (line,) = [line for line in project["dependencies"] if line.startswith("tomli")]
    marker = Requirement(line).marker
    assert marker is not None
    assert marker.evaluate({"python_version": "3.10"})
    assert not marker.evaluate({"python_version": "3.11"})


def test_an_extra_is_imported_by_no_module_as_it_loads() -> None:
    package = PYPROJECT.parent / "envbuild"
    for file in package.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            found += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in found if name.split(".")[0] in ("conda_lock", "rattler")], file
