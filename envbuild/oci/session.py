"""A conversation with one registry about one repository: logging in when it asks, trying again when it is busy."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ..errors import BaseImageError, EnvbuildError, NetworkError
from .auth import Challenge, Login, find_login, login_key, parse_challenges
from .endpoint import VARIABLE, endpoint_of, is_loopback, scheme_of
from .remote import RemoteImage
from .transport import BUSY, CHUNK, BrokenError, Patience, Transport, retry_after

if TYPE_CHECKING:
    import requests

_CLIENT = "envbuild"
_TOKEN_LIMIT = 1 << 20
_DETAIL_LIMIT = 4 << 10


class Session:
    """`shown` is the registry's name for people, `repository` the path that it knows the image under."""

    def __init__(self, image: RemoteImage, transport: Transport) -> None:
        self.transport = transport
        self._endpoint = endpoint_of(image, transport.environ)
        self.shown = self._endpoint.shown
        self.repository = self._endpoint.prefix + image.path
        self._authorization = ""
        self._login: Login | None = None
        self._troubles: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def patience(self, what: str) -> Patience:
        """The bounds of one errand."""
        return self.transport.patience(f"{self.shown}, {what}")

    @contextmanager
    def ask(
        self, method: str, path: str, what: str, headers: Mapping[str, str], patience: Patience
    ) -> Iterator[requests.Response]:
        """An answer of 200 or 206, as a stream; `what` names it in errors, `patience` bounds the attempts."""
        asked_to_log_in = 0
        while True:
            used = self._authorization
            try:
                url = f"{self._base()}/v2/{self.repository}/{path}"
                answer = self.transport.once(method, url, headers=headers, authorization=used)
            except BrokenError as error:
                patience.failed(error.message)
                continue
            with answer:
                if answer.status_code in (200, 206):
                    yield answer
                    return
                # Whoever was redirected to gets no login, and so none of its challenges is met.
                ours = urlsplit(answer.url)[:2] == urlsplit(url)[:2]
                if answer.status_code == 401 and ours and asked_to_log_in < 2:
                    asked_to_log_in += 1
                    with self._lock:
                        # Another thread may have been faster; else what was used is no longer good, or never was.
                        if self._authorization != used or self._log_in(answer, patience):
                            continue
                if answer.status_code not in BUSY:
                    raise self._refused(answer, what)
                reason = f"{answer.status_code} {answer.reason or ''}".rstrip()
                wait, hint = retry_after(answer), self._busy_hint(answer.status_code)
            patience.failed(f"it answers {reason}", wait=wait, hint=hint)

    def _base(self) -> str:
        """The scheme and host, found out once."""
        if not self._endpoint.scheme:
            try:
                scheme = scheme_of(self._endpoint.host)
            except OSError as error:
                raise BrokenError(error.strerror or str(error)) from error
            self._endpoint = replace(self._endpoint, scheme=scheme)
        return f"{self._endpoint.scheme}://{self._endpoint.host}"

    def _log_in(self, answer: requests.Response, patience: Patience) -> bool:
        """Find an Authorization header that the registry's challenge can be met with; whether there is a new one."""
        challenges = {c.scheme: c for c in reversed(parse_challenges(answer.headers.get("WWW-Authenticate", "")))}
        if self._login is None and challenges:
            self._login, self._troubles = find_login(self._endpoint.domain, self.repository, self.transport.environ)
        before = self._authorization
        if "bearer" in challenges:
            self._authorization = f"Bearer {self._token(challenges['bearer'], patience)}"
        elif "basic" in challenges and self._login is not None and self._login.username:
            self._may_send_password(self._base())
            self._authorization = _basic(self._login)
        return self._authorization != before

    def _token(self, challenge: Challenge, patience: Patience) -> str:
        """A token from the server that the challenge names, for reading this repository."""
        realm = challenge.parameters.get("realm", "")
        if urlsplit(realm).scheme not in ("http", "https"):
            raise NetworkError(f"{self.shown} names no server for tokens", hint="is it a registry?")
        asked = {"scope": challenge.parameters.get("scope") or f"repository:{self.repository}:pull"}
        if service := challenge.parameters.get("service"):
            asked["service"] = service
        login = self._login
        if login is not None:
            self._may_send_password(realm)
        while True:
            try:
                if login is not None and login.identity_token:
                    form = {
                        "grant_type": "refresh_token",
                        "refresh_token": login.identity_token,
                        "client_id": _CLIENT,
                        **asked,
                    }
                    answer = self.transport.once("POST", realm, data=form)
                else:
                    url = realm + ("&" if urlsplit(realm).query else "?") + urlencode(asked)
                    answer = self.transport.once("GET", url, authorization=_basic(login) if login else "")
            except BrokenError as error:
                patience.failed(f"the server for its tokens: {error.message}")
                continue
            with answer:
                if answer.status_code == 200:
                    return self._token_of(answer)
                if answer.status_code not in BUSY:
                    raise self._refused(answer, f"a token for {self.repository}")
                reason, wait = f"{answer.status_code} {answer.reason or ''}".rstrip(), retry_after(answer)
                hint = self._busy_hint(answer.status_code)
            patience.failed(f"the server for its tokens answers {reason}", wait=wait, hint=hint)

    def _token_of(self, answer: requests.Response) -> str:
        try:
            content = json.loads(bounded(answer, _TOKEN_LIMIT, "a token"))
        except (OSError, ValueError, RecursionError):  # whatever requests raises is an OSError
            content = None
        token = (content.get("token") or content.get("access_token")) if isinstance(content, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise NetworkError(
                f"the server for tokens of {self.shown} answers with no token",
                hint="is there a proxy in between that wants a login?",
            )
        return token

    def _may_send_password(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_loopback(parts.netloc):
            raise NetworkError(
                f"{self.shown} wants the password over plain http, to {parts.hostname}", hint="use https"
            )

    def _busy_hint(self, status: int) -> str:
        if status == 429 and self._endpoint.hub:
            return f"`docker login` raises the limit, and a mirror named in {VARIABLE} has its own"
        return "wait a little and try again" if status == 429 else ""

    def _refused(self, answer: requests.Response, what: str) -> EnvbuildError:
        status = answer.status_code
        said = _detail(answer)
        tail = f" ({status}{': ' + said if said else ''})"
        log_in = f"`docker login {login_key(self._endpoint.domain)}`".replace(" `", "`")
        also = "".join(f"; {trouble}" for trouble in self._troubles)
        if status == 401:
            if self._login is not None:
                return BaseImageError(
                    f"{self.shown} refuses the login that is kept for it, for {what}{tail}", hint=log_in + " anew"
                )
            there = "check the name, or log in: " if self._endpoint.hub else "log in: "
            return BaseImageError(f"{self.shown} wants a login for {what}{tail}", hint=there + log_in + also)
        if status == 403:
            return BaseImageError(
                f"{self.shown} gives no access to {what}{tail}", hint=f"ask for access, or log in: {log_in}{also}"
            )
        if status == 404:
            return BaseImageError(f"{self.shown} has no {what}{tail}", hint="check the name, the tag and the digest")
        return NetworkError(f"{self.shown} answers {status} for {what}{tail}", hint="is it a registry?")


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _detail(answer: requests.Response) -> str:
    """What the registry says of its refusal, if it says it as the specification has it."""
    with suppress(Exception):
        body = json.loads(next(answer.iter_content(_DETAIL_LIMIT), b""))
        first = body["errors"][0]
        text = str(first.get("message") or first.get("code") or "")
        return "".join(c for c in text if c.isprintable())[:200]
    return ""


def bounded(answer: requests.Response, limit: int, what: str) -> bytes:
    """The whole body of an answer. BaseImageError beyond `limit` bytes; what `broken` names where it breaks off."""
    parts, size = [], 0
    for chunk in answer.iter_content(CHUNK):
        size += len(chunk)
        if size > limit:
            raise BaseImageError(f"{what} is longer than {limit} bytes", hint="is it a container image?")
        parts.append(chunk)
    return b"".join(parts)
