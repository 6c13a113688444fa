"""A conversation with one registry about one repository: logging in when it asks, trying again when it is busy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import BaseImageError, EnvbuildError, NetworkError
from .auth import login_key
from .authorizing import Authorizer, RefusedTokenError
from .endpoint import endpoint_of, scheme_of
from .patience import BrokenError, Patience
from .remote import RemoteImage
from .transport import BUSY, Transport, bounded, broken, busy, cause_of

if TYPE_CHECKING:
    import requests

    from .sending import Part

OK = frozenset({200, 206})
_DETAIL_LIMIT = 4 << 10


class Session:
    """`shown` is the registry's name for people, `repository` the path that it knows the image under.

    `actions` is what is done there, `pull` or `pull,push`; with `mirror` that of Docker Hub is asked in its place.
    `refusal` is the kind of error for what the registry refuses.
    """

    def __init__(
        self,
        image: RemoteImage,
        transport: Transport,
        *,
        actions: str = "pull",
        mirror: bool = True,
        refusal: type[EnvbuildError] = BaseImageError,
    ) -> None:
        self.transport = transport
        self._endpoint = endpoint_of(image, transport.environ if mirror else {})
        self._refusal = refusal
        self.shown = self._endpoint.shown
        self.repository = self._endpoint.prefix + image.path
        self._authorizer = Authorizer(self._endpoint, self.repository, transport, actions)
        self._lock = threading.Lock()

    def patience(self, what: str) -> Patience:
        """The bounds of one errand."""
        return self.transport.patience(f"{self.shown}, {what}")

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        what: str,
        headers: Mapping[str, str],
        patience: Patience,
        *,
        good: frozenset[int] = OK,
        body: bytes | None = None,
    ) -> Iterator[requests.Response]:
        """An answer with a status of `good`, as a stream; `what` names it in errors, `patience` bounds the attempts."""
        while True:
            with ExitStack() as stack:
                try:
                    url = self.url(path)
                    attempt = self.attempt(method, url, what, headers, good=good, body=body)
                    answer = stack.enter_context(attempt)
                except BrokenError as error:
                    patience.failed(error.message, wait=error.wait, hint=error.hint)
                    continue
                yield answer
                return

    def read(
        self, path: str, what: str, headers: Mapping[str, str], limit: int, *, good: frozenset[int] = OK
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """An answer's status, its whole body, read anew where it breaks off, and its headers.

        `good` has statuses that stand for having nothing: with them the body is empty. Raises what `bounded` raises
        beyond `limit` bytes.
        """
        patience = self.patience(what)
        while True:
            with self.ask("GET", path, what, headers, patience, good=OK | good) as answer:
                try:
                    body = bounded(answer, limit, f"{what} from {self.shown}") if answer.status_code in OK else b""
                    return answer.status_code, body, answer.headers
                except broken() as error:
                    reason = cause_of(error)
            patience.failed(reason)

    @contextmanager
    def attempt(
        self,
        method: str,
        url: str,
        what: str,
        headers: Mapping[str, str],
        *,
        good: frozenset[int] = OK,
        body: Part | bytes | None = None,
    ) -> Iterator[requests.Response]:
        """One answer with a status of `good`, after a login where one is asked for; a login goes to the registry alone.

        BrokenError where a later attempt may do.
        """
        asked_to_log_in = 0
        ours = urlsplit(url)[:2] == urlsplit(self.url(""))[:2]
        while True:
            used = self._authorizer.header if ours else ""
            answer = self.transport.once(method, url, headers=headers, authorization=used, body=body)
            with answer:
                if answer.status_code in good:
                    yield answer
                    return
                # Whoever was redirected to gets no login, and so none of its challenges is met.
                here = ours and urlsplit(answer.url)[:2] == urlsplit(url)[:2]
                if answer.status_code == 401 and here and asked_to_log_in < 2:
                    asked_to_log_in += 1
                    if self._logs_in(answer, used):
                        if body is not None and not isinstance(body, bytes):
                            body.rewind()
                        continue
                if answer.status_code in BUSY:
                    raise busy(answer, "it answers", hub=self._endpoint.hub)
                raise self._refused(answer, what)

    def url(self, path: str) -> str:
        """The address of `path` within the repository. The registry's scheme is found out once: BrokenError."""
        if not self._endpoint.scheme:
            try:
                scheme = scheme_of(self._endpoint.host, self.transport.insecure)
            except OSError as error:
                raise BrokenError(error.strerror or str(error)) from error
            self._endpoint = replace(self._endpoint, scheme=scheme)
        return f"{self._endpoint.scheme}://{self._endpoint.host}/v2/{self.repository}/{path}"

    def _logs_in(self, answer: requests.Response, used: str) -> bool:
        """Whether there is another header to send than `used`, which is no longer good, or never was."""
        with self._lock:
            # Another thread may have been faster.
            if self._authorizer.header != used:
                return True
            try:
                return self._authorizer.meet(answer.headers.get("WWW-Authenticate", ""), self.url(""))
            except RefusedTokenError as refused:
                with refused.answer as said:
                    raise self._refused(said, f"a token for {self.repository}") from None

    def _refused(self, answer: requests.Response, what: str) -> EnvbuildError:
        status = answer.status_code
        said = _detail(answer)
        tail = f" ({status}{': ' + said if said else ''})"
        log_in = f"`docker login {login_key(self._endpoint.domain)}`".replace(" `", "`")
        also = "".join(f"; {trouble}" for trouble in self._authorizer.troubles)
        if status == 401:
            if self._authorizer.login is not None:
                return self._refusal(
                    f"{self.shown} refuses the login that is kept for it, for {what}{tail}", hint=log_in + " anew"
                )
            there = "check the name, or log in: " if self._endpoint.hub else "log in: "
            return self._refusal(f"{self.shown} wants a login for {what}{tail}", hint=there + log_in + also)
        if status == 403:
            return self._refusal(
                f"{self.shown} gives no access to {what}{tail}", hint=f"ask for access, or log in: {log_in}{also}"
            )
        if status == 413:
            return self._refusal(
                f"{self.shown}, or a proxy before it, does not take so much at once, for {what}{tail}",
                hint="raise what the proxy takes as the body of a request (in nginx: client_max_body_size 0)",
            )
        if status == 404:
            return self._refusal(f"{self.shown} has no {what}{tail}", hint="check the name, the tag and the digest")
        return NetworkError(f"{self.shown} answers {status} for {what}{tail}", hint="is it a registry?")


def _detail(answer: requests.Response) -> str:
    """What the registry says of its refusal, if it says it as the specification has it."""
    with suppress(Exception):
        body = json.loads(next(answer.iter_content(_DETAIL_LIMIT), b""))
        first = body["errors"][0]
        text = str(first.get("message") or first.get("code") or "")
        return "".join(c for c in text if c.isprintable())[:200]
    return ""
