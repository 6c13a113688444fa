"""How the step that fetches conda packages reaches their channels: each with its own credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit, urlunsplit

from ...errors import UsageError
from ...resolver.conda.access import Access, access_of
from ...resolver.conda.types import CondaPackage
from ...resolver.indexes import origin, without_credentials
from ...resolver.netrcs import Login
from .condas import goes_along
from .fetching import Fetching, is_here


def for_channels(
    fetching: Fetching,
    packages: Sequence[CondaPackage],
    *,
    buildkit: bool,
    wheels: str,
    network: str,
    local: bool,
    environ: Mapping[str, str] | None = None,
) -> Fetching:
    """`fetching` with what the channels of `packages` want; the rest is as of `settings_for`.

    UsageError where credentials cannot go along safely, or a channel cannot be reached from the engine.
    """
    env = os.environ if environ is None else environ
    asked: dict[str, Access] = {}
    for package in packages:
        if origin(package.url) is not None and not goes_along(package, wheels):
            channel = _channel(without_credentials(package.url))
            asked.setdefault(channel, access_of(channel, env))
    tokens = {channel for channel, access in asked.items() if access.bearer or access.address != channel}
    if tokens:
        raise UsageError(
            f"the conda channel at {', '.join(sorted(set(map(_host, tokens))))} wants a token, and the build's secrets "
            "hold users and passwords alone",
            hint="--wheels context fetches the packages here and sends them along",
        )
    known = {channel: access.login for channel, access in asked.items() if access.login}
    if known and not buildkit:
        raise UsageError(
            f"the conda channel at {', '.join(sorted(set(map(_host, known))))} wants credentials, and the classic "
            "builder would keep them in the image's history",
            hint="--wheels context fetches the packages here and sends them along, or use BuildKit, which has secrets",
        )
    near = [channel for channel in asked if is_here(channel)]
    if near and not network and not local:
        raise UsageError(
            f"the conda channel at {urlsplit(near[0]).netloc} is on this machine, and the engine is on another",
            hint="--wheels context fetches the packages here and sends them along",
        )
    lines = [_with(channel, login) for channel, login in sorted(known.items())]
    passwords = {form for _, password in known.values() for form in (password, quote(password, safe="")) if form}
    return replace(
        fetching,
        logins="".join(lines),
        network="host" if near and not network else fetching.network,
        hidden=(*fetching.hidden, *sorted(passwords)),
    )


def _channel(url: str) -> str:
    """The address of the channel that has the file at `url`: above the folder of its platform."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rsplit("/", 2)[0], "", ""))


def _host(channel: str) -> str:
    return urlsplit(channel).hostname or ""


def _with(channel: str, login: Login) -> str:
    scheme, _, rest = channel.partition("://")
    user, password = (quote(part, safe="") for part in login)
    return f"{scheme}://{user}:{password}@{rest}/\n"
