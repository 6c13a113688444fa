"""The hashes that a model's requirements carry, held against the wheels that were chosen."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import IntegrityError
from ..model.hashes import hashes_of
from ..model.types import Environment, Requirement
from .refusals import place
from .target import Platform
from .types import Lock

_LIST = "list the hashes of all its files anew (`uv pip compile --generate-hashes`)"


def check_hashes(environment: Environment, lock: Lock, platform: Platform) -> None:
    """Raise IntegrityError where a wheel of the lock has none of the hashes listed for its package.

    Only SHA-256 is compared, which every lock tool writes: hashes of others alone are refused. Only lines whose marker
    holds on `platform` count. The lines of one package are taken together, and so are its constraints, which both have
    to name the wheel, as for pip. A package that is laid down under another name (mlflow-skinny for mlflow) has other
    wheels than those that were listed.
    """
    held = {constraint.span for constraint in environment.constraints}
    wanted: dict[tuple[str, bool], tuple[Requirement, list[str]]] = {}
    for requirement, values in hashes_of(environment):
        if platform.holds(requirement.marker):
            _, known = wanted.setdefault((requirement.name, requirement.span in held), (requirement, []))
            known += values
    chosen = {package.name: package for package in lock.packages}
    for requirement, listed in wanted.values():
        package = chosen.get(requirement.name)
        if package is None:
            continue
        # Who lists hashes of source has that of the archive; the wheel from it is nobody else's.
        mine = {package.sha256, package.source.sha256 if package.source else ""}
        if sha256_among(listed, place(requirement.span), package.name).isdisjoint(mine):
            whose = "the package index's wheel" if package.url.startswith("http") else "the wheel"
            raise IntegrityError(
                f"{place(requirement.span)}: {whose} of {package.name} {package.version}, "
                f"{package.filename}, has none of the hashes listed there",
                hint=f"{_LIST} if you trust the index; else ask who runs it"
                if package.url.startswith("http")
                else f"{_LIST} if you trust the file",
            )


def sha256_among(listed: Collection[str], where: str, name: str) -> set[str]:
    """The SHA-256 hashes (hex) among those that are `listed` for the package `name` (`sha256:...`).

    Raises IntegrityError where there is none, or one that cannot be.
    """
    found = {value.partition(":")[2].strip().lower() for value in listed if value.lower().startswith("sha256:")}
    wrong = next((value for value in sorted(found) if not re.fullmatch(r"[0-9a-f]{64}", value)), None)
    if wrong is not None:
        raise IntegrityError(f"{where}: {wrong[:80]!r} is no sha256 hash, which has 64 hexadecimal digits", hint=_LIST)
    if not found:
        kinds = ", ".join(sorted({value.partition(":")[0][:20].lower() for value in listed}))
        raise IntegrityError(
            f"{where}: the hashes of {name} are {kinds or 'empty'}, and wheels are held against sha256 alone",
            hint=f"{_LIST}: they are sha256",
        )
    return found
