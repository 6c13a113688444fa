"""The packages of an image out of a conda-lock.yml that a person names: nothing is solved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import LockFileError, ResolveError, UsageError
from ...model.conda_way import Way, way_of
from ...model.imports import Imported
from ...model.types import Environment
from ...progress import SILENT, Progress, Summary
from ...servers import edition_for
from ..asking import Wish
from ..hashes import check_hashes
from ..locktext import content_of
from ..modelwheels import ModelWheel, as_they_lie, without_own
from ..origin import stands_in
from ..taking import unmet
from ..target import Platform, platform_of
from ..torch import NVIDIA
from ..types import Lock, LockedPackage
from ..vouching import is_vouched, vouch
from ..whole import whole_changes
from .changed import changes_since
from .lockrows import HINT
from .madefor import MISSING, made_for
from .part import CondaPart, conda_part, with_lock
from .specs import ask_of

_ANEW = "write it anew with `envbuild lock`"


def take_conda(
    path: Path,
    environment: Environment,
    wish_for: Callable[[Environment, Platform, CondaPart], Wish],
    *,
    conda: str,
    wanted: str,
    glibc: str,
    architecture: str,
    model_root: Path,
    cache: Path,
    accelerator: str = "",
    as_of: str = "",
    locked: bool = False,
    vouched: bool = True,
    progress: Progress = SILENT,
    imports: Callable[[], Sequence[Imported]] = tuple,
) -> Lock:
    """The packages that the conda-lock.yml at `path` has for `environment`: conda's, and its pip entries as wheels.

    `wish_for` makes what pip's packages are asked by, `wanted` is the version of Python. A file that was made for
    other requirements is taken with a warning, with `locked` it is an error; `imports` tells what the model
    imports, which counts too. Unless the file is `vouched` for by a person, who has named it, the indexes must have
    its wheels. Raises LockFileError for a file that is none or does not fit, UsageError where the model takes
    nothing from conda channels; else as `conda_part`.
    """
    if not way_of(environment, conda, model_root).conda:
        raise UsageError(
            f"--lock {path}: the model takes nothing from conda channels",
            hint="name a pylock.toml; or leave --conda never out, where the model has a conda.yaml",
        )
    progress.start("resolve", str(path))
    sha256 = hashlib.sha256(content_of(path, HINT)).hexdigest()
    asked = ask_of(
        environment,
        python=wanted,
        glibc=glibc,
        architecture=architecture,
        root=model_root,
        accelerator=accelerator,
        as_of=as_of,
    )
    # Of which day its packages are is the file's to say.
    ask = replace(asked, lock=path, lock_sha256=sha256, named=vouched, as_of="")
    rest = replace(environment, conda=())
    way = Way(conda=True, environment=rest, why=f"--lock {path.name}")
    part = conda_part(ask, way, cache, progress, upgrade=False, locked=False)
    platform = platform_of(part.python, glibc, architecture)
    wish = wish_for(rest, platform, part)
    packages = _wheels(path, ask.subdir, platform, part)
    found = Lock(
        packages=packages,
        python=platform.python,
        platform=platform.tag,
        requirements=(),
        notes=part.notes,
        from_cache=True,
        server=wish.server.name,
        conda=part.packages,
    )
    if wish.accelerator == "cpu" and (gpu := [p.name for p in packages if p.name.startswith(NVIDIA)]):
        raise LockFileError(
            f"{path}: {', '.join(gpu[:3])} {'is' if len(gpu) == 1 else 'are'} for GPUs, and --accelerator is cpu",
            hint=f"{_ANEW} with --accelerator cpu, or leave the option out",
        )
    edition = edition_for(wish.server, found.mlflow)
    inputs, _ = wish.put(wish.gathered(edition), edition)
    found = as_they_lie(found, (w for w in inputs.wheels if w.sha256 in {p.sha256 for p in packages}))
    there = (*packages, *(_by_conda(name, version) for name, version in part.provided))
    lacking = {package.name for package in edition.packages} - {package.name for package in there}
    missing = list(unmet(inputs, there, platform))
    needed = f"the {wish.server.name} server"
    for one, why in missing:
        if one.where == needed or one.name in lacking:
            raise LockFileError(
                f"{path}: {why}, and {needed} needs {one.text}",
                hint=f"{_ANEW}, or choose the server that it was made for",
            )
    check_hashes(rest, found, platform)
    made = made_for(path)
    # Of which day the model's own lock is does not matter where another one is taken.
    own = with_lock(replace(asked, as_of=""), environment, model_root, path)
    differ = changes_since(made, replace(own, as_of=as_of), wish, indexes=locked)
    if made is not None and stands_in(wish):
        differ += whole_changes(made.origin.settings, found, imports())
    if not differ or (made is not None and made.edited):
        differ += [f"{why}, and {one.where} asks for {one.text}" for one, why in missing]
    if locked and made is None:
        differ = [*differ, MISSING]
    if differ and locked:
        raise LockFileError(
            f"{path} would change, and --locked forbids it: {'; '.join(differ)}", hint=f"{_ANEW}, or leave --locked out"
        )
    if differ:
        progress.warn(f"{path} is not what is asked for, and is taken as it is: {'; '.join(differ)}")
    if not vouched:
        found = _of_indexes(path, found, inputs.wheels, cache, progress)
    whole = any(package.name == "mlflow" for package in packages)
    found = replace(
        found,
        requirements=inputs.kept,
        substitutions=() if whole else inputs.substitutions,
        notes=(*part.notes, *inputs.notes),
    )
    for note in found.notes:
        progress.note(note)
    count = len(found.packages) + len(found.conda)
    progress.done("resolve", Summary(count=count, noun="packages", cached=count, detail=f"from {path}"))
    return found


def _of_indexes(path: Path, found: Lock, own: Sequence[ModelWheel], cache: Path, progress: Progress) -> Lock:
    """`found` with the wheels where the indexes have them: a model does not choose where packages come from.

    Where this machine had the same wheels from them before, the hashes tell enough.
    """
    others = without_own(replace(found, conda=()), {(wheel.file.name, wheel.sha256) for wheel in own})
    if not others.packages or is_vouched(cache, others):
        return found
    from ..relocating import relocated

    try:
        tick = partial(progress.advance, "resolve")
        located = relocated(others, [package.sha256 for package in others.packages], cache=cache / "uv", tick=tick)
    except ResolveError as error:
        raise LockFileError(
            f"{path} is the model's own, and no index has the wheels that it names: {error.message}",
            hint=f"name the index that has them with --index-url, or vouch for the file: --lock {path}",
        ) from None
    vouch(cache, others)
    there = {(package.name, package.sha256): package for package in located.packages}
    return replace(found, packages=tuple(there.get((p.name, p.sha256), p) for p in found.packages))


def _wheels(path: Path, subdir: str, platform: Platform, part: CondaPart) -> tuple[LockedPackage, ...]:
    """The pip entries that conda does not bring, each a wheel for `platform`."""
    from packaging.utils import parse_wheel_filename
    from packaging.version import Version

    from .lockfile import read_conda_lock

    tags, there, found = frozenset(platform.tags()), {name for name, _ in part.provided}, []
    for package in read_conda_lock(path, subdir).pip:
        if package.name in there or package.name == "pip":
            continue
        try:
            name, version, _, fits = parse_wheel_filename(package.filename)
            same = str(name) == package.name and version == Version(package.version)
        except ValueError:  # of a bad name, a bad version, or one with a number of more digits than Python reads
            raise LockFileError(
                f"{path}: {package.name} is locked to something that is no wheel, and nothing is built from source",
                hint=f"lock a version that has a wheel; {_ANEW}",
            ) from None
        if not same or urlsplit(package.url).scheme not in ("http", "https", "file"):
            raise LockFileError(
                f"{path}: {package.url} is not the address of {package.name} {package.version}", hint=_ANEW
            )
        if tags.isdisjoint(fits):
            raise LockFileError(
                f"{path}: {package.filename} does not run on {platform.tag} with Python {platform.python}", hint=_ANEW
            )
        found.append(package)
    return tuple(sorted(found, key=lambda package: package.name))


def _by_conda(name: str, version: str) -> LockedPackage:
    return LockedPackage(name=name, version=version, filename="", sha256="", size=0)
