"""What a netrc tells of a host: one rule for indexes, channels and what they send on to.

Hosts that it names get their login. Its `default`, which is for any host, goes to those alone that the person named by
an option or a variable: a model names its channels, an index the addresses of its files, and either could be anyone's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .sendable import sendable

Login = tuple[str, str]


def login_for(host: str, environ: Mapping[str, str], *, named: bool = False) -> Login | None:
    """User and password for `host`, of ~/.netrc or the file that NETRC names; with `named`, its `default` too.

    A file that is none has no logins. UsageError for a login that cannot be sent.
    """
    import netrc

    try:
        path = Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc").expanduser()
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError, ValueError, RuntimeError):  # the last for the home of nobody
        return None
    found = hosts.get(host) if host != "default" else None
    found = found or (hosts.get("default") if named else None)
    return (sendable(found[0] or found[1] or "", str(path)), sendable(found[2] or "", str(path))) if found else None
