"""Downloads from a Debian mirror: in parallel, with retries, over every mirror there is."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..errors import EnvbuildError, IntegrityError, NetworkError
from ..oci.store import Store
from .lock import LockedPackage
from .mirrors import VARIABLE, Mirrors, without_credentials
from .suites import Archive

if TYPE_CHECKING:
    import requests

_T = TypeVar("_T")

THREADS = 8
ATTEMPTS = 3
_TIMEOUT = (10.0, 30.0)
_CHUNK = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class GoneError(EnvbuildError):
    """Every mirror answers that it does not have a file (404 or 410)."""


class Downloader:
    """Reads files of the archive. Methods may be called from several threads.

    `pause` is called with seconds between two attempts.
    """

    def __init__(self, mirrors: Mirrors, *, pause: Callable[[float], object] = time.sleep) -> None:
        self.mirrors = mirrors
        self._pause = pause
        self._local = threading.local()

    def read(self, archive: Archive, path: str, *, limit: int) -> bytes:
        """A small file whole, at most `limit` bytes (IntegrityError beyond). Raises GoneError, NetworkError."""

        def take(url: str, response: requests.Response) -> bytes:
            parts, size = [], 0
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise IntegrityError(f"{without_credentials(url)} is longer than its {limit} bytes")
                parts.append(chunk)
            return b"".join(parts)

        return self._first(archive, path, take)

    def fetch(self, package: LockedPackage, store: Store, advance: Callable[[int], None]) -> int:
        """A .deb into the store by its hash; returns the bytes that came over the network (0: it was there).

        Raises GoneError, NetworkError, and IntegrityError when no mirror has the bytes of that hash.
        """
        digest = f"sha256:{package.sha256}"
        if store.has(digest, package.size):
            advance(package.size)
            return 0

        def take(url: str, response: requests.Response) -> int:
            def chunks() -> Iterator[bytes]:
                size = 0
                for chunk in response.iter_content(_CHUNK):
                    size += len(chunk)
                    if size > package.size:
                        raise IntegrityError(
                            f"{without_credentials(url)} is longer than the {package.size} bytes of {package.name} "
                            f"{package.version}"
                        )
                    yield chunk

            try:
                return store.ingest(chunks(), expected=digest)[1]
            except IntegrityError as error:
                raise IntegrityError(
                    f"{without_credentials(url)} is not {package.name} {package.version}: {error.message}",
                    hint=f"the mirror or a proxy altered it; name another mirror with {VARIABLE}",
                ) from None

        size = self._first(package.archive, package.path, take)
        advance(package.size)
        return size

    def fetch_all(
        self, packages: Sequence[LockedPackage], store: Store, advance: Callable[[int], None]
    ) -> tuple[int, list[LockedPackage]]:
        """Every .deb into the store. Returns the bytes that were downloaded, and the packages that are gone."""
        from ..threads import pool

        received, gone = 0, []
        with pool(THREADS) as threads:
            tasks = [(package, threads.submit(self.fetch, package, store, advance)) for package in packages]
            try:
                for package, task in tasks:
                    try:
                        received += task.result()
                    except GoneError:
                        gone.append(package)
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        return received, gone

    def _first(self, archive: Archive, path: str, take: Callable[[str, requests.Response], _T]) -> _T:
        """What `take` makes of the first mirror that has `path`; the mirrors' faults when none has."""
        faults: list[EnvbuildError] = []
        for mirror in self.mirrors.of(archive):
            url = f"{mirror}/{path}"
            try:
                return self._attempts(url, take)
            except (GoneError, NetworkError, IntegrityError) as error:
                faults.append(error)
        # A mirror that could not be reached might have had the file: only a unanimous no is a no.
        for kind in (IntegrityError, NetworkError):
            for fault in faults:
                if isinstance(fault, kind):
                    raise fault
        raise faults[0]

    def _attempts(self, url: str, take: Callable[[str, requests.Response], _T]) -> _T:
        import requests

        shown = without_credentials(url)
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(0.25 * 2**attempt)
            try:
                with self._session().get(url, stream=True, timeout=_TIMEOUT) as response:
                    if response.status_code in (404, 410):
                        raise GoneError(f"{shown} does not exist ({response.status_code})")
                    if response.status_code == 200:
                        return take(url, response)
                    why = f"the mirror answers {response.status_code} {response.reason or ''}".rstrip()
                    if response.status_code not in _TRANSIENT:
                        break
            except requests.exceptions.RequestException as error:
                why = _reason(error)
        raise NetworkError(
            f"{shown} could not be read: {why}",
            hint=f"check the network and the proxy variables, or name a Debian mirror with {VARIABLE}; a base "
            "that was opened once needs no network",
        )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            import requests

            session = requests.Session()
            # requests reads REQUESTS_CA_BUNDLE itself but not OpenSSL's own variable.
            bundle = os.environ.get("SSL_CERT_FILE", "")
            if bundle and not (os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")):
                session.verify = bundle
            self._local.session = session
        return session


def _reason(error: BaseException) -> str:
    """The innermost cause of a failed request in a few words, without the URL."""
    while True:
        inner = error.__cause__ or error.__context__ or getattr(error, "reason", None)
        if not isinstance(inner, BaseException) or inner is error:
            break
        error = inner
    text = getattr(error, "strerror", None) or str(error).split(": ", 1)[-1]
    return f"{text or type(error).__name__}".strip()
