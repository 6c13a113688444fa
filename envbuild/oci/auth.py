"""Who one is to a registry: what it asks for (`WWW-Authenticate`), and what Docker's own configuration answers.

The configuration is read by docker's own code, with its stores and helpers, and only once a registry asks.
Nothing here is kept on disk, and no secret stands in a message or in a `repr`.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .reference import DEFAULT_DOMAIN

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way in that a server offers: `scheme` in lower case (`bearer`, `basic`), and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is known for a registry: a name and a password, or an identity token that stands for both."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def parse_challenges(text: str) -> tuple[Challenge, ...]:
    """The challenges of a `WWW-Authenticate` header (RFC 9110, 11.6.1), in its order.

    Several may stand in one header, and a quoted value may hold commas. What cannot be read ends the list.
    """
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while position < len(text):
        position = _skip(text, position)
        parameter = re.compile(rf"({_TOKEN})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|({_TOKEN}))").match(text, position)
        if parameter and found:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            position = parameter.end()
            continue
        scheme = re.compile(rf"({_TOKEN})(?=[\s,]|$)").match(text, position)
        if not scheme:
            break
        found.append((scheme.group(1).lower(), {}))
        position = scheme.end()
    return tuple(Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in ", \t":
        position += 1
    return position


def find_login(
    domain: str, repository: str, environ: Mapping[str, str] | None = None
) -> tuple[Login | None, tuple[str, ...]]:
    """What docker's or podman's configuration has for `domain` (`docker.io`, `registry.example:5000`).

    REGISTRY_AUTH_FILE comes first, then docker's own file (DOCKER_CONFIG), then podman's; a file of podman may
    name a repository. The second value tells of files and helpers that did not work.
    """
    from docker import auth
    from docker.errors import DockerException

    environ = os.environ if environ is None else environ
    troubles = []
    for path in _files(environ):
        if path is not None and not path.is_file():
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # docker warns of a missing helper; it is told here instead
                config = auth.load_config(None if path is None else str(path))
                entry = _narrowest(config.auths, domain, repository) or config.resolve_authconfig(domain)
        except (DockerException, ValueError, OSError, KeyError, TypeError, AttributeError) as error:
            what = "docker's configuration" if path is None else str(path)
            troubles.append(f"{what} cannot be used ({_reason(error)})")
            continue
        login = _login(entry)
        if login is not None:
            return login, tuple(troubles)
    return None, tuple(troubles)


def _files(environ: Mapping[str, str]) -> Iterator[Path | None]:
    """Where logins may be; None stands for the place that docker itself looks at."""
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    yield None
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    home = environ.get("XDG_CONFIG_HOME") or (environ["HOME"] + "/.config" if environ.get("HOME") else "")
    if home:
        yield Path(home, "containers/auth.json")


def _narrowest(auths: Mapping[str, Any], domain: str, repository: str) -> Any:
    """The entry for the repository or the nearest folder above it, as podman's files may have them."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        entry = auths.get("/".join([domain, *parts[:count]]))
        if entry:
            return entry
    return None


def _login(entry: Any) -> Login | None:
    """An entry of docker's configuration, whose keys differ between the file and a helper."""
    if not isinstance(entry, Mapping):
        return None
    given = {str(key).lower(): value for key, value in entry.items() if isinstance(value, str)}
    login = Login(
        username=given.get("username", ""),
        password=given.get("password", ""),
        identity_token=given.get("identitytoken", ""),
    )
    return login if login.identity_token or login.username else None


def _reason(error: BaseException) -> str:
    """Why, without anything that a configuration file holds."""
    from docker.errors import DockerException

    return str(error)[:200] if isinstance(error, DockerException) else type(error).__name__


def login_key(domain: str) -> str:
    """What a person types after `docker login`; nothing for Docker Hub."""
    return "" if domain == DEFAULT_DOMAIN else domain
