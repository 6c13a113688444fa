"""Where the model or script lies and how to serve it, read from the environment once."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StartError

FALLBACK_MODEL = "/opt/ml/model"
EVERYWHERE = "0.0.0.0"
_ON = ("on", "true", "1")
LOG_LEVELS = ("info", "debug", "warning", "error", "critical")


@dataclass(frozen=True)
class Settings:
    """How to serve. Sizes in bytes, times in seconds."""

    host: str = EVERYWHERE
    """ENVBUILD_HOST: the IP address to listen on; 0.0.0.0 is all of IPv4, `::` all of IPv6 and IPv4."""
    port: int = 8080
    """PORT"""
    workers: int = 1
    """WORKER_COUNT: processes that hold the model; 0 for `auto`, as many as CPU and memory of the container allow."""
    concurrency: int = 1
    """ENVBUILD_MAX_CONCURRENT: predictions that run at the same time in a worker."""
    body_limit: int = 100 << 20
    """ENVBUILD_MAX_BODY: a larger request body is refused with 413."""
    body_seconds: int = 60
    """ENVBUILD_BODY_SECONDS: a request whose body takes longer to arrive is refused with 408."""
    queue: int = 1000
    """ENVBUILD_MAX_QUEUE: requests that may wait for a worker; a further one is refused with 503."""
    timeout: float = 300.0
    """SCORING_TIMEOUT_MS, else WORKER_TIMEOUT: a prediction that takes longer is given up, and its worker replaced."""
    grace: int = 30
    """ENVBUILD_GRACE_SECONDS: how long requests under way may take after SIGTERM."""
    drain: float = 1.0
    """ENVBUILD_DRAIN_MS: how long new requests are still taken after SIGTERM, while clients hear of the end."""
    batch_size: int = 1
    """ENVBUILD_BATCH_MAX_SIZE: requests that may share one prediction."""
    batch_delay: float = 0.0
    """ENVBUILD_BATCH_MAX_DELAY_MS: how long a request may wait for others to share a prediction with."""
    compat: str = ""
    """ENVBUILD_COMPAT: `azureml` or `mlflow` for the status and body that that server answers errors with."""
    model_name: str = "model"
    """ENVBUILD_MODEL_NAME: the model's name in the Open Inference protocol."""
    origins: tuple[str, ...] = ()
    """AML_CORS_ORIGINS: the origins whose pages may send requests; `*` for all."""
    log_format: str = "json"
    """ENVBUILD_LOG_FORMAT: `json` or `text`."""
    log_level: str = "info"
    """ENVBUILD_LOG_LEVEL: `debug`, `info`, `warning`, `error` or `critical`; what is less severe is not logged."""
    log_prints: bool = True
    """ENVBUILD_LOG_PRINTS: whether what the model prints goes to the log: `on` or `off`."""
    metrics: int = 1
    """ENVBUILD_METRICS: where /metrics is answered: `on` (1), `off` (0), or on a port of its own."""
    docs: int = 1
    """ENVBUILD_DOCS: the same for /docs and /openapi.json."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; StartError names the variable whose value cannot be used."""
    auto = environment.get("WORKER_COUNT", "").strip().lower() == "auto"
    return Settings(
        host=host_address(environment),
        port=number(environment, "PORT", Settings.port, 1, 65535),
        workers=0 if auto else number(environment, "WORKER_COUNT", Settings.workers, 1, 1024),
        concurrency=number(environment, "ENVBUILD_MAX_CONCURRENT", Settings.concurrency, 1, 1024),
        body_limit=number(environment, "ENVBUILD_MAX_BODY", Settings.body_limit, 1, 1 << 40),
        body_seconds=number(environment, "ENVBUILD_BODY_SECONDS", Settings.body_seconds, 1, 86400),
        queue=number(environment, "ENVBUILD_MAX_QUEUE", Settings.queue, 1, 1 << 20),
        timeout=_timeout(environment),
        grace=number(environment, "ENVBUILD_GRACE_SECONDS", Settings.grace, 0, 86400),
        drain=number(environment, "ENVBUILD_DRAIN_MS", int(Settings.drain * 1000), 0, 3_600_000) / 1000,
        batch_size=number(environment, "ENVBUILD_BATCH_MAX_SIZE", Settings.batch_size, 1, 1 << 16),
        batch_delay=number(environment, "ENVBUILD_BATCH_MAX_DELAY_MS", 0, 0, 60_000) / 1000,
        compat=choice(environment, "ENVBUILD_COMPAT", ("", "azureml", "mlflow")),
        model_name=_model_name(environment),
        origins=tuple(part.strip() for part in environment.get("AML_CORS_ORIGINS", "").split(",") if part.strip()),
        log_format=choice(environment, "ENVBUILD_LOG_FORMAT", ("json", "text")),
        log_level=choice(environment, "ENVBUILD_LOG_LEVEL", LOG_LEVELS),
        log_prints=choice(environment, "ENVBUILD_LOG_PRINTS", ("on", "true", "1", "off", "false", "0")) in _ON,
        metrics=_place(environment, "ENVBUILD_METRICS"),
        docs=_place(environment, "ENVBUILD_DOCS"),
    )


def model_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder that holds MLmodel: AZUREML_MODEL_DIR/MLFLOW_MODEL_FOLDER, else /opt/ml/model."""
    tried = []
    base = environment.get("AZUREML_MODEL_DIR")
    if base:
        tried.append(Path(base, environment.get("MLFLOW_MODEL_FOLDER") or "model"))
        tried.append(Path(base))
    tried.append(Path(FALLBACK_MODEL))
    for folder in tried:
        if (folder / "MLmodel").is_file():
            # MLflow refuses a path that is a link, as the last one is in images that have the model elsewhere.
            return folder.resolve()
    raise StartError(
        "There is no MLmodel in " + ", ".join(map(str, tried)) + ". Set AZUREML_MODEL_DIR and MLFLOW_MODEL_FOLDER."
    )


def script_path(environment: Mapping[str, str]) -> tuple[Path, Path] | None:
    """Return (AML_APP_ROOT, the scoring script that AZUREML_ENTRY_SCRIPT names below it), or None if unset."""
    name = environment.get("AZUREML_ENTRY_SCRIPT")
    if not name:
        return None
    root = Path(environment.get("AML_APP_ROOT") or os.curdir).resolve()
    if not (root / name).is_file():
        raise StartError(
            f"The scoring script {root / name} does not exist. Check AML_APP_ROOT and AZUREML_ENTRY_SCRIPT."
        )
    return root, root / name


def model_config(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Return SERVING_MODEL_CONFIG, a JSON object that overrides the model's own configuration, or None."""
    text = environment.get("SERVING_MODEL_CONFIG")
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StartError(f"SERVING_MODEL_CONFIG is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise StartError("SERVING_MODEL_CONFIG has to be a JSON object.")
    return value


def number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """Return the whole number that the variable `name` holds, or `default` if it is unset or empty."""
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise StartError(f"{name} is {text!r}: a whole number from {low} to {high} is needed.")
    return int(text)


def host_address(environment: Mapping[str, str]) -> str:
    """Return the IP address in ENVBUILD_HOST; 0.0.0.0 if it is unset or empty."""
    text = environment.get("ENVBUILD_HOST", "").strip() or EVERYWHERE
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise StartError(
            f"ENVBUILD_HOST is {text!r}: an IP address is needed; 0.0.0.0 or :: for every address."
        ) from None
    return text


def in_brackets(host: str) -> str:
    """Return an address as it stands before `:PORT`: one of IPv6 has colons of its own."""
    return f"[{host}]" if ":" in host else host


def choice(environment: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """Return the word that the variable `name` holds, in lower case; the first of `words` if it is unset or empty."""
    text = environment.get(name, "").strip().lower()
    if not text:
        return words[0]
    if text not in words:
        raise StartError(f"{name} is {text!r}: one of {', '.join(word for word in words if word)} is needed.")
    return text


def _timeout(environment: Mapping[str, str]) -> float:
    # The shorter holds, as under Azure ML's server.
    given = [
        number(environment, name, 0, 1, 1 << 31) / unit
        for name, unit in (("SCORING_TIMEOUT_MS", 1000), ("WORKER_TIMEOUT", 1))
        if environment.get(name, "").strip()
    ]
    return min(given, default=Settings.timeout)


def _model_name(environment: Mapping[str, str]) -> str:
    name = environment.get("ENVBUILD_MODEL_NAME") or Settings.model_name
    if "/" in name:
        raise StartError(f"ENVBUILD_MODEL_NAME is {name!r}: it is a part of paths, so it cannot hold a slash.")
    return name


def _place(environment: Mapping[str, str], name: str) -> int:
    words = {"": 1, "on": 1, "true": 1, "off": 0, "false": 0}
    text = environment.get(name, "").strip().lower()
    place = words[text] if text in words else number(environment, name, 1, 0, 65535)
    # The server's own port by its number.
    return 1 if place == number(environment, "PORT", Settings.port, 1, 65535) else place
