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


def setting_differences(
    image: Mapping[str, Any], rebuilt: Mapping[str, Any], recorded: Recorded, *, history: bool = True
) -> tuple[SettingDifference, ...]:
    """Every setting that differs, in the order of the config. `history` tells that both have every layer."""
    found = {one.name: one for one in _compared(flat(image), flat(rebuilt))}
    if history and not found and image.get("history") != rebuilt.get("history"):
        found["history"] = SettingDifference(
            name="history", image=_text(image.get("history")), rebuilt=_text(rebuilt.get("history"))
        )
    for one in _given(flat(image), recorded):
        found.setdefault(one.name, one)
    return tuple(found.values())


def flat(config: Mapping[str, Any]) -> dict[str, str]:
    """Every setting by a name, tables and variables taken apart: `Env.PATH`, `Labels.team`."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if key in _LEFT_OUT:
            continue
        if key != "config" or not isinstance(value, Mapping):
            found[key] = _text(value)
            continue
        for name, inner in value.items():
            found.update(_setting(name, inner))
    return found


def _setting(name: str, value: Any) -> dict[str, str]:
    if name == "Env" and isinstance(value, list):
        pairs = [str(entry).partition("=")[::2] for entry in value]
        return {**{f"Env.{key}": text for key, text in pairs}, "Env (order)": " ".join(key for key, _ in pairs)}
    if isinstance(value, Mapping):
        return {f"{name}.{key}": _text(inner) for key, inner in value.items()}
    return {name: _text(value)}


def _compared(image: Mapping[str, str], rebuilt: Mapping[str, str]) -> Iterator[SettingDifference]:
    for name in (*rebuilt, *(name for name in image if name not in rebuilt)):
        if image.get(name) != rebuilt.get(name):
            yield SettingDifference(name=name, image=image.get(name), rebuilt=rebuilt.get(name))


def _given(image: Mapping[str, str], recorded: Recorded) -> Iterator[SettingDifference]:
    """What was asked for, and has another value now."""
    for table, hashes in (("Env", recorded.env), ("Labels", recorded.labels)):
        for key, expected in hashes.items():
            value = image.get(f"{table}.{key}")
            if value is None or hash_of(value) != expected:
                yield SettingDifference(
                    name=f"{table}.{key}", image=value, rebuilt=f"(the value with the hash sha256:{expected})"
                )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
