"""Serving profiles: what runs inside the image, as data. One small file a server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import UsageError
from ..model.types import Environment
from . import azureml, envbuild, mlflow
from .editions import edition_for, mlflow_range
from .optional import brought, for_script
from .types import RuntimeFile, Server, ServerPackage

__all__ = [
    "PROFILES",
    "RuntimeFile",
    "Server",
    "ServerPackage",
    "brought",
    "choose_server",
    "edition_for",
    "for_script",
    "mlflow_range",
    "refuse_script",
]

PROFILES: Mapping[str, Server] = MappingProxyType(
    {server.name: server for server in (azureml.SERVER, envbuild.SERVER, mlflow.SERVER)}
)


def choose_server(requested: str, environment: Environment, platform: str = "linux/amd64") -> tuple[Server, str]:
    """The profile that `requested` names and why, in a few words for the plan.

    `auto` is `azureml`, unless conda.yaml lists all packages of the `envbuild` profile by name for `platform`. Raises
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
    if environment.source == "conda.yaml" and all(environment.lists(p.name, platform=platform) for p in own.packages):
        names = ", ".join(p.name for p in own.packages)
        return own, f"conda.yaml lists its packages ({names})"
    return PROFILES["azureml"], "the default"


def refuse_script(server: Server) -> None:
    """Raise UsageError if `server` cannot run a scoring script."""
    if not server.takes_script:
        takers = " or ".join(f"--server {profile.name}" for profile in PROFILES.values() if profile.takes_script)
        raise UsageError(
            f"the {server.name} server takes no scoring script: it serves the model alone",
            hint=f"{takers} runs one; or leave --scoring-script out",
        )
