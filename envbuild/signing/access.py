"""What cosign is told of a registry: the login and the trust that envbuild itself has there, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..errors import EnvbuildError, NetworkError, RegistryError, UsageError
from ..oci.auth import find_login, login_key
from ..oci.endpoint import endpoint_of
from ..oci.patience import BrokenError
from ..oci.reference import DEFAULT_DOMAIN
from ..oci.remote import RemoteImage, parse_remote
from ..records import dataclass

if TYPE_CHECKING:
    from ..oci.auth import Login
    from ..oci.transport import Transport
    from .cosign import Done

# The name that Docker's configuration has for Docker Hub.
_HUB_KEY = "https://index.docker.io/v1/"
_LATER = re.compile(
    r"connection (refused|reset)|\bEOF\b|i/o timeout|deadline exceeded|handshake timeout|broken pipe|no such host"
    r"|TOOMANYREQUESTS|UNAVAILABLE|status code (408|425|429|500|502|503|504)\b|INTERNAL_SERVER_ERROR"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How cosign gets at one image: `reference` is what it knows it by, with the digest; `folder` is emptied after."""

    reference: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    secrets: tuple[str, ...]
    folder: Path


@contextmanager
def access(image: RemoteImage, transport: Transport, *, mirror: bool = False) -> Iterator[Access]:
    """The access to `image`, which has a digest. With `mirror` that of Docker Hub stands in for it.

    Logins are in a file that nobody else may read, which is gone afterwards.
    """
    endpoint = endpoint_of(image, transport.environ if mirror else {})
    host = DEFAULT_DOMAIN if endpoint.hub else endpoint.host
    logins = {_key(endpoint.domain): find_login(endpoint.domain, endpoint.prefix + image.path, transport.environ)[0]}
    # cosign itself can be told to keep signatures elsewhere.
    try:
        other = parse_remote(transport.environ.get("COSIGN_REPOSITORY", ""))
        logins.setdefault(_key(other.domain), find_login(other.domain, other.path, transport.environ)[0])
    except UsageError:
        pass
    with TemporaryDirectory(prefix="envbuild-", dir=_private_folder(transport.environ)) as name:
        folder = Path(name)
        entries = {key: _entry(login) for key, login in logins.items() if login is not None}
        _write_private(folder / "config.json", json.dumps({"auths": entries}))
        environ = {**transport.environ, "DOCKER_CONFIG": str(folder)}
        environ.pop("REGISTRY_AUTH_FILE", None)
        secrets = [text for login in logins.values() if login for text in (login.password, login.identity_token)]
        yield Access(
            reference=f"{host}/{endpoint.prefix}{image.path}@{image.digest}",
            arguments=tuple(_trust(endpoint.host, transport, folder)),
            environ=environ,
            secrets=tuple(text for text in secrets if text),
            folder=folder,
        )


def trouble(done: Done, what: str, image: RemoteImage) -> EnvbuildError:
    """The error for a run that failed at the registry: BrokenError where another attempt may do.

    `what` says what did not happen, as `registry.example/a@sha256:... is not signed`; a BrokenError has the reason
    alone.
    """
    reason = done.reason
    log_in = f"`docker login {login_key(image.domain)}`".replace(" `", "`")
    if re.search(r"UNAUTHORIZED|status code 401", reason):
        return RegistryError(f"{what}: {image.domain} wants a login ({reason})", hint=f"log in: {log_in}")
    if re.search(r"DENIED|FORBIDDEN|status code 403", reason):
        return RegistryError(f"{what}: {image.domain} gives no access ({reason})", hint="ask for access")
    if "x509: " in reason or "tls: " in reason:
        return NetworkError(f"{what}: no trusted connection to {image.domain} ({reason})", hint="check its certificate")
    if _LATER.search(reason):
        return BrokenError(reason)
    return EnvbuildError(f"{what}: {reason}", hint="cosign says so")


def _trust(host: str, transport: Transport, folder: Path) -> list[str]:
    """The arguments for the certificates that count at `host`."""
    if host in transport.insecure:
        return ["--allow-insecure-registry", "--allow-http-registry"]
    found = transport.certificates(host)
    bundle = _bundle(found.get("verify"), transport.environ)
    arguments = []
    if bundle is not None:
        # cosign trusts these and no others, also for the registry's server for tokens.
        path = folder / "ca.pem"
        path.write_bytes(bundle)
        arguments.append(f"--registry-cacert={path}")
    if "cert" in found:
        certificate, key = found["cert"]
        arguments += [f"--registry-client-cert={certificate}", f"--registry-client-key={key}"]
    return arguments


def _bundle(named: Any, environ: Mapping[str, str]) -> bytes | None:
    """The authorities to trust as PEM: those of `named`, and those that requests trusts. None for a folder of them."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    variables = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    usual = next((environ[variable] for variable in variables if environ.get(variable)), DEFAULT_CA_BUNDLE_PATH)
    parts = []
    for path in dict.fromkeys(str(path) for path in (named, usual) if path):
        if Path(path).is_dir():
            return None
        try:
            parts.append(Path(path).read_bytes().rstrip() + b"\n")
        except OSError as error:
            raise NetworkError(
                f"{path}: {(error.strerror or 'cannot be read').lower()}", hint="it was named for certificates"
            ) from error
    return b"".join(parts)


def _key(domain: str) -> str:
    return _HUB_KEY if domain == DEFAULT_DOMAIN else domain


def _entry(login: Login) -> dict[str, str]:
    if login.identity_token:
        return {"identitytoken": login.identity_token}
    return {"auth": base64.b64encode(f"{login.username}:{login.password}".encode()).decode()}


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _private_folder(environ: Mapping[str, str]) -> str | None:
    """A folder that is no disk, where there is one: nothing of a login outlives a run that is killed for long."""
    named = environ.get("XDG_RUNTIME_DIR", "")
    return named if named and Path(named).is_dir() and os.access(named, os.W_OK) else None
