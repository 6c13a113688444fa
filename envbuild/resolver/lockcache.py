"""Locks that were resolved before, under the digest of everything that determined them.

    <cache>/locks/<hex>/lock.json      the finished lock, with the sizes learned; all that is read
    <cache>/locks/<hex>/pylock.toml    what uv gave, for people and other tools
    <cache>/locks/<hex>/none           in their place: there is no solution
    <cache>/locks/<hex>/unbuilt        in their place: a build failed, which may go well on another base or machine

Reading takes neither uv nor a network. A file that is damaged, or of another form, counts as none.

Models that ask for the same share an entry, though they ask in other lines. The notes of a lock name such places in
brackets behind what was asked, `mlflow==2.9.2 (conda.yaml:9)`; whoever reads it is told its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..facts import load_json
from ..model.redact import without_secret_queries
from ..oci.canonical import canonical_json, digest_of
from ..oci.disk import storage_errors
from . import guards
from .requirements import Ask, Inputs
from .target import Platform
from .types import Lock, LockedPackage, Source, Substitution

# Raise it when equal inputs would be resolved otherwise than before, or when lock.json takes another form.
FORMAT = 2
_LONGEST = 1000
_NONE = ("none", "unbuilt")
# Where something was asked, of which kind it is, and its text.
_Place = tuple[str, str, str]


def key_of(inputs: Inputs, platform: Platform, settings: Mapping[str, str], server: str) -> str:
    """The name of the entry: hex. Settings come without credentials; places and notes take no part."""
    return digest_of(
        {
            "format": FORMAT,
            "server": server,
            "requirements": sorted({ask.kept for ask in inputs.asks}),
            "constraints": sorted({ask.text for ask in inputs.constraints}),
            "soft": inputs.soft,
            # With another table the same requirements may be resolved otherwise, or other notes be made of it.
            "ladder": digest_of(load_json("server_ladder.json")) if inputs.ladder else "",
            "guards": guards.revision(),
            "substitutions": sorted([change.old, change.new] for change in inputs.substitutions),
            "python": platform.python,
            "platform": platform.tag,
            "settings": dict(settings),
            **({"own_lock": inputs.own_lock} if inputs.own_lock else {}),
            **({"provided": [list(pair) for pair in inputs.provided]} if inputs.provided else {}),
        }
    ).removeprefix("sha256:")


def read(entry: Path, inputs: Inputs) -> Lock | None:
    """The lock in the folder `entry` for `inputs`, whose key names it, or None. Using it keeps it young."""
    found = _load(entry)
    if found is None:
        return None
    with suppress(OSError):
        os.utime(entry / "lock.json")
    lock, places = found
    return replace(lock, notes=_told(lock.notes, places, inputs))


def write(entry: Path, lock: Lock, pylock: str, inputs: Inputs) -> Lock:
    """Keep `lock` and the text that it was chosen from, for `inputs`; gives it with its entry. Raises StorageError."""
    with storage_errors(entry):
        entry.mkdir(parents=True, exist_ok=True)
        _replace(entry / "pylock.toml", without_secret_queries(pylock).encode())
        _replace(entry / "lock.json", _document(lock, _places(lock.notes, inputs)))
    return replace(lock, entry=str(entry))


def note_none(entry: Path, why: str, *, unbuilt: bool = False) -> None:
    """Note why there is no lock of what `entry` stands for, so that none is looked for each time. Never fails.

    `unbuilt` says that a build failed, and that it holds only where nothing can be built.
    """
    with suppress(OSError):
        entry.mkdir(parents=True, exist_ok=True)
        (entry / _NONE[unbuilt]).write_text(why, encoding="utf-8")


def none_noted(entry: Path, *, unbuilt: bool = False) -> str:
    """What was noted of why there is none, if no lock was found since; else empty. `unbuilt`: builds count too."""
    if (entry / "lock.json").exists():
        return ""
    for name in _NONE[: 1 + unbuilt]:
        with suppress(OSError):
            return (entry / name).read_text(encoding="utf-8", errors="replace")[:_LONGEST]
    return ""


def remember_sizes(lock: Lock) -> None:
    """Add the sizes of `lock`, which may be a part of what was resolved, to its entry. Never fails."""
    if not lock.entry:
        return
    entry = Path(lock.entry)
    found = _load(entry)
    if found is None:
        return
    kept, places = found
    sizes = {package.sha256: package.size for package in lock.packages if package.size}
    packages = tuple(replace(package, size=sizes.get(package.sha256, package.size)) for package in kept.packages)
    if packages != kept.packages:
        with suppress(OSError):
            _replace(entry / "lock.json", _document(replace(kept, packages=packages), places))


def _asked(inputs: Inputs) -> Iterator[tuple[str, Ask]]:
    """All that is asked, and of which kind; by kind and text it is the same for whoever shares the key."""
    for kind, asks in (("ask", inputs.asks), ("constraint", inputs.constraints)):
        for ask in asks:
            yield kind, ask


def _places(notes: Iterable[str], inputs: Inputs) -> list[_Place]:
    """What stands at the places that `notes` name."""
    rows = {(ask.where, kind, ask.kept) for kind, ask in _asked(inputs)}
    return sorted(row for row in rows if any(f"({row[0]})" in note for note in notes))


def _told(notes: tuple[str, ...], places: Iterable[_Place], inputs: Inputs) -> tuple[str, ...]:
    """`notes` with the places at which `inputs` asks for the same; without one that has become several."""
    here: dict[tuple[str, str], list[str]] = {}
    for kind, ask in _asked(inputs):
        here.setdefault((kind, ask.kept), []).append(ask.where)
    now: dict[str, set[str]] = {}
    for where, kind, text in places:
        found = here.get((kind, text), [])
        now.setdefault(where, set()).add(where if where in found else (found or [""])[-1])
    if not now:
        return notes
    # The longest first, and all at once: one's new place may be another's old one.
    named = re.compile("|".join(re.escape(f" ({where})") for where in sorted(now, key=len, reverse=True)))

    def put(match: re.Match[str]) -> str:
        found = now[match[0][2:-1]]
        only = next(iter(found)) if len(found) == 1 else ""
        return f" ({only})" if only else ""

    return tuple(named.sub(put, note) for note in notes)


def _load(entry: Path) -> tuple[Lock, list[_Place]] | None:
    """The lock as it was written, and what stood at the places in its notes; None where there is none."""
    try:
        document = json.loads((entry / "lock.json").read_bytes())
        lock = _lock(document, entry)
        places = [(str(where), str(kind), str(text)) for where, kind, text in document["places"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if document.get("format") != FORMAT or document.get("digest") != lock.digest:
        return None
    return lock, places


def _document(lock: Lock, places: Iterable[_Place]) -> bytes:
    # Conda's part is kept by itself: what pip brings depends on the Python packages in it alone.
    document: dict[str, Any] = asdict(replace(lock, conda=()))
    for row in document["packages"]:
        for found in filter(None, (row, row["source"])):
            found["url"] = without_secret_queries(found["url"])
    del document["entry"], document["from_cache"], document["conda"]
    return canonical_json({**document, "format": FORMAT, "digest": lock.digest, "places": [*map(list, places)]})


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
                source=Source(**row["source"]) if row.get("source") else None,
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
