"""The file of credentials that rattler's tools share (`pixi auth login`): one entry a host.

{"*.example.com": {"BearerToken": "..."}, "host": {"BasicHTTP": {"username": "me", "password": "..."}},
 "conda.anaconda.org": {"CondaToken": "..."}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...records import dataclass
from ..netrcs import Login
from ..sendable import sendable, sendable_token

VARIABLE = "RATTLER_AUTH_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the file has for a host: one of the three."""

    login: Login | None = None
    bearer: str = ""
    token: str = ""


def stored_for(host: str, environ: Mapping[str, str]) -> Stored:
    """What the file that RATTLER_AUTH_FILE names, else ~/.rattler/credentials.json, has for `host`.

    An entry `*.example.com` is for that host and all below it; the most exact one counts. Raises UsageError for a named
    file that cannot be read, and for what cannot be sent: nothing of its text is told.
    """
    named = environ.get(VARIABLE, "")
    path = Path(named)
    try:
        path = path.expanduser() if named else Path(environ.get("HOME") or Path.home()) / ".rattler/credentials.json"
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError, RuntimeError):  # the last for the home of nobody
        entries = None
    if not isinstance(entries, dict):
        if not named:
            return Stored()
        raise UsageError(
            f"{VARIABLE} names {path}, which is no file of credentials that can be read",
            hint="`pixi auth login` writes one, or leave the variable out",
        )
    labels = host.split(".")
    for name in (host, *("*." + ".".join(labels[n:]) for n in range(len(labels)))):
        if isinstance(entry := entries.get(name), dict):
            return _stored(entry, str(path))
    return Stored()


def _stored(entry: Mapping[str, Any], source: str) -> Stored:
    basic = entry.get("BasicHTTP")
    if isinstance(basic, dict):
        user, password = (sendable(str(basic.get(name) or ""), source) for name in ("username", "password"))
        return Stored(login=(user, password))
    bearer, token = entry.get("BearerToken"), entry.get("CondaToken")
    return Stored(
        bearer=sendable_token(bearer, source) if isinstance(bearer, str) else "",
        token=sendable_token(token, source) if isinstance(token, str) else "",
    )
