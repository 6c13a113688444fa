"""Serving profiles: what runs inside the image, as data. One small file a server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import UsageError
from ..model.types import Environment
from . import azureml, envbuild
from .types import RuntimeFile, Server, ServerPackage

__all__ = ["PROFILES", "RuntimeFile", "Server", "ServerPackage", "choose_server"]

PROFILES: Mapping[str, Server] = MappingProxyType(
    {server.name: server for server in (azureml.SERVER, envbuild.SERVER)}
)


def choose_server(requested: str, environment: Environment) -> tuple[Server, str]:
    """The profile that `requested` names and why, in a few words for the plan.

    `auto` is `azureml`, unless conda.yaml lists all packages of the `envbuild` profile by name. Raises
    UsageError for a name that no profile has.
    """
    if requested != "auto":
        if requested in PROFILES:
            return PROFILES[requested], "asked for"
        raise UsageError(
            f"there is no server {requested!r}",
            hint="choose one of " + ", ".join(["auto", *PROFILES]),
        )
    own = PROFILES["envbuild"]
    if environment.source == "conda.yaml" and all(environment.lists(p.name) for p in own.packages):
        names = ", ".join(p.name for p in own.packages)
        return own, f"conda.yaml lists its packages ({names})"
    return PROFILES["azureml"], "the default"
