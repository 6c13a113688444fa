"""A channel of conda packages on this disk: no channel is asked that the network may not reach.

It has a Python, pip, and a graph of tools that need one another, in many versions; and many packages that nothing
asks for, as a real channel has. Only what a solver takes, the newest versions, has a file. There are 32,000 rows.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

TOOLS = 40
VERSIONS = 25
OTHERS = 29_000
PYTHON = "3.11.7"
PIP = "26.1"
ROOTS = tuple(f"tool-{number:02d}" for number in range(0, TOOLS, 8))
"""What an environment asks for: they need all the others."""
_SUPPORT = Path(__file__).resolve().parents[2] / "tests" / "support" / "tinyconda.py"
_BUILDS = ("py310_0", "py311_0", "py312_0")


def make(folder: Path) -> str:
    """Write the channel into `folder`; its address."""
    tiny = _support()
    tiny.make_python(folder, PYTHON)
    tiny.make_module(folder, "pip", PIP)
    for number in range(TOOLS):
        name = f"tool-{number:02d}"
        newest = f"1.{VERSIONS - 1}"
        files = {f"lib/lib{name}.so": b"\x7fELF" + name.encode(), f"include/{name}.h": f"/* {name} */\n"}
        tiny.make_package(folder, name, newest, build=_BUILDS[1], depends=needs(number, VERSIONS - 1), files=files)
    address: str = tiny.index(folder)
    _fill(folder / "linux-64")
    return address


def needs(number: int, version: int, python: str = "3.11") -> list[str]:
    """What a version of a tool depends on: Python, and the three tools behind it, of its own age or newer."""
    others = [number + step for step in (1, 2, 3) if number + step < TOOLS]
    return [f"python {python}.*", *(f"tool-{other:02d} >=1.{max(0, version - 2)},<2" for other in others)]


def rows() -> dict[str, dict[str, Any]]:
    """The packages without a file, by the name that it would have."""
    found = {}
    for number in range(TOOLS):
        for version in range(VERSIONS):
            for build in _BUILDS:
                if version < VERSIONS - 1 or build != _BUILDS[1]:
                    python = f"{build[2]}.{build[3:5]}"
                    row = _row(f"tool-{number:02d}", f"1.{version}", build, needs(number, version, python))
                    found[row.pop("fn")] = row
    for number in range(OTHERS):
        others = ["tool-00 >=1.0", f"other-{number // 40:04d} >=1.0"]
        row = _row(f"other-{number // 20:04d}", f"{number % 20}.0", "h0_0", others)
        found[row.pop("fn")] = row
    return found


def _row(name: str, version: str, build: str, depends: list[str]) -> dict[str, Any]:
    stem = f"{name}-{version}-{build}"
    return {
        "fn": f"{stem}.conda",
        "build": build,
        "build_number": 0,
        "depends": depends,
        "license": "MIT",
        "md5": hashlib.md5(stem.encode(), usedforsecurity=False).hexdigest(),
        "name": name,
        "sha256": hashlib.sha256(stem.encode()).hexdigest(),
        "size": 100_000,
        "subdir": "linux-64",
        "timestamp": 1_600_000_000_000,
        "version": version,
    }


def _fill(folder: Path) -> None:
    """Add the packages without a file. Its compressed and its split copies would not know of them."""
    path = folder / "repodata.json"
    document = json.loads(path.read_bytes())
    document["packages.conda"] = {**document.get("packages.conda", {}), **rows()}
    path.write_text(json.dumps(document), encoding="utf-8")
    for other in folder.glob("repodata*"):
        if other != path:
            other.unlink()


def _support() -> ModuleType:
    """What the tests make channels with."""
    spec = importlib.util.spec_from_file_location("tinyconda", _SUPPORT)
    if spec is None or spec.loader is None:
        raise ImportError(str(_SUPPORT))
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module
