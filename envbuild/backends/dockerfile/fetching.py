"""How the step that fetches packages reaches an index: with the settings that resolved them, and none of pip's own.

uv resolves here and pip fetches inside the build, so what uv was told is told to pip. pip's variables
(PIP_INDEX_URL and the like) play no part: a lock that was resolved at one index is not fetched from another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from ...errors import UsageError
from ...options import PYTORCH_INDEX
from ...resolver.indexes import Origin, credentials, origin, origins, without_credentials
from ...resolver.netrcs import login_for

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_BUNDLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_PIP_INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What the build is given so that it may fetch packages.

    `args` are build arguments, whose values may hold a proxy's password; `pip_conf` the text of a secret, empty for
    none, `logins` that of another, for conda channels; `ca` a file of certificates; `network` is `host` where an index,
    a channel or a proxy listens on this machine alone;
    `hidden` must never be shown.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    pip_conf: str = ""
    logins: str = ""
    ca: Path | None = None
    network: str = ""
    notes: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def settings_for(
    *, buildkit: bool, wheels: str, network: str, local: bool, environ: Mapping[str, str] | None = None
) -> Fetching:
    """The settings of the person's environment for a build, or UsageError where they cannot go along safely.

    `wheels` is `index` or `context`, `network` what was asked for the build; `local` tells that the engine is on
    this machine.
    """
    env = os.environ if environ is None else environ
    proxies = {name: env[name] for upper in PROXIES for name in (upper, upper.lower()) if env.get(name)}
    if wheels != "index":
        return Fetching(args=proxies, hidden=tuple(_passwords(proxies.values())))
    known = {**_netrc(env), **credentials(env)}
    main = _address(env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or "")
    extra = [_address(text) for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL") for text in env.get(name, "").split()]
    # Builds of torch are fetched by their address; what pip knows as an index, it logs in to.
    extra += [_address(text) for text in env.get(PYTORCH_INDEX, "").split()]
    links = [_address(text) for text in re.split(r"[\s,]+", env.get("UV_FIND_LINKS", "")) if text]
    # What lies on this machine is sent along with the context, not asked for.
    remote = {text: where for text in (main, *extra, *links) if (where := origin(text)) is not None}
    private = {where: known[where] for where in remote.values() if where in known}
    if private and not buildkit:
        hosts = ", ".join(sorted({where[1] for where in private}))
        raise UsageError(
            f"the package index at {hosts} wants credentials, and the classic builder would keep them in the image's "
            "history",
            hint="--wheels context fetches the packages here and sends them along, or use BuildKit, which has secrets",
        )
    if not buildkit and any(text in remote for text in links):
        raise UsageError(
            "UV_FIND_LINKS names a page, which the classic builder cannot be told of",
            hint="--wheels context fetches the packages here and sends them along, or use BuildKit",
        )
    addresses = {text: _with(text, private.get(where)) for text, where in remote.items()}
    trusted = sorted(
        {*env.get("UV_INSECURE_HOST", "").split(), *(urlsplit(text).netloc.rpartition("@")[2] for text in remote
                                                     if urlsplit(text).scheme == "http")}
    )  # fmt: skip
    settings = {
        "index-url": [addresses[main]] if main in addresses else [],
        "extra-index-url": [addresses[text] for text in dict.fromkeys(extra) if text in addresses],
        "find-links": [addresses[text] for text in dict.fromkeys(links) if text in addresses],
        "trusted-host": trusted,
    }
    args = {} if buildkit else {f"PIP_{k.upper().replace('-', '_')}": " ".join(v) for k, v in settings.items() if v}
    bundle, bundle_notes = _bundle(env)
    near = [text for text in (*remote, *_reached(proxies)) if is_here(text)]
    if near and not network and not local:
        raise UsageError(
            f"{without_credentials(near[0])} is on this machine, and the engine is on another",
            hint="--wheels context fetches the packages here and sends them along",
        )
    notes = [*bundle_notes, *_ignored(env)]
    if near and not network:
        notes.append(f"{without_credentials(near[0])} is on this machine, so the build uses the host's network")
    return Fetching(
        args={**args, **proxies},
        pip_conf=_pip_conf(settings) if buildkit else "",
        ca=bundle,
        network="host" if near and not network else "",
        notes=tuple(notes),
        hidden=tuple(
            {
                *_passwords(proxies.values()),
                *(form for _, password in private.values() for form in (password, quote(password, safe=""))),
            }
        ),
    )


def _address(text: str) -> str:
    """The address of `name=https://host/simple`, without the credentials that are kept apart."""
    match = re.match(r"[\w.-]+=(\w+://.*)", text.strip())
    return without_credentials(match[1] if match else text.strip())


def _with(address: str, account: tuple[str, str] | None) -> str:
    if account is None:
        return address
    scheme, _, rest = address.partition("://")
    user, password = (quote(part, safe="") for part in account)
    return f"{scheme}://{user}:{password}@{rest}" if password else f"{scheme}://{user}@{rest}"


def _pip_conf(settings: Mapping[str, list[str]]) -> str:
    lines = [
        f"{name} =\n" + "".join(f"    {value}\n" for value in values) for name, values in settings.items() if values
    ]
    return "[global]\n" + "".join(lines) if lines else ""


def _netrc(env: Mapping[str, str]) -> dict[Origin, tuple[str, str]]:
    """The accounts of ~/.netrc, which uv reads too, for the origins that the index variables name."""
    found = {where: login_for(where[1], env, named=True) for where in origins(env)}
    return {where: login for where, login in found.items() if login}


def _bundle(env: Mapping[str, str]) -> tuple[Path | None, list[str]]:
    notes: list[str] = []
    for name in _BUNDLES:
        if not env.get(name):
            continue
        path = Path(env[name])
        if path.is_file():
            return path, notes
        notes.append(f"{name} names no file ({path}), so the build goes without those certificates")
    return None, notes


def _ignored(env: Mapping[str, str]) -> list[str]:
    if any(env.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")):
        return []
    named = [name for name in _PIP_INDEXES if env.get(name)]
    return [f"{named[0]} is not read, here as when resolving: set UV_DEFAULT_INDEX"] if named else []


def _passwords(addresses: Iterable[str]) -> list[str]:
    found = []
    for text in addresses:
        try:
            password = urlsplit(text).password
        except ValueError:
            continue
        if password:
            found.append(password)
    return found


def _reached(proxies: Mapping[str, str]) -> list[str]:
    """The proxies' own addresses; one without a scheme is read as http."""
    return [v if "://" in v else f"http://{v}" for name, v in proxies.items() if name.upper() != "NO_PROXY"]


def is_here(address: str) -> bool:
    """Whether an address is one of this machine alone."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return host in ("localhost", "::1", "0.0.0.0") or host.endswith(".localhost") or host.startswith("127.")
