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
    file that cannot be read: nothing of its text is told.
    """
    named = environ.get(VARIABLE, "")
    home = Path(environ.get("HOME") or Path.home())
    path = Path(named).expanduser() if named else home / ".rattler" / "credentials.json"
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
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
            return _stored(entry)
    return Stored()


def _stored(entry: Mapping[str, Any]) -> Stored:
    basic = entry.get("BasicHTTP")
    if isinstance(basic, dict):
        return Stored(login=(str(basic.get("username") or ""), str(basic.get("password") or "")))
    bearer, token = entry.get("BearerToken"), entry.get("CondaToken")
    return Stored(
        bearer=bearer if isinstance(bearer, str) else "",
        token=token if isinstance(token, str) else "",
    )
