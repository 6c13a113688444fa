"""How the config of an image differs from that of the one made anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..planner.record import hash_of
from .record import Recorded
from .types import SettingDifference

# Layers are compared by themselves.
_LEFT_OUT = ("rootfs", "history")

Place = tuple[str, ...]
"""Where a setting is in the config, key by key: no name that somebody chooses can stand for another."""


def setting_differences(
    image: Mapping[str, Any], rebuilt: Mapping[str, Any], recorded: Recorded, *, history: bool = True
) -> tuple[SettingDifference, ...]:
    """Every setting that differs, in the order of the config. `history` tells that both have every layer."""
    theirs, ours = flat(image), flat(rebuilt)
    found = {place: _difference(place, theirs, ours) for place in _differing(theirs, ours)}
    if history and not found:
        for key in _LEFT_OUT:
            if _typed(image.get(key)) != _typed(rebuilt.get(key)):
                found[key,] = SettingDifference(name=key, image=_text(image.get(key)), rebuilt=_text(rebuilt.get(key)))
    for place, one in _given(theirs, recorded):
        found.setdefault(place, one)
    return tuple(found.values())


def flat(config: Mapping[str, Any]) -> dict[Place, Any]:
    """Every setting by its place, tables and variables taken apart: `("config", "Env", "PATH")`.

    The names of the variables in their order are at `("config", "Env")`.
    """
    found: dict[Place, Any] = {}
    for key, value in config.items():
        if key in _LEFT_OUT:
            continue
        if key != "config" or not isinstance(value, Mapping):
            found[key,] = value
            continue
        for name, inner in value.items():
            found.update(_setting(("config", name), inner))
    return found


def _setting(place: Place, value: Any) -> dict[Place, Any]:
    if place[-1] == "Env" and isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        pairs = [entry.partition("=") for entry in value]
        # A name alone is no name with an empty value.
        return {
            **{(*place, key): text if sign else None for key, sign, text in pairs},
            place: [key for key, *_ in pairs],
        }
    if isinstance(value, Mapping) and value:
        return {(*place, key): inner for key, inner in value.items()}
    return {place: value}


def _differing(image: Mapping[Place, Any], rebuilt: Mapping[Place, Any]) -> Iterator[Place]:
    for place in (*rebuilt, *(place for place in image if place not in rebuilt)):
        if (place in image) != (place in rebuilt) or _typed(image.get(place)) != _typed(rebuilt.get(place)):
            yield place


def _difference(place: Place, image: Mapping[Place, Any], rebuilt: Mapping[Place, Any]) -> SettingDifference:
    theirs, ours = (_text(one[place]) if place in one else None for one in (image, rebuilt))
    if theirs == ours:  # "1" is not 1
        theirs, ours = _typed(image.get(place)), _typed(rebuilt.get(place))
    return SettingDifference(name=_name(place), image=theirs, rebuilt=ours)


def _name(place: Place) -> str:
    """`Env.PATH`; what lies elsewhere than it seems is named with its whole place."""
    if len(place) == 3:
        return ".".join(place[1:])
    if place == ("config", "Env"):
        return "Env (order)"
    if place[0] == "config" and len(place) == 2 and "." not in place[1]:
        return place[1]
    return place[0] if len(place) == 1 and place[0][:1].islower() else json.dumps(place, ensure_ascii=False)


def _given(image: Mapping[Place, Any], recorded: Recorded) -> Iterator[tuple[Place, SettingDifference]]:
    """What was asked for, and has another value now."""
    for table, hashes in (("Env", recorded.env), ("Labels", recorded.labels)):
        for key, expected in hashes.items():
            place = ("config", table, key)
            value = image.get(place)
            if not isinstance(value, str) or hash_of(value) != expected:
                yield (
                    place,
                    SettingDifference(
                        name=_name(place),
                        image=None if value is None else _text(value),
                        rebuilt=f"(the value with the hash sha256:{expected})",
                    ),
                )


def _typed(value: Any) -> str:
    """The value as JSON, which tells a text from a number or a list, and true from 1."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _typed(value)
