"""EB602: credentials inside an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ...model.markers import may_hold
from ...model.redact import redact
from ...model.types import Line, Model, Span
from ...patterns import pattern
from ..base import BaseRule
from ..pins import python_of
from ..sources import MOST
from ..types import Finding, Target

_ADDRESS = pattern(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"]+")
_VARIABLE = pattern(r"\$\{\w+\}|\$\w+|%\w+%")
_STARS = pattern(r"\*+")
_TOKEN_LENGTH = 20


class CredentialsInUrl(BaseRule):
    """An address in an environment file holds a user name with a password, or a token.

    *What it does*: looks at the addresses of indexes, repositories, wheels and channels, in every environment file.
    The credential itself is never shown. A variable in its place (`https://${USER}:${TOKEN}@host`) is none.

    *Why it breaks*: the file goes into the image, and everybody who can pull it can read the credential. It is in the
    model registry already.

    *Example*: `--extra-index-url https://me:PASSWORD@pypi.example.com/simple`.

    *Use instead*: the address alone, with the credential in ~/.netrc, a keyring or UV_INDEX_NAME_PASSWORD where the
    image is built. Revoke the one that was written down.

    *Source*: mlflow/mlflow issues 5922 and 12958; uv, "Authentication".
    """

    code = "EB602"
    name = "credentials-in-url"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such address, at every place that holds it."""
        found: dict[str, list[Span]] = {}
        fetched: set[str] = set()
        for text, span, strict in _texts(model, target):
            for match in _ADDRESS.finditer(text):
                address = match[0]
                if _holds_credentials(address, strict=strict):
                    column = span.column + match.start()
                    end = min(column + len(address), max(span.end_column, column + 1))
                    found.setdefault(address, []).append(replace(span, column=column, end_column=end))
                    fetched |= {address} if strict else set()
        # A file that was given beside the model stays out of the image; what it names is fetched all the same.
        given = model.environment.source == "given"
        for address, spans in islice(found.items(), MOST):
            yield self.finding(
                f"the address {redact(address)} holds a credential"
                + ("" if given else ", and the file goes into the image"),
                hint="write the address without it"
                + ("" if given else " and revoke it")
                + f"; where the image is built, {_place(address)}",
                spans=list(dict.fromkeys(spans))[:MOST],
                severity="warning" if given and address not in fetched else "error",
            )


def _place(address: str) -> str:
    """Where the credential belongs: git reads no variable of uv's."""
    if address.lower().startswith("git+"):
        return "give it to git's credential helper, put it into ~/.netrc, or reach the repository by git+ssh://"
    return "put it into ~/.netrc or into UV_INDEX_<NAME>_USERNAME and _PASSWORD"


def _texts(model: Model, target: Target) -> Iterator[tuple[str, Span, bool]]:
    """Everything that can hold an address, with its place, and whether it names a file to fetch."""
    python = python_of(model, target)
    for environment in (model.environment, *model.others):
        lines: tuple[Line, ...] = (*environment.channels, *environment.lines)
        for line in lines:
            yield line.text, line.span, False
        for dependency in environment.conda:
            yield dependency.text, dependency.span, False
        if environment.python is not None:
            yield environment.python.channel, environment.python.span, False
        for requirement in (*environment.pip, *environment.constraints):
            if requirement.url:
                wheel = requirement.url.lower().startswith("http")
                fetched = wheel and may_hold(requirement.marker, python, target.platform)
                yield requirement.text, requirement.span, fetched


def _holds_credentials(address: str, *, strict: bool) -> bool:
    """Whether what would be hidden of an address is a secret: no variable, and no bare user name.

    A user name without a password may be a token; it is told by its length, or counts always where `strict`.
    """
    for hidden in _STARS.finditer(redact(address)):
        text = address[hidden.start() : hidden.end()]
        user, _, password = text.partition(":")
        in_front = address[: hidden.start()].endswith("://")
        if in_front and not password and not strict and len(user) < _TOKEN_LENGTH:
            continue
        if set(text) != {"*"} and not _VARIABLE.fullmatch(password or user):
            return True
    return False
