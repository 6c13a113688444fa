"""Whether what a conda-lock.yml has chosen is what a model asks for, and whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LockFileError
from ...model.condaspec import split_channel
from ...oci.store import Store
from .depending import split_need
from .lockfile import CondaLock
from .types import CondaAsk, CondaPackage
from .virtual import CUDA
from .waiting import finished

if TYPE_CHECKING:
    from rattler import RepoDataRecord

_INDEX = "info/index.json"  # rattler reads no further for what a package says of itself
_HINT = "lock it anew: conda-lock lock, or envbuild lock"


def check_against(ask: CondaAsk, lock: CondaLock, store: Store) -> None:
    """Raise LockFileError unless the packages of `lock`, which `store` has, are what `ask` asks for, and are whole.

    A patch version of Python gives way, as where packages are chosen.
    """
    from .archive import kinds_in
    from .files import by_name
    from .laying import whole
    from .specs import OPTION, loosened, match_specs, matching
    from .virtual import records_of_base, way_to_cuda

    # The channel is the lock's to choose, and the file says nothing of it.
    specs = [replace(spec, text=split_channel(spec.text)[1]) for spec in ask.specs]
    locked = {package.name: package for package in lock.conda}
    loose = [match for each in loosened(ask) for match in match_specs(each.specs[:1])]
    with by_name(store, lock.conda) as files:
        for path in files.values():
            with whole(path.name, path):
                kinds_in(path, until=_INDEX)
        with whole("a package of the lock"):
            records = finished(lambda: _records(files))
    base = records_of_base(ask)
    for spec, match in zip(specs, match_specs(specs), strict=True):
        package = locked.get(spec.name)
        if spec.name.startswith("__"):
            # No lock names what the nodes have.
            if not any(match.matches(record) for record in base):
                raise LockFileError(
                    f"{spec.where} asks for {spec.text}, which the image does not have",
                    hint=way_to_cuda(ask) if spec.name == CUDA else "choose another base with --base",
                )
            continue
        if package is not None and match.matches(records[spec.name]):
            continue
        if package is not None and spec.name == "python" and any(each.matches(records["python"]) for each in loose):
            continue
        has = f"has {package.version} {package.build}" if package else "has none"
        if spec.where == OPTION and package is not None:
            raise LockFileError(
                f"{ask.lock} is for Python {package.version}, and {spec.where} asks for {spec.text}",
                hint=f"leave {OPTION} out, or lock it anew with that option",
            )
        raise LockFileError(
            f"{ask.lock} does not fit conda.yaml: {spec.where} asks for {spec.text}, and the lock {has}",
            hint="lock it anew, or "
            + ("name another one with --lock" if ask.named else "take the lock out of the model's folder"),
        )
    known = [*records.values(), *base]
    # What else the nodes have is theirs to say: without an accelerator, a lock for GPUs was made on purpose.
    counts = ("__glibc", *([CUDA] if ask.accelerator else []))
    for package in lock.conda:
        for needed in package.depends:
            if (not needed.startswith("__") or needed.startswith(counts)) and not matching(needed, known):
                raise LockFileError(
                    f"{lock.places[package.name]}: {package.name} {package.version} depends on {needed}, which "
                    f"{_what_is_there(needed, locked, ask.accelerator)}",
                    hint=f"{_HINT}; or choose another --accelerator" if needed.startswith(CUDA) else _HINT,
                )


def _what_is_there(needed: str, locked: Mapping[str, CondaPackage], accelerator: str) -> str:
    name = split_need(needed)[0]
    if name == CUDA:
        return f"--accelerator {accelerator} does not have"
    if name.startswith("__"):
        return "the base does not have"
    return f"the lock has in version {locked[name].version} alone" if name in locked else "is not in the lock"


async def _records(files: Mapping[str, Path]) -> dict[str, RepoDataRecord]:
    from rattler import RepoDataRecord

    return {name: await RepoDataRecord.from_package_archive(path) for name, path in files.items()}
