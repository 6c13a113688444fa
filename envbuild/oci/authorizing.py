"""The Authorization header that a registry's challenge is met with: a token from its server, or a password."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ..errors import NetworkError
from .auth import Challenge, Login, find_login, parse_challenges
from .endpoint import Endpoint, may_be_plain
from .headers import joined
from .patience import BrokenError
from .transport import BUSY, Transport, bounded, busy

if TYPE_CHECKING:
    import requests

_CLIENT = "envbuild"
_TOKEN_LIMIT = 1 << 20


class RefusedTokenError(Exception):
    """The server for tokens gives none. `answer` is what it says, still open."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Authorizer:
    """Logs in to `endpoint` for `repository`; `actions` is what a token is asked for: `pull` or `pull,push`.

    `header` is the one to send, empty before the first challenge. `login` and `troubles` are what `find_login` found.
    """

    def __init__(self, endpoint: Endpoint, repository: str, transport: Transport, actions: str = "pull") -> None:
        self.header = ""
        self.login: Login | None = None
        self.troubles: tuple[str, ...] = ()
        self._endpoint = endpoint
        self._repository = repository
        self._transport = transport
        self._actions = actions

    def meet(self, challenge: str, base: str) -> bool:
        """Find a header for the `WWW-Authenticate` of an answer from `base`; whether there is a new one.

        Raises NetworkError, BrokenError where a later attempt may do, RefusedTokenError.
        """
        challenges = {c.scheme: c for c in reversed(parse_challenges(challenge))}
        if self.login is None and challenges:
            self.login, self.troubles = find_login(self._endpoint.domain, self._repository, self._transport.environ)
        before = self.header
        if "bearer" in challenges:
            self.header = f"Bearer {self._token(challenges['bearer'])}"
        elif "basic" in challenges and self.login is not None and self.login.username:
            self._may_send_password(base)
            self.header = _basic(self.login)
        return self.header != before

    def _token(self, challenge: Challenge) -> str:
        """A token from the server that the challenge names."""
        realm = joined("", challenge.parameters.get("realm", ""), self._endpoint.shown)
        if urlsplit(realm).scheme not in ("http", "https"):
            raise NetworkError(f"{self._endpoint.shown} names no server for tokens", hint="is it a registry?")
        asked = [("scope", scope) for scope in self._scopes(challenge.parameters.get("scope", ""))]
        if service := challenge.parameters.get("service"):
            asked.append(("service", service))
        login = self.login
        if login is not None:
            self._may_send_password(realm)
        try:
            if login is not None and login.identity_token:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": login.identity_token,
                    "client_id": _CLIENT,
                    # A form has one scope, of several parts.
                    **{name: " ".join(v for n, v in asked if n == name) for name, _ in asked},
                }
                answer = self._transport.once("POST", realm, form=form)
            else:
                url = realm + ("&" if urlsplit(realm).query else "?") + urlencode(asked)
                answer = self._transport.once("GET", url, authorization=_basic(login) if login else "")
        except BrokenError as error:
            raise BrokenError(f"the server for its tokens: {error.message}") from error
        if answer.status_code == 200:
            with answer:
                return self._token_of(answer)
        if answer.status_code in BUSY:
            with answer:
                raise busy(answer, "the server for its tokens answers", hub=self._endpoint.hub)
        raise RefusedTokenError(answer)

    def _scopes(self, asked: str) -> list[str]:
        """What the challenge asks for, and at least all that this errand does with its own repository.

        Threads share the header, and one that may only read must not take the place of one that may write.
        """
        own = f"repository:{self._repository}:"
        others = [scope for scope in asked.split() if not scope.startswith(own)]
        if asked and self._actions == "pull":
            return asked.split()
        return [own + self._actions, *others]

    def _token_of(self, answer: requests.Response) -> str:
        try:
            content = json.loads(bounded(answer, _TOKEN_LIMIT, "a token"))
        except (OSError, ValueError, RecursionError):  # whatever requests raises is an OSError
            content = None
        token = (content.get("token") or content.get("access_token")) if isinstance(content, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise NetworkError(
                f"the server for tokens of {self._endpoint.shown} answers with no token",
                hint="is there a proxy in between that wants a login?",
            )
        return token

    def _may_send_password(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not may_be_plain(parts.netloc, self._transport.insecure):
            raise NetworkError(
                f"{self._endpoint.shown} wants the password over plain http, to {parts.hostname}", hint="use https"
            )


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
