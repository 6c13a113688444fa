"""Addresses and ports of this machine: where a server can listen, and where it is asked then."""

from __future__ import annotations

import socket

from ..errors import UsageError

LOOPBACK = "127.0.0.1"
_NEAR = {"0.0.0.0": LOOPBACK, "::": "::1"}
_HOSTS = "127.0.0.1 is this machine alone, 0.0.0.0 everybody, ::1 and :: the same by IPv6"


def check_port(host: str, port: int) -> str:
    """The IP address of `host`, of IPv4 where it has one, if a server could listen on `port` there; 0 is any.

    Raises UsageError.
    """
    if not host:
        raise UsageError("--host is empty", hint=_HOSTS)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: {getattr(error, 'strerror', None) or error}", hint=_HOSTS) from error
    family, kind, protocol, _, place = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    try:
        with socket.socket(family, kind, protocol) as probe:
            # As the servers do: the last connections of a server that has just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(place)
    except OSError as error:
        raise UsageError(
            f"port {port} of {host} cannot be used: {(error.strerror or str(error)).lower()}",
            hint="stop what listens there, or choose another with --port",
        ) from error
    return str(place[0])


def near(address: str) -> str:
    """Where a server that listens on an IP address is asked from this machine."""
    return _NEAR.get(address, address)


def in_url(host: str) -> str:
    """A host name or an IP address as it stands in a URL."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def free_port() -> int:
    """A port of the loopback that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
