"""What is different between two images: packages, files by path, settings, and the layers that they share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..records import dataclass
from .files import File, Files, lay_over
from .inventory import found_inventory, is_kept, variables
from .layers import LayerFiles, read_layer
from .opened import Opened
from .summary import Package, packages_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not the same: `before` is empty for what was added, `after` for what was removed."""

    name: str
    before: str
    after: str

    @property
    def how(self) -> str:
        """`added`, `removed` or `changed`."""
        return "added" if not self.before else "changed" if self.after else "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that is different. `packages` are named by kind and name, `settings` as in the config (`Env.PATH`).

    Files are described by what differs of them. `layers` counts those of both, of the first alone, of the second alone.
    """

    packages: tuple[Change, ...]
    files: tuple[Change, ...]
    settings: tuple[Change, ...]
    layers: tuple[int, int, int]

    @property
    def any(self) -> bool:
        """Whether there is a difference between what the two hold, however it lies in layers."""
        return bool(self.packages or self.files or self.settings)


def differences(one: Opened, other: Opened) -> Differences:
    """Read both images whole, layers that they share once, and compare. BaseImageError, IntegrityError.

    Of two images of the same blobs none is read.
    """
    known: dict[str, LayerFiles] = {}
    equal = [layer.digest for layer in one.layers] == [layer.digest for layer in other.layers]
    first, second = (Files(), Files()) if equal else (_files(one, known), _files(other, known))
    ours, theirs = [layer.diff_id for layer in one.layers], [layer.diff_id for layer in other.layers]
    both = len(set(ours) & set(theirs))
    return Differences(
        packages=tuple(_packages(_listed(first, one), _listed(second, other))),
        files=tuple(_changes(first, second)),
        settings=tuple(_compare(_settings(one.config), _settings(other.config))),
        layers=(both, len(set(ours)) - both, len(set(theirs)) - both),
    )


def _files(opened: Opened, known: dict[str, LayerFiles]) -> Files:
    found = Files()
    for layer in opened.layers:
        if layer.digest not in known:
            known[layer.digest] = read_layer(opened.blobs, layer, keep=is_kept, hashed=lambda _: True)
        lay_over(found, known[layer.digest])
    return found


def _listed(files: Files, opened: Opened) -> list[Package]:
    return packages_of(found_inventory(files, opened.config).components)


def _packages(before: Sequence[Package], after: Sequence[Package]) -> Iterator[Change]:
    """By kind and name; a package may be there in several versions."""

    def versions(packages: Sequence[Package]) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for kind, name, version in packages:
            found.setdefault(f"{kind} {name}", []).append(version)
        return {name: ", ".join(each) for name, each in found.items()}

    yield from _compare(versions(before), versions(after))


def _changes(before: Files, after: Files) -> Iterator[Change]:
    for path in sorted(before.entries.keys() | after.entries.keys()):
        one, other = before.entries.get(path), after.entries.get(path)
        if one == other:
            continue
        if one is None or other is None:
            yield Change(name=f"/{path}", before=_what(one), after=_what(other))
            continue
        facts = [pair for pair in zip(_facts(one), _facts(other), strict=True) if pair[0] != pair[1]]
        told = (", ".join(filter(None, side)) for side in zip(*facts, strict=True))
        yield Change(name=f"/{path}", before=next(told), after=next(told))


def _what(file: File | None) -> str:
    """A file that only one of the two has."""
    if file is None:
        return ""
    return f"{file.size} bytes" if file.kind == "file" else f"link to {file.target}" if file.target else file.kind


def _facts(file: File) -> tuple[str, ...]:
    """What there is to say of a file, in the same places for any."""
    content = f"sha256:{file.sha256[:12]}" if file.kind == "file" else f"to {file.target}" if file.target else ""
    return (file.kind, f"mode {file.mode:o}", f"owner {file.owner[0]}:{file.owner[1]}", f"{file.size} bytes", content)


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            # An empty value is one.
            one, other = (side[name] or '""' if name in side else "" for side in (before, after))
            yield Change(name=name, before=one, after=other)


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Every setting by a name, lists of named values taken apart; neither layers nor history are settings."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if key == "config" and isinstance(value, Mapping):
            for name, inner in value.items():
                found.update(_setting(str(name), variables({"Env": inner}) if name == "Env" else inner))
        elif key not in ("rootfs", "history"):
            found[str(key)] = _text(value)
    return found


def _setting(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {f"{name}.{key}": _text(inner) for key, inner in value.items()}
    return {name: _text(value)} if value not in (None, "", []) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
