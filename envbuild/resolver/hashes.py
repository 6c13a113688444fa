"""The hashes that a model's requirements carry, held against the wheels that were chosen."""

from __future__ import annotations

from ..errors import IntegrityError
from ..model.hashes import hashes_of
from ..model.types import Environment
from .requirements import place
from .types import Lock


def check_hashes(environment: Environment, lock: Lock) -> None:
    """Raise IntegrityError where a wheel of the lock has none of the hashes listed for its package.

    Only SHA-256 is compared, which every lock tool writes. A package that is laid down under another name
    (mlflow-skinny for mlflow) has other wheels than those that were listed.
    """
    chosen = {package.name: package for package in lock.packages}
    for requirement, values in hashes_of(environment):
        package = chosen.get(requirement.name)
        wanted = {value.partition(":")[2].lower() for value in values if value.lower().startswith("sha256:")}
        if package is not None and wanted and package.sha256 not in wanted:
            raise IntegrityError(
                f"{place(requirement.span)}: the package index's wheel of {package.name} {package.version}, "
                f"{package.filename}, has none of the hashes listed there",
                hint="list the hashes of all its files anew (`uv pip compile --generate-hashes`) if you trust the "
                "index; else ask who runs it",
            )
