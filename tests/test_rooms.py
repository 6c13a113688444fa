"""The rooms stand in one order, and nothing points backwards."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "envbuild"
ROAD = ["model", "servers", "bases", "resolver", "linter", "planner", "backends", "shipping"]
BESIDE = {"built", "errors", "progress", "patterns", "records", "options", "oci", "facts", "threads"}


def imported_rooms(file: Path) -> set[tuple[str, int]]:
    """The parts of envbuild that a file imports at any depth, with the line."""
    inside = ["envbuild", *file.relative_to(PACKAGE).parts[:-1]]
    found: set[tuple[str, int]] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[list[str]] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else []
            module = base + (node.module.split(".") if node.module else [])
            names = [[*module, alias.name] for alias in node.names]
        for name in names:
            if len(name) > 1 and name[0] == "envbuild":
                found.add((name[1], node.lineno))
    return found


@pytest.mark.parametrize("room", ROAD)
def test_a_room_imports_only_the_rooms_before_it(room: str) -> None:
    allowed = {*ROAD[: ROAD.index(room) + 1], *BESIDE}
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    wrong = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert wrong == []


@pytest.mark.parametrize(
    ("room", "allowed"),
    [("oci", {"oci", "errors", "progress", "patterns", "records", "threads"}), ("runtime", set())],
)
def test_what_stands_beside_the_road_knows_nothing_of_it(room: str, allowed: set[str]) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    outside = [
        (f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed and name != room
    ]
    assert outside == []


def test_what_runs_a_server_here_comes_behind_the_road_and_knows_nothing_of_whoever_walks_it() -> None:
    files = sorted((PACKAGE / "local").rglob("*.py"))
    assert files
    allowed = {*ROAD, *BESIDE, "local"}
    outside = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert outside == []


def test_what_attests_comes_behind_the_plan_and_knows_neither_backends_nor_engines() -> None:
    files = sorted((PACKAGE / "attesting").rglob("*.py"))
    assert files
    allowed = {*ROAD[: ROAD.index("planner") + 1], *BESIDE, "attesting"}
    outside = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert outside == []


def test_what_signs_knows_registries_alone() -> None:
    files = sorted((PACKAGE / "signing").rglob("*.py"))
    assert files
    allowed = {"oci", "errors", "records", "signing"}
    outside = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert outside == []


def test_what_verifies_images_knows_what_attests_and_neither_backends_nor_engines() -> None:
    files = sorted((PACKAGE / "verifying").rglob("*.py"))
    assert files
    allowed = {*ROAD[: ROAD.index("planner") + 1], *BESIDE, "attesting", "verifying"}
    outside = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert outside == []


def test_what_puts_images_on_another_base_stands_behind_what_verifies_and_builds_nothing() -> None:
    files = sorted((PACKAGE / "rebasing").rglob("*.py"))
    assert files
    known = {"attesting", "verifying", "rebasing", "deliver", "job", "looking", "platforms"}
    allowed = {*ROAD, *BESIDE, *known} - {"backends"}
    outside = [(f.name, line, name) for f in files for name, line in imported_rooms(f) if name not in allowed]
    assert outside == []


def test_nobody_imports_the_command_line() -> None:
    files = [f for f in PACKAGE.rglob("*.py") if "cli" not in f.parts and f.name != "__main__.py"]
    assert [f.name for f in files if any(name == "cli" for name, _ in imported_rooms(f))] == []


def test_no_function_of_the_package_has_the_name_of_a_room() -> None:
    import envbuild

    rooms = {p.name for p in PACKAGE.iterdir() if p.is_dir()}
    assert rooms.isdisjoint(envbuild.__all__)
    assert all(hasattr(envbuild, name) for name in envbuild.__all__)


def test_only_the_command_line_prints() -> None:
    def prints(file: Path) -> bool:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        return any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            for node in ast.walk(tree)
        )

    # The runtime is a program of its own, and a module run with `python -m` is a command.
    library = [f for f in PACKAGE.rglob("*.py") if not {"cli", "runtime"} & set(f.parts) and f.name != "refresh.py"]
    assert [f.relative_to(PACKAGE).as_posix() for f in library if prints(f)] == []


def test_linting_loads_nothing_heavy(fixture_models: Path) -> None:
    code = (
        "import sys, json, envbuild\n"
        f"envbuild.lint(envbuild.load({str(fixture_models / 'diabetes')!r}))\n"
        "heavy = {'requests', 'docker', 'rich', 'mlflow', 'installer', 'isal', 'debian', 'pysequoia', 'urllib3'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
