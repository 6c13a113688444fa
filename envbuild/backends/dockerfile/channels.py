"""How the step that fetches conda packages reaches their channels: each with the credentials of its own host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

from ...errors import UsageError
from ...resolver.conda.addresses import with_token
from ...resolver.conda.channels import login_of
from ...resolver.conda.types import CondaPackage
from ...resolver.indexes import Origin, origin, without_credentials
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
    hosts: dict[Origin, str] = {}
    for package in packages:
        where = origin(package.url)
        if where is not None and not goes_along(package, wheels):
            hosts.setdefault(where, without_credentials(package.url))
    tokens = {where for package in packages
              if (where := origin(package.url)) in hosts and with_token(package.url, env) != package.url}  # fmt: skip
    if tokens:
        raise UsageError(
            f"the conda channel at {', '.join(sorted({where[1] for where in tokens if where}))} wants a token, and the "
            "build's secrets hold users and passwords alone",
            hint="--wheels context fetches the packages here and sends them along",
        )
    known = {where: login for where, address in hosts.items() if (login := login_of(address, env))}
    if known and not buildkit:
        raise UsageError(
            f"the conda channel at {', '.join(sorted({where[1] for where in known}))} wants credentials, and the "
            "classic builder would keep them in the image's history",
            hint="--wheels context fetches the packages here and sends them along, or use BuildKit, which has secrets",
        )
    near = [address for address in hosts.values() if is_here(address)]
    if near and not network and not local:
        raise UsageError(
            f"the conda channel at {urlsplit(near[0]).netloc} is on this machine, and the engine is on another",
            hint="--wheels context fetches the packages here and sends them along",
        )
    lines = [f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{_bracketed(host)}:{port}/\n"
             for (scheme, host, port), (user, password) in sorted(known.items())]  # fmt: skip
    passwords = {form for _, password in known.values() for form in (password, quote(password, safe="")) if form}
    return replace(
        fetching,
        logins="".join(lines),
        network="host" if near and not network else fetching.network,
        hidden=(*fetching.hidden, *sorted(passwords)),
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
