"""How channels are asked: with the credentials of their own host, and a cache that holds none of them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from .extras import extras

if TYPE_CHECKING:
    from rattler import Channel, Gateway

CREDENTIALS = "ENVBUILD_CONDA_CREDENTIALS"
"""Addresses with user and password, `https://user:password@host/channel`, with blanks between: they add no channel."""
_RETRIES = 2
_ALIAS = "https://conda.anaconda.org"
Login = tuple[str, str]


def addresses(channels: Sequence[str]) -> list[Channel]:
    """The channels as rattler's."""
    with extras("choosing conda packages"):
        from rattler import Channel

    return [Channel(channel) for channel in channels]


def gateway(channels: Sequence[str], cache: Path, environ: Mapping[str, str] | None = None) -> Gateway:
    """Asks for the lists of packages, and keeps them in the folder `cache`.

    What it sends along goes to the host of a channel alone, and below that channel's own path.
    """
    with extras("choosing conda packages"):
        from rattler import Client, Gateway
        from rattler.networking.middleware import AddHeadersMiddleware, RetryMiddleware

    known = {
        (parts.hostname or "", parts.path.rstrip("/")): login
        for channel in channels
        if (parts := urlsplit(channel)).scheme in ("http", "https")
        and (login := login_of(channel, os.environ if environ is None else environ))
    }

    def headers(host: str, path: str) -> dict[str, str]:
        for (where, below), (user, password) in known.items():
            if host == where and path.startswith(f"{below}/"):
                text = base64.b64encode(f"{user}:{password}".encode()).decode()
                return {"Authorization": f"Basic {text}"}
        return {}

    retry = RetryMiddleware(_RETRIES)
    client = Client([retry, AddHeadersMiddleware(headers)] if known else [retry], user_agent="envbuild")
    return Gateway(cache_dir=cache, client=client)


def login_of(address: str, environ: Mapping[str, str]) -> Login | None:
    """User and password for an http or https address: the environment's, else those of ~/.netrc or NETRC."""
    from ..indexes import origin

    where = origin(address)
    if where is None:
        return None
    if where in (found := logins(environ)):
        return found[where]
    from requests.utils import get_netrc_auth

    auth = get_netrc_auth(address)
    return (auth[0], auth[1]) if auth and auth[0] is not None and auth[1] is not None else None


def logins(environ: Mapping[str, str]) -> dict[tuple[str, str, int], Login]:
    """What ENVBUILD_CONDA_CREDENTIALS holds, by scheme, host and port."""
    from ..indexes import origin

    found: dict[tuple[str, str, int], Login] = {}
    for entry in environ.get(CREDENTIALS, "").split():
        where = origin(entry)
        if where is None:
            continue
        parts = urlsplit(entry)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if user or password:
            found.setdefault(where, (user, password))
    return found


def shown(channel: str) -> str:
    """What people call a channel: `conda-forge` for its address at conda.anaconda.org."""
    return channel.rstrip("/").removeprefix(f"{_ALIAS}/")
