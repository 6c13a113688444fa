"""The rows on pkg_resources, by what lies in the wheels themselves."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envbuild.facts import load_json
from envbuild.resolver.uv import find_uv

ROWS: list[dict[str, Any]] = load_json("pkg_resources.json")["packages"]


def imports_it(source: str) -> bool:
    """Whether the module imports pkg_resources at its top, outside of any try."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import) and any(alias.name == "pkg_resources" for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "pkg_resources":
            return True
        # `__import__("pkg_resources").declare_namespace(__name__)`
        if isinstance(node, ast.Expr) and "__import__('pkg_resources')" in ast.unparse(node):
            return True
    return False


def test_each_package_stands_once() -> None:
    names = [row["name"] for row in ROWS]
    assert names == sorted(set(names))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_newest_version_below_imports_it_and_the_next_does_not(row: dict[str, Any], tmp_path: Path) -> None:
    found = []
    for specifier in (f"<{row['below']}", f"=={row['below']}"):
        target = tmp_path / specifier[:2]
        wanted = row["name"] + specifier
        command = [
            find_uv(),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--target",
            str(target),
        ]
        subprocess.run([*command, wanted], check=True, env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")})
        path = target.joinpath(*row["module"].split("."))
        files = [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()]
        found.append(any(imports_it(file.read_text(encoding="utf-8")) for file in files))
    assert found == [True, False]
