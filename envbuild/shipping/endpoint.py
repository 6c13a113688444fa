"""Where engines may be: DOCKER_HOST, Docker's current context, and the sockets that engines make."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records import dataclass

_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address, and who named it. `socket` is the path of a unix socket; `tls` the folder of the key files.

    An endpoint that cannot be read has a `problem` and a `hint` instead.
    """

    address: str = ""
    socket: str = ""
    tls: str = ""
    verify: bool = True
    problem: str = ""
    hint: str = ""


def candidates(environment: Mapping[str, str] | None = None) -> Iterator[Endpoint]:
    """The endpoints to try, in order. One that the person named is the only one."""
    env = os.environ if environment is None else environment
    home = Path(env.get("HOME") or Path.home())
    config = Path(env.get("DOCKER_CONFIG") or home / ".docker")
    if host := env.get("DOCKER_HOST", ""):
        tls = env.get("DOCKER_CERT_PATH") or str(config)
        verify = bool(env.get("DOCKER_TLS_VERIFY"))
        secured = verify or bool(env.get("DOCKER_CERT_PATH"))
        yield _endpoint(host, "DOCKER_HOST", tls=tls if secured else "", verify=verify)
        return
    context = env.get("DOCKER_CONTEXT") or str(_read(config / "config.json").get("currentContext") or _DEFAULT)
    if context != _DEFAULT:
        yield _context(config, context)
        return
    for path in _sockets(env, home):
        if path.exists():
            yield Endpoint(address=f"unix://{path}", socket=str(path))


def _sockets(env: Mapping[str, str], home: Path) -> list[Path]:
    runtime = Path(env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return [
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        home / ".docker" / "run" / "docker.sock",
        runtime / "podman" / "podman.sock",
        Path("/run/podman/podman.sock"),
    ]


def _endpoint(host: str, origin: str, *, tls: str = "", verify: bool = True) -> Endpoint:
    scheme, separator, rest = host.partition("://")
    if scheme == "unix" and rest:
        return Endpoint(address=host, socket=rest)
    if separator and rest and scheme in ("tcp", "http", "https", "ssh"):
        return Endpoint(address=host, tls=tls, verify=verify)
    return Endpoint(
        problem=f"{origin} names the engine {host!r}, and that is no address",
        hint="an address is unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST",
    )


def _context(config: Path, name: str) -> Endpoint:
    """The endpoint of a Docker context, from its file of metadata."""
    folder = hashlib.sha256(name.encode()).hexdigest()
    docker = _read(config / "contexts" / "meta" / folder / "meta.json").get("Endpoints", {}).get("docker", {})
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(host, str) or not host:
        return Endpoint(
            problem=f"Docker's context {name!r} is not among those in {config / 'contexts'}",
            hint="list them with `docker context ls` and choose one with `docker context use`",
        )
    tls = config / "contexts" / "tls" / folder / "docker"
    return _endpoint(
        host,
        f"Docker's context {name!r}",
        tls=str(tls) if tls.is_dir() else "",
        verify=not docker.get("SkipTLSVerify", False),
    )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object of Docker's configuration; empty where there is none to read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
