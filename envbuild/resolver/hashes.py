"""The hashes that a model's requirements carry, held against the wheels that were chosen."""

from __future__ import annotations

from ..errors import IntegrityError
from ..model.hashes import hashes_of
from ..model.types import Environment, Requirement
from .refusals import place
from .target import Platform
from .types import Lock


def check_hashes(environment: Environment, lock: Lock, platform: Platform) -> None:
    """Raise IntegrityError where a wheel of the lock has none of the hashes listed for its package.

    Only SHA-256 is compared, which every lock tool writes, and only lines whose marker holds on `platform` count. The
    lines of one package are taken together, and so are its constraints, which both have to name the wheel, as for pip.
    A package that is laid down under another name (mlflow-skinny for mlflow) has other wheels than those that were
    listed.
    """
    held = {constraint.span for constraint in environment.constraints}
    wanted: dict[tuple[str, bool], tuple[Requirement, set[str]]] = {}
    for requirement, values in hashes_of(environment):
        if platform.holds(requirement.marker):
            _, known = wanted.setdefault((requirement.name, requirement.span in held), (requirement, set()))
            known |= {value.partition(":")[2].lower() for value in values if value.lower().startswith("sha256:")}
    chosen = {package.name: package for package in lock.packages}
    for requirement, hashes in wanted.values():
        package = chosen.get(requirement.name)
        # Who lists hashes of source has that of the archive; the wheel from it is nobody else's.
        mine = {package.sha256, package.source.sha256 if package.source else ""} if package is not None else set()
        if package is not None and hashes and hashes.isdisjoint(mine):
            raise IntegrityError(
                f"{place(requirement.span)}: the package index's wheel of {package.name} {package.version}, "
                f"{package.filename}, has none of the hashes listed there",
                hint="list the hashes of all its files anew (`uv pip compile --generate-hashes`) if you trust the "
                "index; else ask who runs it",
            )
