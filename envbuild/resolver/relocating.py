"""Where the wheels of a lock that names no addresses can be had: the indexes of this machine are asked, by hash."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from ..errors import ResolveError
from .pylock import parse_toml
from .target import Platform, platform_named
from .torch import builds_of
from .types import Lock, LockedPackage

_LISTED = 3
# A package's canonical name, and the sha256 (hex) of its wheel: the same file under another name is another package.
_Wheel = tuple[str, str]


def relocated(lock: Lock, wanted: Sequence[str], *, cache: Path, tick: Callable[[], object] = lambda: None) -> Lock:
    """The part of `lock` whose wheels have these sha256 (hex), with addresses.

    `cache` is uv's own folder, `tick` is called while it is at work. ResolveError where no index has a wheel of that
    hash, NetworkError where none answers.
    """
    from .explain import error_of
    from .requirements import Inputs
    from .uv import compile_lock

    platform = _platform(lock)
    packages = [package for package in lock.packages if package.sha256 in wanted]
    requirements = [f"{package.name}=={package.version}" for package in packages]
    builds, labelled = builds_of(packages, os.environ)
    answer = compile_lock(
        requirements,
        (),
        platform,
        cache=cache,
        dependencies=False,
        builds=builds,
        from_builds=labelled if builds is not None and builds.index else (),
        tick=tick,
    )
    if not answer.solved:
        error = error_of(answer, Inputs(asks=()), platform)
        if not isinstance(error, ResolveError):
            raise error  # no index answered, or the disk is full: that says nothing of the packages
        raise ResolveError(
            "the index does not have the packages that the image was made from",
            hint="name the index that it was built with (UV_DEFAULT_INDEX, UV_INDEX), or a folder with the wheels "
            "(UV_FIND_LINKS)",
            explanation=answer.explanation,
            python=lock.python,
            platform=lock.platform,
        )
    known = _addresses(answer.lock)
    lacking = [package.filename for package in packages if _wheel(package) not in known]
    if lacking:
        names = ", ".join(lacking[:_LISTED]) + (f" and {len(lacking) - _LISTED} more" if lacking[_LISTED:] else "")
        raise ResolveError(
            f"no index has {names} with the hash that the image names",
            hint="name the index that it was built with (UV_DEFAULT_INDEX, UV_INDEX), or a folder with the wheels "
            "(UV_FIND_LINKS)",
        )
    return replace(lock, packages=tuple(_with_address(package, known) for package in packages))


def _with_address(package: LockedPackage, known: Mapping[_Wheel, str]) -> LockedPackage:
    return replace(package, url=known[_wheel(package)])


def _wheel(package: LockedPackage) -> _Wheel:
    return canonicalize_name(package.name), package.sha256


def _addresses(text: str) -> dict[_Wheel, str]:
    """The address of every wheel in a pylock.toml."""
    found: dict[_Wheel, str] = {}
    listed: Any = parse_toml(text).get("packages", ())
    for package in listed:
        name, archive = canonicalize_name(str(package.get("name", ""))), package.get("archive")
        for wheel in (*package.get("wheels", ()), *((archive,) if archive else ())):
            sha256, url = wheel.get("hashes", {}).get("sha256"), wheel.get("url")
            if not url and wheel.get("path"):
                url = Path(wheel["path"]).absolute().as_uri()
            if sha256 and url:
                found.setdefault((name, sha256), url)
    return found


def _platform(lock: Lock) -> Platform:
    """That of the lock's own wheels. ResolveError for what is none."""
    found = platform_named(lock.platform, lock.python)
    if found is None:
        raise ResolveError(
            f"the image's packages are for {lock.platform!r}, which is no platform", hint="is the image whole?"
        )
    return found
