"""An index that is out of reach, refuses, or answers what no index answers: uv's words of it, as errors."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..errors import NetworkError
from ..options import PYTORCH_INDEX
from .indexes import without_credentials

if TYPE_CHECKING:
    from .torch import TorchBuilds

_NETWORK = re.compile(
    r"error sending request|Failed to fetch|Request failed after|client error|network was disabled|"
    r"lack of valid authentication|operation timed out|Network connectivity is disabled|returned a 403 Forbidden|"
    r"Received some unexpected (?:JSON|HTML)|Unsupported `Content-Type`"
)
_NO_PAGE = re.compile(r"Received some unexpected (?:JSON|HTML)|Unsupported `Content-Type`")
_NO_ARCHIVE = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* has an invalid package format")
_UNZIPPED = re.compile(r"Failed to unzip wheel: (\S+)")
_GONE = re.compile(r"\b(404|410)\b")
_FILE = re.compile(r"/[^/\s]+\.(whl|tar\.gz|zip)(\.metadata)?\b")
_CREDENTIALS = (
    "put them into ~/.netrc or into UV_INDEX_<NAME>_USERNAME and _PASSWORD, or into the address in --index-url"
)
_OTHER_FILE = (
    "it may be damaged, or a proxy's page in its place: look at its address in a browser, try again later, or ask who "
    "runs the index"
)


def is_of_network(said: str) -> bool:
    """Whether uv tells of an index that it could not ask, or that gave no index's answer."""
    return _NETWORK.search(said) is not None


def network_error(said: str, shown: str, builds: TorchBuilds | None = None) -> NetworkError:
    """The error for such words; `shown` is how they are shown. `builds` are those of torch, with an index of theirs."""
    of_torch = builds is not None and builds_address(builds) in said
    ways = f"put them into ~/.netrc, or into the address in {PYTORCH_INDEX}" if of_torch else _CREDENTIALS
    if "lack of valid authentication" in said or "401 Unauthorized" in said:
        from .netrcs import trouble_in

        trouble = trouble_in(os.environ)
        return NetworkError(
            f"the package index wants credentials, or does not take those that it got:\n{shown}",
            hint=(f"{trouble}; mend it, or " if trouble else "") + ways,
        )
    if "network was disabled" in said or "connectivity is disabled" in said:
        return NetworkError(
            f"packages are missing in the cache, and UV_OFFLINE forbids to ask for them:\n{shown}",
            hint="unset UV_OFFLINE once, so that the lock and the wheels get into the cache",
        )
    if "403 Forbidden" in said:
        return NetworkError(
            f"the package index refuses what is asked for (403 Forbidden):\n{shown}",
            hint=f"check its address and the credentials: {ways}; or ask who runs the index whether it keeps "
            "this package back",
        )
    if _NO_PAGE.search(said):
        return NetworkError(
            f"what the package index answered is no page of an index:\n{shown}",
            hint="look at the address in a browser: a proxy's or a sign-in page may be in its place; else try again "
            "later, or ask who runs the index",
        )
    if _GONE.search(said) and _FILE.search(said):
        return NetworkError(
            f"the package index names a file that it does not have:\n{shown}",
            hint="try again later: its page may be older than its files; else ask who runs the index",
        )
    if of_torch:
        return NetworkError(
            f"PyTorch's index could not be reached:\n{shown}",
            hint=f"check the connection and HTTPS_PROXY; a mirror of that index is named by {PYTORCH_INDEX}; without "
            "--accelerator torch comes from the usual index",
        )
    hint = "check the connection, HTTPS_PROXY and the index in UV_DEFAULT_INDEX; a cached lock needs no network"
    if re.search(r"certificate|InvalidContentType|tls|UnknownIssuer", said):
        hint = "name your certificate authority's file in SSL_CERT_FILE, and check the index's scheme and port"
    return NetworkError(f"the package index could not be reached:\n{shown}", hint=hint)


def no_wheel(said: str, shown: str) -> NetworkError | None:
    """The error where what an index gave for a wheel is none; else None."""
    found = _UNZIPPED.search(said) or _NO_ARCHIVE.search(said)
    if found is None:
        return None
    return NetworkError(f"what the package index gave for {found[1]} is no wheel:\n{shown}", hint=_OTHER_FILE)


def builds_address(builds: TorchBuilds) -> str:
    """Where the builds of torch are, without credentials."""
    return without_credentials(builds.index) or f"https://download.pytorch.org/whl/{builds.backend}"
