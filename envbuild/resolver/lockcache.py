"""Locks that were resolved before, under the digest of everything that determined them.

    <cache>/locks/<hex>/lock.json      the finished lock, with the sizes learned; all that is read
    <cache>/locks/<hex>/pylock.toml    what uv gave, for people and other tools

Reading takes neither uv nor a network. A file that is damaged, or of another form, counts as none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..oci.canonical import canonical_json, digest_of
from ..oci.disk import storage_errors
from . import guards
from .ladder import rungs
from .requirements import Inputs
from .target import Platform
from .types import Lock, LockedPackage, Substitution

# Raise it when equal inputs would be resolved otherwise than before, or when lock.json takes another form.
FORMAT = 1


def key_of(inputs: Inputs, platform: Platform, settings: Mapping[str, str], server: str) -> str:
    """The name of the entry: hex. Settings come without credentials; places and notes take no part."""
    return digest_of(
        {
            "format": FORMAT,
            "server": server,
            "requirements": sorted({ask.text for ask in inputs.asks}),
            "constraints": sorted({ask.text for ask in inputs.constraints}),
            "soft": inputs.soft,
            "ladder": [[rung.version, rung.needs] for rung in rungs()] if inputs.ladder else [],
            "guards": guards.revision(),
            "substitutions": sorted([change.old, change.new] for change in inputs.substitutions),
            "python": platform.python,
            "platform": platform.tag,
            "settings": dict(settings),
        }
    ).removeprefix("sha256:")


def read(entry: Path) -> Lock | None:
    """The lock in the folder `entry`, or None. Using it keeps it young."""
    path = entry / "lock.json"
    try:
        document = json.loads(path.read_bytes())
        lock = _lock(document, entry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if document.get("format") != FORMAT or document.get("digest") != lock.digest:
        return None
    with suppress(OSError):
        os.utime(path)
    return lock


def write(entry: Path, lock: Lock, pylock: str) -> Lock:
    """Keep `lock` and the text that it was chosen from; gives it with its entry. Raises StorageError."""
    with storage_errors(entry):
        entry.mkdir(parents=True, exist_ok=True)
        _replace(entry / "pylock.toml", pylock.encode())
        _replace(entry / "lock.json", _document(lock))
    return replace(lock, entry=str(entry))


def remember_sizes(lock: Lock) -> None:
    """Add the sizes of `lock`, which may be a part of what was resolved, to its entry. Never fails."""
    if not lock.entry:
        return
    entry = Path(lock.entry)
    kept = read(entry)
    if kept is None:
        return
    sizes = {package.sha256: package.size for package in lock.packages if package.size}
    packages = tuple(replace(package, size=sizes.get(package.sha256, package.size)) for package in kept.packages)
    if packages != kept.packages:
        with suppress(OSError):
            _replace(entry / "lock.json", _document(replace(kept, packages=packages)))


def _document(lock: Lock) -> bytes:
    document: dict[str, Any] = asdict(lock)
    del document["entry"], document["from_cache"]
    return canonical_json({**document, "format": FORMAT, "digest": lock.digest})


def _lock(document: Mapping[str, Any], entry: Path) -> Lock:
    return Lock(
        packages=tuple(
            LockedPackage(
                name=str(row["name"]),
                version=str(row["version"]),
                filename=str(row["filename"]),
                sha256=str(row["sha256"]),
                size=int(row["size"]),
                url=str(row["url"]),
            )
            for row in document["packages"]
        ),
        python=str(document["python"]),
        platform=str(document["platform"]),
        requirements=tuple(map(str, document["requirements"])),
        substitutions=tuple(
            Substitution(old=str(row["old"]), new=str(row["new"]), why=str(row["why"]))
            for row in document["substitutions"]
        ),
        notes=tuple(map(str, document["notes"])),
        created=str(document["created"]),
        from_cache=True,
        server=str(document["server"]),
        entry=str(entry),
    )


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
