"""The image config: how a container of the image starts, as whom, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..bases.types import Base
from .inputs import Inputs
from .paths import CODE, MODEL_FOLDER, MODEL_PARENT, PREFIX, USER, site_packages

SECOND = 1_000_000_000  # Docker's config counts in nanoseconds
_VARIANTS = {"arm64": "v8"}


def image_config(inputs: Inputs) -> dict[str, Any]:
    """The config without `rootfs` and `history`; unknown keys of the base are added by whoever finishes it."""
    server = inputs.server
    inherited = inherited_from(inputs.base.config)
    return {
        "architecture": inputs.base.architecture,
        **variant(inputs),
        "os": "linux",
        "config": {
            **inherited,
            "Env": environment(inputs, inherited.get("Env") or ()),
            "Entrypoint": list(server.command),
            "Cmd": [],
            "User": user(inputs)[0],
            "WorkingDir": "/" + CODE if inputs.script else server.app_root,
            # What a base exposes stays so: no Dockerfile could take it back.
            "ExposedPorts": {**(inherited.get("ExposedPorts") or {}), f"{server.port}/tcp": {}},
            "StopSignal": "SIGTERM",
            "Healthcheck": _healthcheck(inputs),
            "Labels": labels(inputs, inherited.get("Labels") or {}),
        },
    }


def inherited_from(base_config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a base that an image on it begins with."""
    inherited = dict(base_config.get("config") or {})
    for key in ("Entrypoint", "Cmd", "Healthcheck", "ArgsEscaped", "OnBuild", "Shell"):
        inherited.pop(key, None)
    return inherited


def variant(inputs: Inputs) -> dict[str, str]:
    """The variant of the architecture, as the base has it; 64-bit ARM is v8 where that says nothing."""
    return variant_of(inputs.base.config, inputs.base.architecture)


def variant_of(base_config: Mapping[str, Any], architecture: str) -> dict[str, str]:
    """The variant that an image on a base with this config has."""
    named = str(base_config.get("variant") or "") or _VARIANTS.get(architecture, "")
    return {"variant": named} if named else {}


def user(inputs: Inputs) -> tuple[str, str]:
    """Whom the container runs as, and that user's name.

    A base laid out like Azure's inference base has made a user of its own for serving, who owns what a server may
    write; of any other base nobody is known.
    """
    return user_on(inputs.base.config)


def user_on(base_config: Mapping[str, Any]) -> tuple[str, str]:
    """`user` of an image on a base with this config."""
    theirs = str((base_config.get("config") or {}).get("User") or "")
    name = theirs.partition(":")[0]
    if not _is_azure_like(base_config) or name in ("", "0", "root"):
        return USER, "nonroot"
    return theirs, "nonroot" if name.isdecimal() else name


def is_azure_like(inputs: Inputs) -> bool:
    """Whether the base keeps its Python where Azure's inference base does, and says so."""
    return _is_azure_like(inputs.base.config)


def _is_azure_like(base_config: Mapping[str, Any]) -> bool:
    given = (base_config.get("config") or {}).get("Env") or ()
    return any(str(entry).startswith("AZUREML_CONDA_ENVIRONMENT_PATH=/") for entry in given)


def environment(inputs: Inputs, inherited: Iterable[str]) -> list[str]:
    """The base's variables in their order, then ours, then the person's; a later value replaces an earlier one."""
    values = environment_on(inherited, user(inputs)[1], conda=bool(inputs.lock.conda))
    values.update(inputs.server.environment)
    if inputs.script is not None:
        values["AML_APP_ROOT"] = f"/{CODE}"
        values["AZUREML_ENTRY_SCRIPT"] = inputs.script.entry
    values.update(inputs.environment)
    return [f"{name}={value}" for name, value in values.items()]


def environment_on(inherited: Iterable[str], user_name: str, *, conda: bool = False) -> dict[str, str]:
    """The variables of every image on a base that has `inherited`, before those of its server and the person's.

    `conda` tells that Python is one of conda's packages.
    """
    values = dict(entry.partition("=")[::2] for entry in inherited)
    path = values.get("PATH") or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    values["PATH"] = f"/{PREFIX}/bin:{path}"
    values.update(
        {
            "VIRTUAL_ENV": f"/{PREFIX}",
            "LANG": values.get("LANG") or "C.UTF-8",
            # Any user id must work, with or without a passwd entry, on a read-only root.
            "HOME": "/tmp",
            "USER": user_name,
            "LOGNAME": user_name,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AZUREML_MODEL_DIR": f"/{MODEL_PARENT}",
            "MLFLOW_MODEL_FOLDER": MODEL_FOLDER,
            # A serving container calls nobody.
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
    )
    # What a base says of a scoring script or of another Python's home does not hold for ours, and cannot be unset.
    values.update({name: "" for name in ("AZUREML_ENTRY_SCRIPT", "PYTHONHOME") if name in values})
    if conda:
        # The prefix is an environment of conda's, and no virtual one.
        values = {"CONDA_PREFIX" if name == "VIRTUAL_ENV" else name: value for name, value in values.items()}
        values["CONDA_PREFIX"] = f"/{PREFIX}"
    return values


def labels(inputs: Inputs, inherited: Mapping[str, str]) -> dict[str, str]:
    """The base's labels, which no Dockerfile could take back, and the image's own."""
    return dict(sorted({**inherited, **own_labels(inputs)}.items()))


def own_labels(inputs: Inputs) -> dict[str, str]:
    """What can be said of the image for ever, no clock, path or address, and what the person says of it.

    The manifest has them as annotations. What a base says of itself, its title or version, holds for no image on it.
    """
    mlmodel = inputs.model.mlmodel
    loader = (mlmodel.loader_module if mlmodel else "") or "python_function"
    ours = {
        "org.opencontainers.image.title": "MLflow model",
        "org.opencontainers.image.description": f"An MLflow model ({loader}) behind {inputs.server.title}",
        "dev.envbuild.server": inputs.server.name,
        "dev.envbuild.lock": inputs.lock.digest,
        **base_labels(inputs.base),
    }
    if mlmodel is not None:
        ours |= {
            "org.opencontainers.image.version": mlmodel.model_id or mlmodel.model_uuid,
            "dev.envbuild.model.id": mlmodel.model_id or mlmodel.model_uuid,
            "dev.envbuild.model.run": mlmodel.run_id,
            "dev.envbuild.model.mlflow": mlmodel.mlflow_version,
        }
    own = {**{name: value for name, value in ours.items() if value}, **dict(inputs.labels)}
    return dict(sorted(own.items()))


BASE_LABELS = (
    "dev.envbuild.python",
    "dev.envbuild.base.name",
    "dev.envbuild.base.digest",
    "org.opencontainers.image.base.name",
    "org.opencontainers.image.base.digest",
)


def base_labels(base: Base) -> dict[str, str]:
    """What an image says of its base: BASE_LABELS, as far as there is something to say."""
    name = _public_name(base)
    named = not base.assembled and name
    values = (base.interpreter.version, name, base.digest, name if named else "", base.digest if named else "")
    return {label: value for label, value in zip(BASE_LABELS, values, strict=True) if value}


def public_base(inputs: Inputs) -> str:
    """The base's name where it is not a path of this machine, else nothing."""
    return _public_name(inputs.base)


def _public_name(base: Base) -> str:
    kind, _, rest = base.name.partition(":")
    if kind == "docker-daemon":
        return rest
    return base.public_name


def _healthcheck(inputs: Inputs) -> dict[str, Any]:
    # $PORT wins over the port that is given here.
    probe = f"/{site_packages(inputs.base.interpreter.minor)}/envbuild_runtime/health.py"
    target = [str(inputs.server.port), inputs.server.liveness]
    return {
        "Test": ["CMD", f"/{PREFIX}/bin/python", "-S", "-E", probe, *target],
        "Interval": 30 * SECOND,
        "Timeout": 5 * SECOND,
        "StartPeriod": 60 * SECOND,
        "Retries": 3,
    }
