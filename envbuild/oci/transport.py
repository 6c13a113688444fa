"""Requests to registries: redirects that carry no secret to others, certificates, retries within bounds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import BaseImageError, EnvbuildError, NetworkError
from .endpoint import VARIABLE, is_loopback, may_send_on
from .headers import joined, retry_after
from .patience import BrokenError, Patience

if TYPE_CHECKING:
    import requests

    from .sending import Part

CHUNK = 1 << 18
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte
_REDIRECTS = 5
_CERTS = ("/etc/docker/certs.d", "/etc/containers/certs.d")


class Transport:
    """A pool of connections; every method may be called from several threads.

    `stop` ends all errands soon. `pause` waits between attempts, by default until `stop` at the most. `insecure` has
    the registries (HOST[:PORT]) that may speak plain http, or have a certificate that nobody vouches for.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        pause: Callable[[float], object] | None = None,
        insecure: frozenset[str] = frozenset(),
    ) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self.environ = os.environ if environ is None else environ
        self.insecure = insecure
        if insecure:
            from urllib3 import disable_warnings
            from urllib3.exceptions import InsecureRequestWarning

            # The person said so, and need not hear it with every request.
            disable_warnings(InsecureRequestWarning)
        self.stop = threading.Event()
        self._pause = pause or self.stop.wait

        class Session(requests.Session):
            """Looks at no redirect by itself: it would read whatever comes with it, and trip over where it leads."""

            def get_redirect_target(self, resp: requests.Response) -> None:
                return None

        self._session = Session()
        self._session.headers.update({"User-Agent": "envbuild", "Accept-Encoding": "identity"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=8))

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def once(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorization: str = "",
        form: Mapping[str, str] | None = None,
        body: Part | bytes | None = None,
    ) -> requests.Response:
        """One attempt, as a stream. Redirects are followed; `authorization` and `form` go to the host of `url` alone.

        A `body` goes where the registry sends it, but to its own host alone where a redirect would make another request
        of it. BrokenError where it makes sense to try again, NetworkError where it does not.
        """
        import requests
        from urllib3.exceptions import LocationValueError

        first, headers = url, dict(headers or {})
        if body is not None:
            headers["Content-Length"] = str(len(body))
            # Of an empty stream the library would make one without a length.
            body = body or b""
        for _ in range(_REDIRECTS + 1):
            host = urlsplit(url).netloc
            here = is_loopback(host)
            same = urlsplit(url)[:2] == urlsplit(first)[:2]
            try:
                answer = self._session.request(
                    method,
                    url,
                    headers=headers,
                    data=dict(form) if form is not None and same else body,
                    auth=_Header(authorization if same else ""),
                    stream=True,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    # A proxy cannot reach this machine's loopback.
                    proxies={"no_proxy": urlsplit(url).hostname or ""} if here else None,
                    **self.certificates(host),
                )
            except requests.exceptions.SSLError as error:
                raise _tls_error(host, cause_of(error)) from error
            except (requests.ConnectionError, requests.Timeout) as error:
                raise BrokenError(cause_of(error)) from error
            # A name that no host can have comes through unwrapped.
            except (requests.RequestException, LocationValueError) as error:
                raise NetworkError(f"{_shown(url)} cannot be asked: {cause_of(error)}") from error
            target = answer.headers.get("Location", "")
            if answer.status_code not in (301, 302, 303, 307, 308) or not target:
                return answer
            if body is not None and answer.status_code < 307:
                return answer
            answer.close()
            if body is not None and not isinstance(body, bytes):
                body.rewind()
            url = joined(url, target, _shown(first))
            if urlsplit(url).scheme not in ("http", "https"):
                break
            if body is not None and urlsplit(url)[:2] != urlsplit(first)[:2] and not may_send_on(first, url):
                raise NetworkError(
                    f"{_shown(first)} sends uploads to {_shown(url)}, which is not safe",
                    hint="is it the registry that was meant?",
                )
        raise NetworkError(f"{_shown(first)} is redirected without end", hint="check the registry's address")

    def certificates(self, host: str) -> dict[str, Any]:
        """Whom to trust for `host` (`verify`), and who one is (`cert`, with its key).

        Docker's certs.d comes first, then the environment's CA bundle; nothing said is what requests does by itself.
        """
        folders = [Path(folder) for folder in _CERTS]
        if home := self.environ.get("HOME"):
            folders.insert(0, Path(home, ".config/docker/certs.d"))
        found: dict[str, Any] = {}
        if host in self.insecure:
            return {"verify": False}
        for folder in folders:
            with suppress(OSError, ValueError):
                files = sorted((folder / host).glob("*"))
                for file in files:
                    if file.suffix == ".crt":
                        found.setdefault("verify", str(file))
                    elif file.suffix == ".cert" and file.with_suffix(".key").is_file():
                        found.setdefault("cert", (str(file), str(file.with_suffix(".key"))))
        # requests reads REQUESTS_CA_BUNDLE itself but not OpenSSL's own variable.
        bundle = self.environ.get("SSL_CERT_FILE", "")
        named = self.environ.get("REQUESTS_CA_BUNDLE") or self.environ.get("CURL_CA_BUNDLE")
        if "verify" not in found and bundle and not named:
            found["verify"] = bundle
        return found

    def patience(self, what: str) -> Patience:
        """The bounds of one errand; `what` names it in errors."""
        return Patience(self.stop, self._pause, what)


class _Header:
    """Sets just this Authorization header, and keeps requests from taking one out of ~/.netrc."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop("Authorization", None)
        if self._value:
            request.headers["Authorization"] = self._value
        return request


def broken() -> tuple[type[BaseException], ...]:
    """What a connection that breaks while it is read from raises."""
    import requests

    kinds = requests.exceptions
    return (kinds.ConnectionError, kinds.Timeout, kinds.ChunkedEncodingError, kinds.ContentDecodingError)


def bounded(answer: requests.Response, limit: int, what: str) -> bytes:
    """The whole body of an answer. BaseImageError beyond `limit` bytes; what `broken` names where it breaks off."""
    parts, size = [], 0
    for chunk in answer.iter_content(CHUNK):
        size += len(chunk)
        if size > limit:
            raise BaseImageError(f"{what} is longer than {limit} bytes", hint="is it a container image?")
        parts.append(chunk)
    return b"".join(parts)


def busy(answer: requests.Response, says: str, *, hub: bool) -> BrokenError:
    """The error for an answer that asks to come again; `says` is who answers, `hub` whether that is Docker Hub."""
    hint = "wait a little and try again" if answer.status_code == 429 else ""
    if hint and hub:
        hint = f"`docker login` raises the limit, and a mirror named in {VARIABLE} has its own"
    reason = f"{says} {answer.status_code} {answer.reason or ''}".rstrip()
    return BrokenError(reason, hint=hint, wait=retry_after(answer.headers.get("Retry-After", "").strip()))


def cause_of(error: BaseException) -> str:
    """The innermost reason of a failed request in a few words, without addresses."""
    inner: BaseException = error
    for _ in range(8):
        following = getattr(inner, "reason", None)
        if not isinstance(following, BaseException):
            following = next((a for a in reversed(getattr(inner, "args", ())) if isinstance(a, BaseException)), None)
        if following is None:
            break
        inner = following
    text = getattr(inner, "strerror", None) or str(inner).rpartition(">: ")[2] or type(inner).__name__
    return str(text)[:300]


def _tls_error(host: str, reason: str) -> EnvbuildError:
    if "EOF" in reason.upper() or "reset" in reason:
        return BrokenError(reason)
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER_FAILURE" in reason or "HTTP_REQUEST" in reason:
        return NetworkError(
            f"{host} speaks no TLS on this port",
            hint="registries are asked over https, and over http on this machine alone: check the port",
        )
    return NetworkError(
        f"no trusted connection to {host}: {reason}",
        hint=f"put its certificate authority into {_CERTS[0]}/{host}/ca.crt, or name the file in SSL_CERT_FILE",
    )


def _shown(url: str) -> str:
    """A URL without a user, a password or a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
