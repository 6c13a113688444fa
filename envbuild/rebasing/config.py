"""The config of an image on another base: what is the image's own is told from what it has of its base.

The way back is checked: put on the base that it is on, the image must get the very config that it has. So what was
altered after envbuild made it, or was made by rules of another version, is refused and not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..planner.config import BASE_LABELS, environment_on, inherited_from, user_on, variant_of
from ..records import dataclass
from .types import Recorded

# What every image of envbuild says of itself, whatever its base says.
LOCK = "dev.envbuild.lock"
_OWN_LABELS = (
    "org.opencontainers.image.title",
    "org.opencontainers.image.description",
    "dev.envbuild.server",
    LOCK,
)
_SETTINGS = ("Entrypoint", "Cmd", "WorkingDir", "StopSignal", "Healthcheck")


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What an image config has that is not its base's: settings, variables in their order, ports, labels.

    `conda` tells that Python is one of conda's packages in the image.
    """

    settings: Mapping[str, Any]
    variables: Mapping[str, str]
    ports: tuple[str, ...]
    labels: Mapping[str, str]
    conda: bool = False


def own_of(
    config: Mapping[str, Any], old_config: Mapping[str, Any], annotations: Mapping[str, str], recorded: Recorded
) -> Own:
    """What `config` has beyond that of its base. `annotations` are those of its manifest, where it has one.

    `recorded` tells the variables and labels that a person gave. Without it, those with the very value of the base
    count as the base's.
    """
    settings, inherited = config.get("config") or {}, inherited_from(old_config)
    conda = bool(recorded.conda)
    begun = environment_on(inherited.get("Env") or (), user_on(old_config)[1], conda=conda)
    variables = dict(str(entry).partition("=")[::2] for entry in settings.get("Env") or ())
    labels, theirs = settings.get("Labels") or {}, inherited.get("Labels") or {}
    exposed, probed = inherited.get("ExposedPorts") or {}, _probed_port(settings)
    given = {name: variables[name] for name in recorded.variables if name in variables}
    other = {name: value for name, value in variables.items() if begun.get(name) != value and name not in given}
    return Own(
        settings={name: settings[name] for name in _SETTINGS if name in settings},
        variables={**other, **given},
        ports=tuple(port for port in settings.get("ExposedPorts") or {} if port not in exposed or port == probed),
        labels={
            name: value
            for name, value in labels.items()
            if (name not in BASE_LABELS or name in recorded.labels)
            and (
                name in _OWN_LABELS
                or name in recorded.labels
                or theirs.get(name) != value
                or annotations.get(name) == value
            )
        },
        conda=conda,
    )


def config_on(
    own: Own, base_config: Mapping[str, Any], architecture: str, labels: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The config on a base, without `rootfs` and `history`, and the manifest's annotations.

    `labels` are what the image says of that base, unless a person said something else.
    """
    inherited = inherited_from(base_config)
    user, user_name = user_on(base_config)
    variables = environment_on(inherited.get("Env") or (), user_name, conda=own.conda)
    variables.update(own.variables)
    theirs = {name: value for name, value in own.labels.items() if name in BASE_LABELS}
    told = dict(sorted({**own.labels, **labels, **theirs}.items()))
    config = {
        "architecture": architecture,
        **variant_of(base_config, architecture),
        "os": "linux",
        "config": {
            **inherited,
            **own.settings,
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "User": user,
            "ExposedPorts": {**(inherited.get("ExposedPorts") or {}), **{port: {} for port in own.ports}},
            "Labels": dict(sorted({**(inherited.get("Labels") or {}), **told}.items())),
        },
    }
    return config, told


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an image config as texts."""
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, Mapping) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, Mapping) else {}


def _probed_port(settings: Mapping[str, Any]) -> str:
    """The server's own port, which the health check asks: `5001/tcp`."""
    healthcheck = settings.get("Healthcheck")
    test = healthcheck.get("Test") if isinstance(healthcheck, Mapping) else None
    return f"{test[-2]}/tcp" if isinstance(test, list) and len(test) > 1 else ""
