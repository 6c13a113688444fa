"""Where the model or script lies and how to serve it, read from the environment once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StartError

FALLBACK_MODEL = "/opt/ml/model"


@dataclass(frozen=True)
class Settings:
    """How to serve. Sizes in bytes, times in seconds."""

    port: int = 8080
    """PORT"""
    concurrency: int = 1
    """ENVBUILD_MAX_CONCURRENT: predictions that run at the same time."""
    body_limit: int = 100 << 20
    """ENVBUILD_MAX_BODY: a larger request body is refused with 413."""
    grace: int = 30
    """ENVBUILD_GRACE_SECONDS: how long requests under way may take after SIGTERM."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; StartError names the variable that holds no usable number."""
    return Settings(
        port=number(environment, "PORT", Settings.port, 1, 65535),
        concurrency=number(environment, "ENVBUILD_MAX_CONCURRENT", Settings.concurrency, 1, 1024),
        body_limit=number(environment, "ENVBUILD_MAX_BODY", Settings.body_limit, 1, 1 << 40),
        grace=number(environment, "ENVBUILD_GRACE_SECONDS", Settings.grace, 0, 86400),
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
            return folder
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
