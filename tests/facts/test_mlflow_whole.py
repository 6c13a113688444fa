"""What only the whole of mlflow has, by the wheels of both in several versions."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from packaging.utils import is_normalized_name

from envbuild.facts import load_json
from envbuild.model.imports import Imported
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.resolver.whole import missing_in

FACTS = load_json("mlflow_whole.json")
VERSIONS = ("1.30.0", "2.3.2", "2.9.2", "2.17.2", "2.22.0", "3.1.4", "3.10.0", "3.17.2")
MODULES = {package: module for module, package in FACTS["packages"].items()}


def needed(module: str, version: str) -> set[str]:
    package = LockedPackage(name="mlflow-skinny", version=version, filename="", sha256="", size=0)
    lock = Lock(packages=(package,), python="3.11.2", platform="", requirements=())
    return {one.package for one in missing_in(lock, [Imported(name=module, where="code/a.py:1")])}


def test_every_package_that_a_module_needs_is_known_by_the_module_that_it_brings() -> None:
    for packages in (*FACTS["modules"].values(), *FACTS["loaders"].values()):
        assert set(packages) <= set(MODULES)
    assert all(is_normalized_name(package) for package in MODULES)
    for parent in FACTS["before"]:
        assert any(module == parent or module.startswith(f"{parent}.") for module in FACTS["modules"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


def site(name: str, version: str, folder: Path) -> Path:
    """The package alone, unpacked."""
    target = folder / f"{name}-{version}"
    command = [uv.find_uv_bin(), "pip", "install", "-q", "--no-config", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.10", "--target", str(target), f"{name}=={version}"]
    subprocess.run(command, check=True, timeout=300)
    return target


def modules_in(folder: Path) -> dict[str, Path]:
    found = {}
    for path in (folder / "mlflow").rglob("*.py"):
        name = path.relative_to(folder).with_suffix("").as_posix().replace("/", ".")
        found[name.removesuffix(".__init__")] = path
    return found


def asked_for(folder: Path) -> set[str]:
    text = next(folder.glob("*.dist-info")).joinpath("METADATA").read_text(encoding="utf-8")
    lines = re.findall(r"(?m)^Requires-Dist: ([\w.-]+)(.*)$", text)
    return {name.lower() for name, rest in lines if "extra ==" not in rest}


def run_at_import(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run in any case; a `try` that catches their absence is none."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.Try):
            caught = any(h.type is None or re.search("Import|'Exception'", ast.dump(h.type)) for h in node.handlers)
            waiting += [*([] if caught else node.body), *node.orelse, *node.finalbody]
        elif isinstance(node, (ast.ClassDef, ast.With)):
            waiting += node.body


def names_of(node: ast.Import | ast.ImportFrom, module: str, package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        parts = module.split(".") if package else module.split(".")[:-1]
        base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


def with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def packages_by_module(modules: dict[str, Path], packages: set[str]) -> dict[str, set[str]]:
    """What of `packages` each module needs when it is imported, with all that it imports in turn."""
    tops = {MODULES[package]: package for package in packages}
    inside: dict[str, set[str]] = {}
    outside: dict[str, set[str]] = {}
    for module, path in modules.items():
        named = {*with_parents(module)}
        for node in run_at_import(ast.parse(path.read_bytes())):
            for name in names_of(node, module, path.name == "__init__.py"):
                named.update(with_parents(name))
        inside[module] = named & set(modules)
        outside[module] = {tops[name] for name in named & set(tops)}
    found = {}
    for module in modules:
        seen, waiting = {module}, [module]
        while waiting:
            new = inside[waiting.pop()] - seen
            seen |= new
            waiting += new
        found[module] = set().union(*(outside[one] for one in seen))
    return found


@pytest.mark.proof
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("version", VERSIONS)
def test_both_wheels_have_the_same_modules_and_the_table_knows_what_each_needs(version: str, folder: Path) -> None:
    whole, skinny = site("mlflow", version, folder), site("mlflow-skinny", version, folder)
    modules = modules_in(skinny)
    assert set(modules_in(whole)) == set(modules)
    more = asked_for(whole) - asked_for(skinny) - {"mlflow-skinny", "mlflow-tracing", "numpy", "pandas"}
    assert more <= set(MODULES)
    needs = packages_by_module(modules, more)
    wrong = {name: packages for name, packages in needs.items() if not packages <= needed(name, version)}
    assert wrong == {}
    # What every model imports needs nothing of it.
    for name in ("mlflow", "mlflow.pyfunc", "mlflow.pyfunc.model", "mlflow.models", "mlflow.sklearn", "mlflow.xgboost"):
        assert needs[name] == needed(name, version) == set()
