"""What a netrc tells of a host: one rule for indexes, channels and what they send on to.

Hosts that it names get their login. Its `default`, which is for any host, goes to those alone that the person named by
an option or a variable: a model names its channels, an index the addresses of its files, and either could be anyone's.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .sendable import sendable

if TYPE_CHECKING:
    import netrc

Login = tuple[str, str]


def login_for(host: str, environ: Mapping[str, str], *, named: bool = False) -> Login | None:
    """User and password for `host`, of ~/.netrc or the file that NETRC names; with `named`, its `default` too.

    A file that is none has no logins. UsageError for a login that cannot be sent.
    """
    import netrc

    try:
        path = _path(environ)
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError, ValueError, RuntimeError):  # the last for the home of nobody
        return None
    found = hosts.get(host) if host != "default" else None
    found = found or (hosts.get("default") if named else None)
    return (sendable(found[0] or found[1] or "", str(path)), sendable(found[2] or "", str(path))) if found else None


def trouble_in(environ: Mapping[str, str]) -> str:
    """Why the netrc has no login, or not for whom it seems to: `FILE:LINE` and a reason, without any of its text.

    Empty where there is no such file, and where nothing is wrong with it. Who reads one passes over what is none.
    """
    import netrc

    try:
        path = _path(environ)
        data = path.read_bytes()
        hosts = netrc.netrc(str(path)).hosts
    except (FileNotFoundError, RuntimeError):
        return ""
    except OSError as error:
        return f"{path} could not be read: {error.strerror}"
    except netrc.NetrcParseError as error:
        if data.startswith(codecs.BOM_UTF8):
            return f"{path}:1 could not be read: it begins with a byte order mark"
        return f"{path}:{_line_of(error, data)} could not be read"
    except UnicodeDecodeError:
        lines = data.splitlines()
        bad = next((number for number, line in enumerate(lines, 1) if not _is_text(line)), 1)
        return f"{path}:{bad} could not be read: it is not UTF-8"
    except ValueError:
        return f"{path} could not be read"
    text = data.decode("utf-8", errors="replace")
    for host, (login, _, password) in hosts.items():
        found = re.search(rf"^.*?(?:machine\s+{re.escape(host)}|default)(?!\S)", text, re.MULTILINE)
        where = f"{path}:{text.count(chr(10), 0, found.end()) + 1 if found else 1}"
        if "\n" in f"{login}{password}":
            return f"{where} could not be read: a quote is not closed"
        if not password:
            return f"{where} could not be read: it has no password"
        if re.search(r"^[^:]*:\d+$", host):
            return f"{where} is for no host: a netrc names hosts without a port"
    return ""


def _path(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc").expanduser()


def _line_of(error: netrc.NetrcParseError, data: bytes) -> int:
    """Where the word stands that was no netrc's: the parser counts no comments, but the end of a line that it read."""
    start = max((error.lineno or 1) - 1, 1)
    lines = data.decode("utf-8", errors="replace").split("\n")
    word = re.search(r"token '(.*)'$", error.msg)
    for number, line in enumerate(lines[start - 1 :], start):
        if word and word[1] in line.split():
            return number
    return error.lineno or 1


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
