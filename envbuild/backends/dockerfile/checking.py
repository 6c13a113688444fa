"""Whether a built image says of itself what was planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_PLAIN = ("User", "WorkingDir", "StopSignal")
_UNSET = {"WorkingDir": "/"}  # what BuildKit writes for a working directory that nobody set
_LISTS = ("Entrypoint", "Cmd")
_TABLES = ("Labels", "ExposedPorts")


def differences(planned: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What the image's config lacks or has otherwise, a sentence each: `User is 'root', planned was '65532'`.

    `planned` is a whole image config, `found` the engine's description of the image. What the image has beyond the
    plan is no difference: a builder and a template may add labels and variables.
    """
    want: Mapping[str, Any] = planned.get("config") or {}
    have: Mapping[str, Any] = found.get("Config") or {}
    told = [
        _sentence("architecture", found.get("Architecture"), planned.get("architecture")),
        *(
            _sentence(name, have.get(name) or _UNSET.get(name, ""), want.get(name) or _UNSET.get(name, ""))
            for name in _PLAIN
        ),
        *(_sentence(name, list(have.get(name) or ()), list(want.get(name) or ())) for name in _LISTS),
        _sentence("Healthcheck", _check(have.get("Healthcheck")), _check(want.get("Healthcheck"))),
    ]
    is_now, should = _variables(have.get("Env")), _variables(want.get("Env"))
    told += [_sentence(f"the variable {name}", is_now.get(name), value) for name, value in should.items()]
    for table in _TABLES:
        rows = have.get(table) or {}
        told += [_sentence(f"{table} {name}", rows.get(name), value) for name, value in (want.get(table) or {}).items()]
    return [sentence for sentence in told if sentence]


def _sentence(what: str, now: Any, planned: Any) -> str:
    if now == planned:
        return ""
    return f"{what} is missing" if now is None else f"{what} is {now!r}, planned was {planned!r}"


def _check(value: Any) -> dict[str, Any]:
    """A health check without the settings that are not set, which engines write as zeros."""
    return {name: part for name, part in (value or {}).items() if part}


def _variables(entries: Iterable[str] | None) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in entries or ())
