"""What lies beside the packages in an image, laid down in a folder of this machine: runtime, script, variables."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from ..oci.disk import storage_errors
from ..planner import Script
from ..planner.paths import CODE
from ..servers.files import RUNTIME
from ..servers.types import Server
from .environment import Environment

SITE = "site"
"""The folder, below a run's own, that is on Python's path."""
# What a server, or Python itself, would take from the caller's shell and an image does not have.
_DROPPED = (
    *("AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "MLFLOW_MODEL_FOLDER", "PORT"),
    *("__pyvenv_pypath_launcher__", "__pyvenv_launcher__", "VIRTUAL_ENV", "CONDA_PREFIX"),
)


def lay(folder: Path, server: Server, script: Script | None) -> None:
    """Copy the server's own files and the scoring script into `folder`, each where it lies in an image."""
    files = [(RUNTIME / file.source, file.path.format(site=SITE)) for file in server.files]
    files += [(entry.source, entry.path) for entry in (script.files if script else ())]
    with storage_errors(folder):
        for source, place in files:
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())


def variables(
    folder: Path, server: Server, script: Script | None, model: Path, environment: Environment
) -> dict[str, str]:
    """The variables that an image sets, with the places of this machine; `model` is the model's folder."""
    found = {
        "PATH": f"{environment.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "CONDA_PREFIX" if environment.lock.conda else "VIRTUAL_ENV": str(environment.folder),
        "PYTHONPATH": str(folder / SITE),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        # Bytecode goes here, and so never into the model's folder.
        "PYTHONPYCACHEPREFIX": str(environment.bytecode),
        "AZUREML_MODEL_DIR": str(model.parent),
        "MLFLOW_MODEL_FOLDER": model.name,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    for name, value in server.environment:
        found[name] = str(folder / value.lstrip("/")) if value.startswith("/") else value
    if script is not None:
        found |= {"AML_APP_ROOT": str(folder / CODE), "AZUREML_ENTRY_SCRIPT": script.entry}
    return found


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What the server sees of the caller's variables: all but those that would change Python or the server's places."""
    return {name: value for name, value in environ.items() if name not in _DROPPED and not name.startswith("PYTHON")}


def user() -> str:
    """Who the model's code runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def working_folder(folder: Path, server: Server, script: Script | None) -> Path:
    """Where the server starts: as in an image the code, the server's own root, or a folder with nothing to import."""
    if script is not None:
        return folder / CODE
    return folder / server.app_root.lstrip("/") if server.app_root else folder
