"""How channels are asked: with the credentials of their own host, and a cache that holds none of them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ...errors import ResolveError
from .addresses import CREDENTIALS, public, with_token
from .extras import extras

if TYPE_CHECKING:
    from rattler import Channel, Gateway

_RETRIES = 2
_SECONDS = 120  # for one answer, whole
_ALIAS = "https://conda.anaconda.org"
Login = tuple[str, str]


def addresses(channels: Sequence[str], environ: Mapping[str, str] | None = None) -> list[Channel]:
    """The channels as rattler's, by their addresses with the tokens that the environment has for them."""
    with extras("choosing conda packages"):
        from rattler import Channel

    known = os.environ if environ is None else environ
    named = [Channel(channel).base_url.rstrip("/") for channel in channels]
    return [Channel(with_token(address, known)) for address in named]


def gateway(channels: Sequence[str], cache: Path, environ: Mapping[str, str] | None = None) -> Gateway:
    """Asks for the lists of packages, and keeps them in the folder `cache`.

    `channels` are addresses. What it sends along goes to the host of a channel alone, and below that channel's own
    path. Raises ResolveError where it would go to another channel too.
    """
    with extras("choosing conda packages"):
        from rattler import Client, Gateway
        from rattler.networking.middleware import AddHeadersMiddleware, RetryMiddleware

    known = _known(channels, os.environ if environ is None else environ)

    def headers(host: str, path: str) -> dict[str, str]:
        for (where, below), login in known.items():
            if host == where and path.startswith(f"{below}/") and login:
                text = base64.b64encode(":".join(login).encode()).decode()
                return {"Authorization": f"Basic {text}"}
        return {}

    client = Client([RetryMiddleware(_RETRIES), AddHeadersMiddleware(headers)], user_agent="envbuild", timeout=_SECONDS)
    return Gateway(cache_dir=cache, client=client)


def _known(channels: Sequence[str], environ: Mapping[str, str]) -> dict[tuple[str, str], Login | None]:
    """The login of each channel on a web server, by host and path: rattler tells no more of what it asks for.

    Raises ResolveError for two that differ by scheme or port alone, and in their login.
    """
    web = [channel for channel in channels if urlsplit(channel).scheme in ("http", "https")]
    found: dict[tuple[str, str], Login | None] = {}
    for channel in web:
        parts, login = urlsplit(channel), login_of(channel, environ)
        here = (parts.hostname or "", parts.path.rstrip("/"))
        for (host, path), other in found.items():
            one_below = f"{path}/".startswith(f"{here[1]}/") or f"{here[1]}/".startswith(f"{path}/")
            if host == here[0] and one_below and other != login:
                raise ResolveError(
                    f"the channels {' and '.join(map(public, web))} lie at one host, and the credentials of one would "
                    "go to the other",
                    hint="give both the same credentials, or leave one of the channels out",
                )
        found[here] = login
    return found


def login_of(address: str, environ: Mapping[str, str]) -> Login | None:
    """User and password for an http or https address: the environment's, else those of ~/.netrc or NETRC."""
    from ..indexes import origin

    where = origin(address)
    if where is None:
        return None
    if where in (found := logins(environ)):
        return found[where]
    return _of_netrc(where[1], environ)


def _of_netrc(host: str, environ: Mapping[str, str]) -> Login | None:
    """The login of ~/.netrc, or the file that NETRC names, for a host that it names: its `default` is for nobody.

    A model chooses its channels, and an entry for all hosts would go to any that it names.
    """
    import netrc

    path = Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc").expanduser()
    try:
        found = netrc.netrc(str(path)).hosts.get(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    return (found[0] or found[1] or "", found[2] or "") if found and host != "default" else None


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
