"""Folders of a person's own, laid into containers as Azure ML lays code: mounted, and named by AML_APP_ROOT."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from containers import STRICT

ROOT = "/var/azureml-app/root"


def options(folder: Path, /, **variables: object) -> tuple[str, ...]:
    """The engine's options for a strict container with the folder as AML_APP_ROOT, and variables."""
    for path in (folder, *folder.rglob("*")):
        # The container's user is nobody here.
        path.chmod(0o755 if path.is_dir() else 0o644)
    return (*STRICT, "--volume", f"{folder}:{ROOT}:ro", *settings(AML_APP_ROOT=ROOT, **variables))


def settings(**variables: object) -> tuple[str, ...]:
    """The engine's options for variables."""
    return tuple(part for name, value in variables.items() for part in ("--env", f"{name}={value}"))


def write(folder: Path, files: Mapping[str, object]) -> None:
    """Write JSON files, named without their `.json`."""
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
