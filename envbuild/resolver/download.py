"""One file from an index, as a stream: retried, resumed, with the credentials of its own origin and no other."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
import requests.auth
import urllib3
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader

from ..errors import NetworkError
from ..oci.headers import number, retry_after
from ..patterns import pattern
from .conda.access import access_of
from .conda.addresses import CREDENTIALS, without_secrets
from .fetching import ANEW, Stopped
from .indexes import all_credentials, origin, origins, without_credentials
from .keyrings import keyring_for
from .netrcs import login_for, trouble_in

_ATTEMPTS = 4
_PATIENCE = 30.0  # seconds that a server's Retry-After may ask for
_TIMEOUT = (15, 60)  # seconds to connect, seconds without a byte
_CHUNK = 1 << 18
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
# Where an index must not know of it, it says that there is none.
_DENIED = frozenset({401, 403, 404})
_LOGIN = frozenset({401, 403, 407})
# What stores of files say where a signature is missing.
_UNSIGNED = frozenset({400, 401, 403, 409})
_CONDA = pattern(r"\.conda$|/(?:noarch|linux-\w+)/[^/]+\.tar\.bz2$")
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class Downloader:
    """A pool of connections. `stop` makes every stream end with `Stopped` soon."""

    def __init__(self, stop: threading.Event, environ: Mapping[str, str] | None = None) -> None:
        self._stop = stop
        self._environ = os.environ if environ is None else environ
        self._credentials, self._indexes = all_credentials(self._environ), origins(self._environ)
        # requests itself reads the proxies, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.
        self._session = _Session(self._environ)
        self._session.headers["User-Agent"] = "envbuild"
        self._session.headers["Accept-Encoding"] = "identity"
        bundle = self._environ.get("SSL_CERT_FILE") or self._environ.get("SSL_CERT_DIR")
        if bundle and os.path.exists(bundle):  # noqa: PTH110 - either a file or a folder
            self._session.verify = bundle
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=8))

    def __enter__(self) -> Downloader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._session.close()

    def stream(self, url: str, *, what: str) -> Iterator[bytes]:
        """The bytes behind an http, https or file URL. `what` names it in errors: NetworkError."""
        scheme = urlsplit(url).scheme
        if scheme == "file":
            yield from self._local(url, what)
        elif scheme in ("http", "https"):
            yield from self._remote(url, what)
        else:
            raise NetworkError(f"{what}: {without_credentials(url)!r} is no address that can be fetched", hint=ANEW)

    def _local(self, url: str, what: str) -> Iterator[bytes]:
        path = url2pathname(urlsplit(url).path)
        if "\0" in path:
            raise NetworkError(
                f"{what}: {without_credentials(url)!r} is no address of a file: no name has a null byte in it",
                hint="write the address, or the path, of the file that is meant",
            )
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                yield from self._pieces(file)
        except OSError as error:
            raise NetworkError(f"{what}: {path} cannot be read: {error.strerror}", hint=ANEW) from error

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        while chunk := file.read(_CHUNK):
            if self._stop.is_set():
                raise Stopped
            yield chunk

    def _remote(self, url: str, what: str) -> Iterator[bytes]:
        shown = without_secrets(url)
        asked, logins = self._ways(url)
        known = iter(logins)
        auth = next(known)
        received, failures = 0, 0
        while True:
            before, reason, wait = received, "", 0.0
            try:
                headers = {"Range": f"bytes={received}-"} if received else {}
                with self._session.get(asked, stream=True, timeout=_TIMEOUT, auth=auth, headers=headers) as answer:
                    status = answer.status_code
                    if status in _DENIED and (other := next(known, None)):
                        # One host may have several indexes, and files tell not whose they are.
                        auth = other
                        continue
                    if status == 401 and (found := self._from_keyring(url, auth)) and found.text != auth.text:
                        auth = found
                        continue
                    if status in _BUSY:
                        reason, wait = f"{status} {answer.reason}", retry_after(answer.headers.get("Retry-After", ""))
                    elif status not in (200, 206):
                        raise self._refused(status, str(answer.reason), what, url)
                    else:
                        skip = received if status == 200 else 0
                        for chunk in answer.iter_content(_CHUNK):
                            if self._stop.is_set():
                                raise Stopped
                            fresh = chunk[skip:]
                            skip = max(0, skip - len(chunk))
                            if fresh:
                                received += len(fresh)
                                yield fresh
                        if not _cut_short(answer, received):
                            return
                        reason = "the connection ended too early"
            except requests.exceptions.SSLError as error:
                raise NetworkError(
                    f"{what}: no trusted connection to {shown}: {_cause(error)}",
                    hint="name your certificate authority's file in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
                ) from None  # its text has the address, with what belongs into it
            except _BROKEN as error:
                reason = _cause(error)
            except (requests.RequestException, ValueError) as error:
                # Of what cannot stand in a header, libraries tell the whole text.
                told = isinstance(error, requests.RequestException) and not isinstance(error, InvalidHeader)
                reason = _cause(error) if told else "it, or the login or token for it, cannot be sent"
                raise NetworkError(f"{what}: {shown} cannot be fetched: {reason}") from None
            failures = 1 if received > before else failures + 1
            if failures >= _ATTEMPTS:
                raise NetworkError(
                    f"{what}: {shown} could not be fetched in {_ATTEMPTS} attempts: {reason}",
                    hint="check the connection and the index, and run the command again: what arrived is kept",
                )
            if self._stop.wait(min(max(wait, 0.4 * 2 ** (failures - 1)), _PATIENCE)):
                raise Stopped

    def _ways(self, url: str) -> tuple[str, list[_Header]]:
        """What to ask for the file at `url`, and the headers to try in turn, of which there is at least one."""
        if _is_conda(url):
            # As its channel's list of packages was asked for: an index at that host has logins of its own.
            access = access_of(url, self._environ)
            return access.address, [_Header(access.header, (access.login or ("", ""))[0])]
        where = origin(url)
        known = self._credentials.get(where, []) if where else []
        if where and not known:
            login = login_for(where[1], self._environ, named=where in self._indexes)
            known = [login] if login else []
        return url, [_Header.of(login) for login in known] or [_Header()]

    def _refused(self, status: int, reason: str, what: str, url: str) -> NetworkError:
        hint = _way(status, conda=_is_conda(url))
        if status in _LOGIN and (trouble := trouble_in(self._environ)):
            hint = f"{trouble}; {hint}"
        if status in _UNSIGNED and "?" not in url and not _is_conda(url):
            hint += "; or resolve anew with --upgrade: of an address with a token or a signature in its query, a lock "
            hint += "has no more than what is before that"
        return NetworkError(f"{what}: {without_secrets(url)} answered {status} {reason}", hint=hint)

    def _from_keyring(self, url: str, tried: _Header) -> _Header | None:
        user = tried.user or "oauth2accesstoken"
        password = keyring_for(self._environ).password(url, user)
        return _Header.of((user, password)) if password else None


class _Session(requests.Session):
    """Who is sent on to another host has that host's login, if the netrc names it, and no other."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._environ = environ

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Called by requests for every redirect; its own would send a netrc's `default` anywhere."""
        before, after = origin(str(response.request.url)), origin(str(prepared_request.url))
        if before == after:
            return
        prepared_request.headers.pop("Authorization", None)
        if before is None or after is None or before[1] == after[1] or (before[0], after[0]) == ("https", "http"):
            return  # whoever sends from https on to http would have a login sent in clear
        if login := login_for(after[1], self._environ):
            _Header.of(login)(prepared_request)


class _Header(requests.auth.AuthBase):
    """The header Authorization, or none at all: requests looks for no login of its own then."""

    def __init__(self, text: str = "", user: str = "") -> None:
        self.text = text
        self.user = user

    @classmethod
    def of(cls, login: tuple[str, str]) -> _Header:
        """That of a user and a password."""
        return cls("Basic " + base64.b64encode(":".join(login).encode()).decode("ascii"), login[0])

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.text:
            request.headers["Authorization"] = self.text
        return request


def _is_conda(url: str) -> bool:
    """Whether it is the file of a conda package: what an index has may end in .tar.bz2 too."""
    return bool(_CONDA.search(urlsplit(url).path))


def _way(status: int, *, conda: bool) -> str:
    """What to do where a file was answered for with that status."""
    if status in _LOGIN and conda:
        return f"put the channel's credentials into ~/.netrc, or the address with user and password into {CREDENTIALS}"
    if status in (404, 410) and conda:
        return f"the channel no longer has this file: {ANEW}"
    if conda:
        return "check the channels in conda.yaml"
    if status in _LOGIN:
        return "put the index's credentials into ~/.netrc, or into the address in UV_DEFAULT_INDEX or UV_INDEX"
    if status in (404, 410):
        return f"the index no longer has this file: {ANEW}"
    return "check the index that UV_DEFAULT_INDEX names"


def _cut_short(answer: requests.Response, received: int) -> bool:
    """Whether fewer bytes came than the server announced. Compressed answers tell nothing of it."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return False
    whole = answer.headers.get("Content-Range", "").rpartition("/")[2] or answer.headers.get("Content-Length", "")
    size = number(whole)
    return size is not None and received < size


def _cause(error: BaseException) -> str:
    """The innermost reason, without the addresses of Python objects and without credentials."""
    inner: BaseException = error
    while (args := getattr(inner, "args", ())) and isinstance(args[-1], BaseException):
        inner = args[-1]
    reason = getattr(inner, "reason", None)
    if isinstance(reason, BaseException):
        inner = reason
    # urllib3 counts one that was refused among those that took too long.
    refused = isinstance(inner, urllib3.exceptions.NewConnectionError)
    if isinstance(inner, urllib3.exceptions.ConnectTimeoutError) and not refused:
        return f"no connection within {_TIMEOUT[0]} seconds"
    if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return f"nothing came for {_TIMEOUT[1]} seconds"
    text = getattr(inner, "strerror", None) or str(inner).rpartition(">: ")[2] or type(inner).__name__
    return without_secrets(str(text))
