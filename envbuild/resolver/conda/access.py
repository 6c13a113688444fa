"""How a channel and its files are asked: with a login or a token of the person's, and with nothing of the model's."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from ...errors import UsageError
from ...records import dataclass
from ..indexes import origin
from ..keyrings import keyring_for
from ..netrcs import Login, login_for
from ..sendable import sendable
from .addresses import CREDENTIALS, climbs, split_token
from .authfile import stored_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`address` is what is asked for, with the token that belongs into it; `login` or `bearer` goes in a header.

    None of it may be written anywhere.
    """

    address: str
    login: Login | None = None
    bearer: str = ""

    @property
    def header(self) -> str:
        """What the header Authorization says; empty for none."""
        if self.login is not None:
            return "Basic " + base64.b64encode(":".join(self.login).encode()).decode("ascii")
        return f"Bearer {self.bearer}" if self.bearer else ""


def access_of(address: str, environ: Mapping[str, str]) -> Access:
    """How `address`, a channel or a file of one, is asked for.

    ENVBUILD_CONDA_CREDENTIALS comes first: of its entries for that scheme, host and port the one with the longest path
    that `address` lies at or below. Then rattler's file of credentials, then the netrc's entry for that host. A user
    without a password gets that of the keyring, where uv is told to ask it. An address with `..` in its path
    gets nothing. Raises UsageError as `stored_for`, for an entry that is no address, and for what cannot be sent.
    """
    where = origin(address)
    if where is None or climbs(address):
        # What lies below a path with `..` in it lies elsewhere.
        return Access(address=address)
    entries = sorted(_entries(address, environ), key=lambda found: -len(found[1]))
    asked = next((whole for given, _, whole in entries if whole != address), address)
    login = next((login for given, _, _ in entries if (login := _login(given))), None)
    bearer = ""
    if login is None and asked == address:
        stored = stored_for(where[1], environ)
        login, bearer = stored.login, stored.bearer
        if stored.token:
            parts = urlsplit(address)
            asked = urlunsplit(parts._replace(path=f"/t/{quote(stored.token, safe='')}{parts.path}"))
    if login is None and not bearer:
        login = login_for(where[1], environ)
    if login is not None and login[0] and not login[1]:
        login = login[0], keyring_for(environ).password(address, login[0])
    return Access(address=asked, login=login, bearer=bearer)


def _entries(address: str, environ: Mapping[str, str]) -> Iterator[tuple[SplitResult, str, str]]:
    """What the environment has for `address`: each entry, the path that it is for, and `address` with its token."""
    where, parts = origin(address), urlsplit(address)
    for number, entry in enumerate(environ.get(CREDENTIALS, "").split(), 1):
        if (for_whom := origin(entry)) is None:
            # It may be a password, or the half of one.
            raise UsageError(
                f"entry {number} of {CREDENTIALS} is no address",
                hint="write https://USER:PASSWORD@HOST/CHANNEL, with blanks between entries alone: inside of one, %20",
            )
        if for_whom != where:
            continue
        given = urlsplit(sendable(entry, CREDENTIALS))
        head, token, rest = split_token(given.path)
        channel = f"{head}{rest}".rstrip("/")
        if not f"{parts.path}/".startswith(f"{channel}/"):
            continue
        path = f"{head}{token}{parts.path[len(head) :]}" if token else parts.path
        yield given, channel, urlunsplit(parts._replace(path=path, query=given.query or parts.query))


def _login(given: SplitResult) -> Login | None:
    user, password = (sendable(unquote(text or ""), CREDENTIALS) for text in (given.username, given.password))
    return (user, password) if user or password else None
