"""Which modules can be imported in the image: the standard library's, the model's, the script's, the packages'."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ..facts import load_json
from ..model.types import Model
from .pins import release
from .types import Locked, Target


def standard_modules(python: str) -> frozenset[str]:
    """The top-level modules of the standard library of the minor version `python` (`3.12`)."""
    changes = load_json("stdlib_modules.json")
    wanted = release(python)
    names = set(sys.stdlib_module_names) | {"__builtin__"}
    for since, gone in changes["removed"].items():
        names = names - set(gone) if wanted >= release(since) else names | set(gone)
    for since, come in changes["added"].items():
        names = names | set(come) if wanted >= release(since) else names - set(come)
    return frozenset(names)


def model_modules(model: Model) -> frozenset[str]:
    """The top-level modules in the model's code folders, which MLflow puts on the path when it loads the model."""
    found: set[str] = set()
    if model.mlmodel is None:
        return frozenset()
    folders = {f.get("code") for f in model.mlmodel.flavors.values() if isinstance(f.get("code"), str)}
    for folder in folders:
        prefix = f"{str(folder).strip('./')}/"
        inside = (file.path[len(prefix) :] for file in model.files if file.path.startswith(prefix))
        found |= {path.partition("/")[0].partition(".")[0] for path in inside}
    scripts = {f.get("model_code_path") for f in model.mlmodel.flavors.values()}
    found |= {str(path).rpartition("/")[2].removesuffix(".py") for path in scripts if isinstance(path, str)}
    return frozenset(found - {""})


def package_modules(locked: Locked) -> frozenset[str] | None:
    """All modules of the locked wheels, dotted; None where one of them could not be looked into."""
    if any(package.name not in locked.contents for package in locked.lock.packages):
        return None
    return frozenset(module for contents in locked.contents.values() for module in contents.modules)


def tops(modules: Iterable[str]) -> frozenset[str]:
    """The top-level modules of dotted names."""
    return frozenset(module.partition(".")[0] for module in modules)


def known_tops(model: Model, target: Target, locked: Locked) -> frozenset[str]:
    """The top-level modules that need no package: standard, the model's own, and the server's files."""
    python = ".".join(locked.lock.python.split(".")[:2])
    return standard_modules(python) | model_modules(model) | tops(target.server.modules)
