"""Which builder makes the image: BuildKit where engine and client have it, else the engine's classic builder.

BuildKit needs a client that speaks its session protocol. Every `docker` on PATH is looked at: one with the buildx
plugin, or one older than 23, which has BuildKit built in.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import EngineError
from .connection import Connection

_ENGINE_SINCE = (18, 9)
_PLUGIN_SINCE = (23, 0)  # from here on the client itself has no BuildKit
_PATIENCE = 30  # seconds for an answer of a docker client
_INSTALL = (
    "install Docker's buildx plugin (docker-buildx or docker-buildx-plugin in most distributions), "
    "or build with --builder classic"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The builder, and why this one. `client` is the docker program that BuildKit is reached by.

    `plugin` tells that it is reached by `docker buildx build`, else it is `docker build` with DOCKER_BUILDKIT=1.
    """

    kind: Literal["classic", "buildkit"]
    why: str
    client: str = ""
    plugin: bool = False


def choose_builder(wish: str, connection: Connection, environ: Mapping[str, str] | None = None) -> Builder:
    """The builder for `wish` (`auto`, `classic` or `buildkit`). EngineError: BuildKit is wanted and cannot be had."""
    env = os.environ if environ is None else environ
    if wish == "classic":
        return Builder(kind="classic", why="--builder classic")
    if wish == "auto" and env.get("DOCKER_BUILDKIT", "").lower() in ("0", "false"):
        return Builder(kind="classic", why=f"DOCKER_BUILDKIT={env['DOCKER_BUILDKIT']}")
    looked = []
    problem = _engine_problem(connection)
    if not problem:
        for path in clients(env):
            found, reason = _look(path, connection, env)
            if found is not None:
                return found
            looked.append(f"{path}: {reason}")
        problem = "; ".join(looked) or "there is no docker client on PATH"
    if wish == "buildkit":
        raise EngineError(f"BuildKit cannot be had: {problem}", hint=_INSTALL)
    return Builder(kind="classic", why=f"no BuildKit: {problem}")


def clients(environ: Mapping[str, str]) -> list[str]:
    """Every `docker` on PATH, each file once, in PATH's order."""
    found: dict[Path, str] = {}
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder or ".") / "docker"
        if path.is_file() and os.access(path, os.X_OK):
            found.setdefault(path.resolve(), str(path.absolute()))
    return list(found.values())


def _engine_problem(connection: Connection) -> str:
    if connection.product != "docker":
        return f"{connection.title} has its own builder"
    version = _version(connection.version)
    if version and version < _ENGINE_SINCE:
        return f"the engine is {connection.title}, and BuildKit came with 18.09"
    return ""


def _look(path: str, connection: Connection, environ: Mapping[str, str]) -> tuple[Builder | None, str]:
    """What the client at `path` can do with this engine: a builder, or None and why not."""
    code, answer = _ask(path, ["version", "--format", "{{.Client.Version}} {{.Server.Version}}"], connection, environ)
    if code:
        return None, answer or "it does not run"
    title = answer.partition(" ")[0]
    version = _version(title)
    code, plugin = _ask(path, ["buildx", "version"], connection, environ)
    if not code:
        name = " ".join(plugin.split()[1:2]) or "its own"
        return Builder(kind="buildkit", client=path, plugin=True, why=f"{path} {title} has buildx ({name})"), ""
    if version and version < _PLUGIN_SINCE:
        return Builder(kind="buildkit", client=path, why=f"{path} {title} has BuildKit built in"), ""
    return None, f"version {title} has no buildx plugin"


def _ask(path: str, words: list[str], connection: Connection, environ: Mapping[str, str]) -> tuple[int, str]:
    """Exit code, and the first line of stdout, or the last of stderr where it failed."""
    try:
        done = subprocess.run(
            [path, *words],
            env=connection.environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "it does not answer"
    except OSError as error:
        return 1, f"it cannot be run: {error.strerror}"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines() or [""]
    return done.returncode, lines[-1 if done.returncode else 0].strip()


def _version(text: str) -> tuple[int, int] | None:
    """Major and minor of `20.10.24+dfsg1`; None for what is no version."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None
