"""The lock of an image out of a file that a person names: nothing is solved, and uv is not started."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LockFileError
from ..model.imports import Imported
from ..progress import SILENT, Progress, Summary
from ..servers import edition_for
from .asking import Wish
from .hashes import check_hashes
from .lockfile import LockFile, read_lockfile
from .modelwheels import as_they_lie
from .origin import changes, origin_of, stands_in
from .requirements import Ask, Inputs
from .source.building import builder_for
from .target import Platform
from .torch import NVIDIA
from .types import Lock, LockedPackage
from .whole import whole_changes

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from .source.bench import Bench

_ANEW = "write it anew with `envbuild lock`"


def take(
    path: Path,
    wish: Wish,
    *,
    cache: Path,
    locked: bool = False,
    bench: Bench | None = None,
    progress: Progress = SILENT,
    imports: Callable[[], Sequence[Imported]] = tuple,
) -> Lock:
    """The packages that the lock file at `path` has for `wish`.

    The person who named the file vouches for it. What was built from source is taken out of the cache, or built again
    on `bench` where the wish allows that. A file that was made for other requirements is taken with a warning,
    with `locked` it is an error; `imports` tells what the model imports, which counts too. Raises LockFileError for a
    file that is none, is for another Python or machine, or lacks a wheel or what the server needs; IntegrityError where
    the model lists other hashes; StorageError.
    """
    progress.start("resolve", str(path))
    file = read_lockfile(path)
    _check_platform(file, wish)
    platform = wish.platform
    packages = file.wheels(platform)
    found = Lock(
        packages=packages,
        python=platform.python,
        platform=platform.tag,
        requirements=file.requirements,
        substitutions=file.substitutions,
        notes=file.notes,
        from_cache=True,
        server=wish.server.name,
    )
    edition = edition_for(wish.server, found.mlflow)
    if any(package.source is not None for package in packages):
        builder = builder_for(wish, edition, cache=cache, bench=bench, progress=progress)
        builder.bring(packages, str(path))
    wish = covering(wish, packages)
    inputs, _ = wish.put(wish.gathered(edition), edition)
    needed = f"the {wish.server.name} server"
    lacking = {package.name for package in edition.packages} - {package.name for package in packages}
    missing = [*unmet(inputs, packages, platform)]
    if wish.accelerator == "cpu" and (gpu := [p.name for p in packages if p.name.startswith(NVIDIA)]):
        raise LockFileError(
            f"{path}: {', '.join(gpu[:3])} {'is' if len(gpu) == 1 else 'are'} for GPUs, and --accelerator is cpu",
            hint=f"{_ANEW} with --accelerator cpu, or leave the option out",
        )
    found = as_they_lie(found, (w for w in inputs.wheels if w.sha256 in {p.sha256 for p in packages}))
    for ask, why in missing:
        if ask.where == needed or ask.name in lacking:
            raise LockFileError(
                f"{path}: {why}, and {needed} needs {ask.text}",
                hint=f"{_ANEW}, or choose the server that it was made for",
            )
    check_hashes(wish.environment, found, platform)
    differ = _changes(file, found, wish, indexes=locked)
    if file.origin is not None and stands_in(wish):
        differ += whole_changes(file.origin.settings, found, imports())
    if edited(file) or not differ:
        differ += [f"{why}, and {ask.where} asks for {ask.text}" for ask, why in missing]
    if locked and file.origin is None:
        differ = [*differ, "it does not say what it was made for: [tool.envbuild.inputs] is missing"]
    if differ and locked:
        raise LockFileError(
            f"{path} would change, and --locked forbids it: {'; '.join(differ)}", hint=f"{_ANEW}, or leave --locked out"
        )
    if differ:
        progress.warn(f"{path} is not what is asked for, and is taken as it is: {'; '.join(differ)}")
    if file.origin is None:
        found = replace(found, requirements=inputs.kept, notes=inputs.notes)
    for note in found.notes:
        progress.note(note)
    count = len(packages)
    progress.done("resolve", Summary(count=count, noun="packages", cached=count, detail=f"from {path}"))
    return found


def covering(wish: Wish, packages: Sequence[LockedPackage]) -> Wish:
    """`wish` for the comparison with a lock of `packages`: links to what it has are asked for, and nothing is built."""
    built = {package.name for package in packages if package.source is not None}
    return replace(wish, allow_build=tuple(sorted({*wish.allow_build, *built}))) if built else wish


def edited(file: LockFile) -> bool:
    """Whether its packages are not those that were written."""
    if not file.digest or file.platform is None:
        return False
    return lock_in(file).digest != file.digest


def lock_in(file: LockFile) -> Lock:
    """The packages of a file that says which platform it is for, as a lock."""
    platform = file.platform
    assert platform is not None
    return Lock(packages=file.wheels(platform), python=platform.python, platform=platform.tag, requirements=())


def _check_platform(file: LockFile, wish: Wish) -> None:
    theirs, ours = file.platform, wish.platform
    if theirs is None:
        return
    if theirs.minor != ours.minor:
        raise LockFileError(
            f"{file.path} is for Python {theirs.minor}, and the image has Python {ours.minor}",
            hint=f"choose the base by --python {theirs.minor}, or {_ANEW}",
        )
    if theirs.machine != ours.machine:
        names = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
        raise LockFileError(
            f"{file.path} is for {names[theirs.machine]}, and the image is for {names[ours.machine]}",
            hint=f"build with --platform {names[theirs.machine]}, or write a lock for each platform",
        )


def _changes(file: LockFile, found: Lock, wish: Wish, *, indexes: bool) -> list[str]:
    """What is not as the file says that it was; where the indexes are counts with `indexes` alone."""
    if file.origin is None or file.platform is None:
        return []
    rows = ["its packages were changed by hand"] if edited(file) else []
    theirs, ours = file.platform, wish.platform
    if theirs != ours:
        rows += platform_changes(theirs.python, ours.python, theirs.tag, ours.tag)
        # The same digest is compared: of the platform it has been told already.
        wish = replace(wish, platform=theirs)
    return rows + changes(file.origin, origin_of(wish), indexes=indexes)


def platform_changes(python: str, now: str, tag: str, tag_now: str) -> list[str]:
    """That a lock was made for another Python or another platform than there is now, in sentences."""
    rows = [f"the base has Python {now}, it had {python}"] if python != now else []
    return rows + ([f"the platform is {tag_now}, it was {tag}"] if tag != tag_now else [])


def unmet(inputs: Inputs, packages: tuple[LockedPackage, ...], platform: Platform) -> Iterator[tuple[Ask, str]]:
    """What of `inputs` the packages do not satisfy, and what is there instead. An address is taken at its word."""
    from packaging.requirements import InvalidRequirement, Requirement

    versions = {package.name: package.version for package in packages}
    # Before there was an mlflow-skinny that it needs, mlflow held the same.
    if "mlflow" in versions:
        versions.setdefault("mlflow-skinny", versions["mlflow"])
    for ask in (*inputs.asks, *inputs.constraints):
        try:
            parsed = Requirement(ask.text)
        except InvalidRequirement:
            continue
        if parsed.marker is not None and not platform.holds(str(parsed.marker)):
            continue
        version = versions.get(ask.name)
        if version is None and ask not in inputs.constraints:
            yield ask, f"it has no {ask.name}"
        elif version is not None and not parsed.url and not _allows(parsed.specifier, version):
            yield ask, f"it has {ask.name} {version}"


def _allows(specifier: SpecifierSet, version: str) -> bool:
    try:
        return specifier.contains(version, prereleases=True)
    except ValueError:  # a number of more digits than Python reads
        return False
