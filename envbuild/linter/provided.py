"""Which modules can be imported in the image: the standard library's, the model's, the script's, the packages'."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from ..facts import load_json
from ..model.types import Model
from ..records import dataclass
from .pins import release
from .types import Locked, Target

# Folders of many packages, some of which bring an `__init__` that looks for the others.
_SHARED = frozenset({"azure", "azureml", "google"})


def standard_modules(python: str) -> frozenset[str]:
    """The top-level modules of the standard library of the minor version `python` (`3.12`)."""
    changes = load_json("stdlib_modules.json")
    wanted = release(python)
    names = set(sys.stdlib_module_names) | {"__builtin__", "__main__"}
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


def _parts(modules: frozenset[str]) -> dict[str, frozenset[str]]:
    """The folders that several packages share, each with the parts (`azure.identity`) that the modules have of it."""
    found: dict[str, set[str]] = {}
    for module in modules:
        top, dot, inside = module.partition(".")
        if dot and (top not in modules or top in _SHARED):
            found.setdefault(top, set()).add(f"{top}.{inside.partition('.')[0]}")
    return {top: frozenset(parts) for top, parts in found.items()}


def tops(modules: Iterable[str]) -> frozenset[str]:
    """The top-level modules of dotted names."""
    return frozenset(module.partition(".")[0] for module in modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """What can be imported: the top-level modules, and the parts of those folders that several packages share.

    Such a folder is there as soon as one of the packages is, and tells nothing of the others.
    """

    tops: frozenset[str]
    parts: Mapping[str, frozenset[str]]

    def lacking(self, module: str) -> str:
        """What of a dotted module is not there: its top-level module, or the part of a shared folder; else empty."""
        top, dot, inside = module.partition(".")
        if top not in self.tops:
            return top
        part = f"{top}.{inside.partition('.')[0]}"
        return part if dot and part not in self.parts.get(top, (part,)) else ""


def provided(model: Model, target: Target, locked: Locked, modules: frozenset[str]) -> Provided:
    """What can be imported beside the `modules` of the packages: standard, the model's own, and the server's files."""
    python = ".".join(locked.lock.python.split(".")[:2])
    beside = standard_modules(python) | model_modules(model)
    # What the server stands in for is a part of the folder that packages share.
    modules |= frozenset(target.server.shims)
    # With setuptools a .pth file puts its own distutils in the place of the one that Python 3.12 dropped.
    hacked = {"distutils"} if "_distutils_hack" in modules else set()
    return Provided(
        tops=beside | tops(target.server.modules) | tops(modules) | hacked,
        parts={top: parts for top, parts in _parts(modules).items() if top not in beside},
    )
