"""Whether mlflow-skinny is enough for a model, or the whole of mlflow is needed, by what the model imports.

Both have the same modules; the whole asks for more packages (`facts/mlflow_whole.json`). So it is needed where
something imports one of those, or a module of mlflow that imports one, and nothing else in the environment brings that
package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..facts import load_json
from ..model.imports import Imported
from ..records import dataclass
from .guards import is_before
from .types import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A package (canonical name) that mlflow-skinny does not bring, and what imports it: `imported` in `where`."""

    package: str
    imported: str
    where: str


def imported_tops() -> frozenset[str]:
    """The top-level modules whose imports say which of the two is needed."""
    return frozenset({"mlflow", *_facts()["packages"]})


def missing_in(lock: Lock, imports: Iterable[Imported], provided: Iterable[tuple[str, str]] = ()) -> list[Missing]:
    """What `imports` need that is neither in `lock` nor `provided` beside it, each package once, by its name.

    `provided` are names and versions, those that conda packages bring.
    """
    present = {package.name for package in lock.packages} | {name for name, _ in (*lock.from_conda, *provided)}
    found: dict[str, Missing] = {}
    for imported in imports:
        for package in _needs(imported, lock.mlflow):
            if package not in present:
                found.setdefault(package, Missing(package=package, imported=imported.name, where=imported.where))
    return sorted(found.values(), key=lambda missing: missing.package)


LACKS, WHOLE = "lacks", "whole"
"""What a lock file says of the imports that it was made with: packages that its mlflow-skinny leaves missing, or for
which mlflow was laid down whole."""


def recorded(lock: Lock, imports: Sequence[Imported]) -> dict[str, str]:
    """What a file of `lock` is to say of `imports`: names with blanks between, by LACKS or WHOLE."""
    if all(package.name != "mlflow" for package in lock.packages):
        lacking = " ".join(one.package for one in missing_in(lock, imports))
        return {LACKS: lacking} if lacking else {}
    names = {package.name for package in lock.packages}
    needed = " ".join(sorted(names & {package for one in imports for package in _needs(one, lock.mlflow)}))
    return {WHOLE: needed} if needed else {}


def whole_changes(settings: Mapping[str, str], lock: Lock, imports: Sequence[Imported]) -> list[str]:
    """What is imported otherwise than when a file with those `settings` and `lock` was written, in sentences."""
    now = recorded(lock, imports)
    if WHOLE in settings:
        then = settings[WHOLE].split()
        if set(then).isdisjoint(now.get(WHOLE, "").split()):
            return [f"nothing imports {', '.join(then)} any more, for which mlflow was laid down whole"]
        return []
    new = set(now.get(LACKS, "").split()) - set(settings.get(LACKS, "").split())
    missing = [one for one in missing_in(lock, imports) if one.package in new]
    return [told(missing)] if missing else []


def note_of(asked: str, missing: Sequence[Missing], skinny: str) -> str:
    """Why mlflow is laid down whole, for people. `asked` is its requirement, `skinny` the other one."""
    listed = ", ".join(one.package for one in missing)
    return f"{asked} is laid down whole: {told(missing)}; {skinny} is enough where {listed} is listed"


def told(missing: Sequence[Missing]) -> str:
    """What imports what of which mlflow-skinny does not bring the packages, for people."""
    packages: dict[tuple[str, str], list[str]] = {}
    for one in missing:
        packages.setdefault((one.where, one.imported), []).append(one.package)
    return "; ".join(_said(where, name, names) for (where, name), names in packages.items())


def _said(where: str, name: str, packages: list[str]) -> str:
    lacks = f"{' and '.join(packages)}, which mlflow-skinny does not bring"
    if where == "MLmodel":
        return f"{name}, the model's loader, needs {lacks}"
    if name.partition(".")[0] == "mlflow":
        return f"{where} imports {name}, which needs {lacks}"
    return f"{where} imports {name} of {lacks}"


def _needs(imported: Imported, mlflow: str) -> Iterator[str]:
    facts = _facts()
    package = facts["packages"].get(imported.name.partition(".")[0])
    if package:
        yield package
    if imported.where == "MLmodel":
        yield from facts["loaders"].get(imported.name, ())
    for module, packages in facts["modules"].items():
        if _within(imported.name, module) and not _is_over(module, mlflow):
            yield from packages


def _is_over(module: str, mlflow: str) -> bool:
    """Whether a row held for older versions alone."""
    bounds = [bound for parent, bound in _facts()["before"].items() if _within(module, parent)]
    return any(not is_before(mlflow, bound) for bound in bounds)


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _facts() -> Any:
    return load_json("mlflow_whole.json")
