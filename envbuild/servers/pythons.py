"""Which minor versions of Python images are made with, by server: told before anything is resolved for another one."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ResolveError
from ..facts import load_json
from .types import Server

_OLDEST = "3.9"


def minors() -> Mapping[str, Mapping[str, str]]:
    """By minor version: `released` (day), `eol` (last month with security fixes), `base` (empty for none)."""
    found: Mapping[str, Mapping[str, str]] = load_json("python_versions.json")["minors"]
    return found


def oldest_for(server: Server) -> str:
    """The oldest minor version of Python that images with the server run on."""
    return str(load_json("python_versions.json")["servers"].get(server.name, _OLDEST))


def too_old(server: Server, python: str) -> str:
    """Why no image with the server runs on Python `python` (`3.7`); empty where one does, and for no version."""
    oldest = oldest_for(server)
    if not _numbers(python) or _numbers(python) >= _numbers(oldest):
        return ""
    if server.ladder:
        return f"no version of {server.title} runs on Python {python}: {oldest} is the oldest"
    return f"no image with {server.title} runs on Python {python}: {oldest} is the oldest"


def ways_on(server: Server, python: str) -> str:
    """What helps where the model's Python `python` is too old for the server."""
    return f"{_others(server, python)}log the model anew on a newer Python; --python 3.11 tries it as it is"


def check_python(server: Server, python: str) -> None:
    """Raise ResolveError unless an image with the server runs on Python `python` (`3.11.2`), the base's."""
    minor = ".".join(python.split(".")[:2])
    if why := too_old(server, minor):
        hint = f"{_others(server, minor)}use a base with a newer Python: --base names one, --python 3.11 chooses one"
        raise ResolveError(why, hint=hint)
    newest = list(minors())[-1]
    if _numbers(minor) > _numbers(newest):
        raise ResolveError(
            f"Python {minor} is newer than what images are made with: {newest} is the newest",
            hint=f"use a base with Python {newest} or an older one: --python and --base choose; or a newer envbuild",
        )


def _others(server: Server, python: str) -> str:
    """The servers that do run on that Python, as the beginning of a hint."""
    from . import PROFILES

    names = [one.name for one in PROFILES.values() if one.name != server.name and not too_old(one, python)]
    return "".join(f"--server {name} runs on it; or " for name in names)


def _numbers(minor: str) -> tuple[int, ...]:
    parts = minor.split(".")
    return tuple(map(int, parts[:2])) if len(parts) > 1 and all(part.isdecimal() for part in parts[:2]) else ()
