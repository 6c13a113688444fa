"""What an index has for a package, where uv saw nothing in it: a page of a sign-in or a proxy looks empty to uv."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from threading import Event

from ..errors import NetworkError
from .indexes import entries, origin, without_credentials

_EMPTY = re.compile(r"there are no versions of ([A-Za-z0-9](?:[\w.-]*\w)?)")
_VARIABLES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_FILE = re.compile(r"<a\s[^>]*\.(?:whl|tar\.gz|tar\.bz2|zip|egg)\b", re.IGNORECASE)
# What indexes write above a list of files, which may have none.
_LIST = re.compile(r"links for|index of|simple index|repository-version", re.IGNORECASE)
_TITLE = re.compile(r"<(?:title|h1)\b[^>]*>\s*([^<]{1,80})", re.IGNORECASE)
_PIECES = 4  # of a quarter of a MiB


def other_page(said: str, environ: Mapping[str, str]) -> NetworkError | None:
    """The error of an index whose page for a package, of which uv `said` that it has no version, is no index's.

    The page is asked for once more, of the indexes that `environ` names. None where each is an index's.
    """
    found = _EMPTY.search(said)
    if found is None:
        return None
    from .download import Downloader

    name = re.sub(r"[-_.]+", "-", found[1]).lower()
    with Downloader(Event(), environ) as downloader:
        for address in _addresses(environ):
            page = f"{address.rstrip('/')}/{name}/"
            data = b""
            with suppress(NetworkError):  # an index need not have it
                data = b"".join(islice(downloader.stream(page, what=name), _PIECES))
            text = data.decode("utf-8", "replace")
            if not _HTML.match(text) or _FILE.search(text) or _LIST.search(text):
                continue
            title = _TITLE.search(text)
            shown = "".join(char for char in " ".join(title[1].split()) if char.isprintable()) if title else ""
            return NetworkError(
                f"{page} answered with a page that is none of an index" + (f": {shown!r}" if shown else ""),
                hint="open that address in a browser: is it a sign-in page or a proxy's? Then put the credentials into "
                "~/.netrc or into UV_INDEX_<NAME>_USERNAME and _PASSWORD; else check the index's address, which mostly "
                "ends in /simple",
            )
    return None


def _addresses(environ: Mapping[str, str]) -> Iterator[str]:
    """The indexes of `environ`, without credentials, in uv's order."""
    for _, _, address in entries(environ, _VARIABLES):
        if origin(address) is not None:
            yield without_credentials(address)
