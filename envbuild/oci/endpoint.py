"""Where a registry's images are asked for: scheme, host, and the folder before every repository."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import UsageError
from .reference import DEFAULT_DOMAIN
from .remote import RemoteImage

VARIABLE = "ENVBUILD_REGISTRY_MIRROR"
_HUB = "registry-1.docker.io"
# A server of plain HTTP may wait for the end of what it takes for a request.
_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A registry as it is reached.

    `domain` is what logins are kept under, `host` is asked (HOST[:PORT]) with `scheme`, which is empty where it is
    still to be found out; `prefix` stands before the repository's path. `shown` is for people.
    """

    domain: str
    host: str
    prefix: str = ""
    scheme: str = ""
    shown: str = ""

    @property
    def hub(self) -> bool:
        """Whether this is Docker Hub itself."""
        return self.host == _HUB


def endpoint_of(image: RemoteImage, environ: Mapping[str, str]) -> Endpoint:
    """Where `image` is asked for: its registry, or the mirror of docker.io that ENVBUILD_REGISTRY_MIRROR names."""
    if image.domain != DEFAULT_DOMAIN:
        return Endpoint(domain=image.domain, host=image.domain, shown=image.domain)
    named = environ.get(VARIABLE, "").strip()
    if not named:
        return Endpoint(domain=DEFAULT_DOMAIN, host=_HUB, shown=DEFAULT_DOMAIN)
    scheme, _, rest = named.rpartition("://")
    host, _, prefix = rest.strip("/").partition("/")
    sound = re.fullmatch(r"([A-Za-z0-9.-]+|\[[A-Fa-f0-9:]+\])(:[0-9]{1,5})?", host)
    if scheme not in ("", "http", "https") or not sound or not re.fullmatch(r"[a-z0-9._/-]*", prefix):
        raise UsageError(
            f"{VARIABLE} is no address of a registry",
            hint="write HOST, HOST:PORT or HOST/FOLDER, such as registry.example:5000",
        )
    return Endpoint(
        domain=host,
        host=host,
        prefix=prefix + "/" if prefix else "",
        scheme=scheme,
        shown=f"{host} (the mirror of {DEFAULT_DOMAIN} in {VARIABLE})",
    )


def is_loopback(host: str) -> bool:
    """Whether HOST[:PORT] is this machine itself."""
    import ipaddress

    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def may_send_on(url: str, other: str) -> bool:
    """Whether the server of `url` may send what is uploaded to it on to `other`.

    Not from TLS to plain http, and not from the internet into a private network, whose servers trust their neighbours.
    """
    own, parts = urlsplit(url), urlsplit(other)
    inside = is_loopback(parts.netloc) or _is_private(parts.hostname or "")
    ours = is_loopback(own.netloc) or _is_private(own.hostname or "")
    known = parts.scheme in ("http", "https")
    return known and (ours or not inside) and not (own.scheme == "https" != parts.scheme)


def _is_private(host: str) -> bool:
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_link_local


def may_be_plain(host: str, insecure: Collection[str]) -> bool:
    """Whether HOST[:PORT] may be spoken to without TLS: this machine itself, and what a person named as insecure."""
    return host in insecure or is_loopback(host)


def scheme_of(host: str, insecure: Collection[str] = ()) -> str:
    """`https`, but `http` for a host that may be spoken to so and speaks no TLS. OSError where nothing listens."""
    if not may_be_plain(host, insecure):
        return "https"
    import socket
    import ssl

    parts = urlsplit(f"//{host}")
    # Only whether TLS is spoken is asked; the certificate is checked by the connection that carries something.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=_PROBE_SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=parts.hostname):
                return "https"
        except OSError:
            return "http"
