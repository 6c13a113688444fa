"""The places of packages that options and variables name, looked at before anybody is asked for anything.

What is no such place is refused here, without the login in it: who parses an address otherwise takes a part of a
password for a host, and shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UsageError
from ..model.redact import redact_addresses
from ..options import INDEX_VARIABLES
from ..patterns import pattern
from .indexes import origin

_LINKS = "UV_FIND_LINKS"
_ONE = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_NAMED = pattern(r"([\w.-]+)=(?=\w+://)")
_NAME = pattern(r"[\w.-]+=")
# What a password that was written as it is leaves behind its own @.
_HOST = pattern(r"[\w-]+(?:\.[\w-]+)+(?::\d*)?|[\w-]+:\d*|localhost|\[[\da-fA-F:]+\](?::\d*)?")
ENCODE = "in a user and a password `/` is written %2F, `@` is %40 and a blank is %20"
"""What to do about an address that is none."""


def shown(address: str) -> str:
    """An address that was refused, from its last `@` on: all before it may be a password, whatever it looks like."""
    return redact_addresses(address[max(address.rfind("@"), 0) :].strip())


def is_address(text: str) -> bool:
    """Whether `text` is the address of an index or a page, without a name before it, and nothing else can be read."""
    if re.search(r"[\s\\]", text):
        return False
    if re.match(r"file://.", text):
        return True
    return origin(text) is not None and not _strays(text)


def check_index(source: str, text: str, *, named: bool = True) -> None:
    """Raise UsageError, which names `source`, unless `text` is the address of an index, where `named` with a name."""
    name = _NAMED.match(text)
    if name and not named:
        raise UsageError(
            f"{source} {name[0]}{shown(text[name.end() :])}: the index takes no name",
            hint="leave the part before the address out",
        )
    address = text[name.end() :] if name else text
    if not is_address(address) or not (origin(address) or address.startswith("file:///")):
        raise _no_index(source, shown(text))
    _check_file(source, address)


def check_links(source: str, text: str) -> None:
    """Raise UsageError, which names `source`, unless `text` is a folder that is there, or the address of a page."""
    if "://" not in text:
        folder = Path(text)
        try:
            folder = folder.expanduser()
        except RuntimeError:  # of a user that there is not
            folder = Path(text)
        if not text or not folder.is_dir():
            raise _no_folder(source, shown(text))
    elif "," in text or not is_address(text) or not (origin(text) or text.startswith("file:///")):
        raise _no_page(source, shown(text))
    else:
        _check_file(source, text)


def check_variables(environ: Mapping[str, str]) -> None:
    """Raise UsageError for a variable of `environ` that names what is neither an address nor a folder that is there."""
    for variable in INDEX_VARIABLES:
        value = environ.get(variable, "")
        parts = value.split(",") if variable == _LINKS else [value] if variable in _ONE else value.split()
        for part in parts:
            text = part.strip()
            if not text or _is_there(part) or _is_there(text):
                continue
            # A blank or a comma in a password parts it from its @.
            told = shown(text) if "@" in text or "@" not in value else f"(entry {parts.index(part) + 1})"
            name = _NAMED.match(text)
            address = text[name.end() :] if name and variable != _LINKS else text
            if is_address(address):
                _check_file(variable, address)
            elif "://" in address or re.search(r"[@\\]", text) or re.match(r"\w+:", address):
                raise _no_page(variable, told) if variable == _LINKS else _no_index(variable, told)
            elif variable == _LINKS or not _is_there(_NAME.sub("", text, count=1)):
                raise _no_folder(variable, told)


def _path(quoted: str) -> str:
    # Its module brings ssl and more along, which a build that changes nothing can do without.
    from urllib.request import url2pathname

    return url2pathname(quoted)


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # a name that is too long, or has a null character
        return False


def _check_file(source: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and not _is_there(_path(parts.path)):
        raise _no_folder(source, shown(address))


def _strays(address: str) -> bool:
    """Whether an @ behind the host shows that this is no host: it began a password that was written as it is.

    Not each does. The views of a feed are named so: `https://pkgs.example/_packaging/feed@Local/pypi/simple`.
    """
    parts = urlsplit(address)
    if "@" in parts.query or "@" in parts.fragment:
        return True
    if "@" not in parts.path:
        return False
    host = parts.netloc.rpartition("@")[2]
    behind = parts.path.rpartition("@")[2].partition("/")[0]
    return host.endswith(":") or not _HOST.fullmatch(host) or _HOST.fullmatch(behind) is not None


def _no_index(source: str, told: str) -> UsageError:
    return UsageError(
        f"{source} {told}: this is no address of an index", hint=f"for example https://pypi.example/simple; {ENCODE}"
    )


def _no_page(source: str, told: str) -> UsageError:
    return UsageError(
        f"{source} {told}: this is no address", hint=f"for example https://files.example/wheels/; {ENCODE}"
    )


def _no_folder(source: str, told: str) -> UsageError:
    return UsageError(
        f"{source} {told}: there is no such folder", hint=f"name a folder that is there, or a URL; {ENCODE}"
    )
