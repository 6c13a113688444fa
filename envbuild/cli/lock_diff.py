"""`envbuild diff` of two lock files: what a change of packages is, as a person tells it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from ..resolver.lockdiff import LockDifferences, PackageChange
    from .terminal import Terminal

_SIGNS = {
    "added": ("green", "+"),
    "removed": ("red", "-"),
    "upgraded": ("green", "^"),
    "downgraded": ("yellow", "v"),
    "refiled": ("yellow", "~"),
}


def locks_of(one: str, other: str) -> tuple[Path, Path] | None:
    """The lock files that both stand for, or None where neither does. UsageError where one of them does."""
    names = one, other
    paths = [_file(name) for name in names]
    kinds = [_kind(path) for path in paths]
    for name, path, kind in zip(names, paths, kinds, strict=True):
        if kind and not path.exists():
            raise UsageError(f"there is no file {name}", hint="name two locks that are there (pylock.toml)")
    if all(kinds) and kinds[0] != kinds[1]:
        raise UsageError(
            f"{paths[0]} and {paths[1]} are locks of two kinds", hint="compare two pylock.toml, or two conda-lock.yml"
        )
    if any(kinds) and not all(kinds):
        lock, image = (paths[0], other) if kinds[0] else (paths[1], one)
        raise UsageError(
            f"{lock} is a lock file, and {image} is none",
            hint="compare two images, or two locks (pylock.toml, conda-lock.yml)",
        )
    return (paths[0], paths[1]) if all(kinds) else None


def _file(name: str) -> Path:
    """The path, or the lock in it for a folder that `lock -o` wrote to. UsageError for one that has two."""
    from ..model.conda_way import LOCK_NAME

    path = Path(name)
    if not path.is_dir() or (path / "oci-layout").exists():
        return path
    there = [each for each in (path / "pylock.toml", path / LOCK_NAME) if each.is_file()]
    if len(there) > 1:
        raise UsageError(f"{name} has a {there[0].name} and a {there[1].name}", hint="name one of the two files")
    return there[0] if there else path


def _kind(path: Path) -> str:
    """`conda` or `pip` for a lock file by its name, empty for anything else."""
    from ..model.conda_way import is_conda_lock

    if path.exists() and not path.is_file():
        return ""
    return "conda" if is_conda_lock(path) else "pip" if path.suffix == ".toml" else ""


def diff_locks(one: Path, other: Path, *, as_json: bool) -> int:
    """Print what is different between the lock files; 1 if anything is. Raises LockFileError."""
    from ..resolver.lockdiff import conda_differences, lock_differences
    from ..resolver.lockfile import read_lockfile
    from .result import say_json
    from .terminal import say, terminal

    if _kind(one) == "conda":
        from ..resolver.conda.lockrows import rows_of
        from ..resolver.conda.madefor import made_for

        files = one, other
        (before, after), made = (rows_of(file)[0] for file in files), [made_for(file) for file in files]
        origins = [each.origin if each is not None else None for each in made]
        found = conda_differences(before, after, (origins[0], origins[1]))
    else:
        found = lock_differences(read_lockfile(one), read_lockfile(other))
    if as_json:
        say_json(_document(found, str(one), str(other)))
    else:
        say("\n".join(_lines(found, terminal(sys.stdout))))
    return 1 if found.any else 0


def _document(found: LockDifferences, one: str, other: str) -> dict[str, Any]:
    return {
        "a": {"path": one},
        "b": {"path": other},
        "same": not found.any,
        "settings": [{"name": name, "before": old or None, "after": new or None} for name, old, new in found.facts],
        "packages": [
            {"name": each.name, "how": each.how, "before": each.before or None, "after": each.after or None}
            for each in found.packages
        ],
    }


def _lines(found: LockDifferences, out: Terminal) -> Iterator[str]:
    from .images import clean

    if not found.any:
        yield "no difference in packages, Python, platform, base or server"
    for name, old, new in found.facts:
        # The digests differ in their first digits.
        old, new = (text[:19] if name == "base digest" else text for text in (old, new))
        yield f"{out.style('bold', name)}  {clean(old or 'not named')} -> {clean(new or 'not named')}"
    if found.packages:
        yield from [""] if found.facts else []
        counts = {how: sum(each.how == how for each in found.packages) for how in _SIGNS}
        told = ", ".join(f"{count} {_named(how)}" for how, count in counts.items() if count)
        yield out.style("bold", f"packages: {told}")
        for how, (style, sign) in _SIGNS.items():
            for each in found.packages:
                if each.how == how:
                    yield out.style(style, f"{sign} {clean(each.name)}") + f"  {clean(_versions(each))}"


def _named(how: str) -> str:
    return "with other files" if how == "refiled" else how


def _versions(change: PackageChange) -> str:
    if change.how == "refiled":
        return f"{change.after}, another file"
    return f"{change.before} -> {change.after}" if change.before and change.after else change.before or change.after
