"""Images that look like those of registries, made from a Python of this machine on top of an assembled base."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from envbuild.bases.types import Base
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.layer import build_layer
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar

_LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "ensurepip", "site-packages", "lib2to3"}
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_image(
    folder: Path,
    base: Base,
    store: Store,
    python: Path,
    prefix: str,
    settings: Mapping[str, Any],
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Path:
    """An OCI layout in `folder`: `base` with the Python whose executable is `python`, laid below `prefix`.

    `settings` is the image's `config`; `files` are further files, by path.
    """

    def write(tar: LayerTar) -> None:
        for path, what in sorted({**dict(_python(python, prefix)), **files}.items()):
            if isinstance(what, str):
                tar.symlink(path, what)
            else:
                data = what if isinstance(what, bytes) else what.read_bytes()
                executable = "/bin/" in path or path.endswith("/run") or ".so" in path
                tar.data(path, data, 0o755 if executable else 0o644)

    layer = build_layer(store, write)
    layers = [*base.layers, layer]
    config = {
        "architecture": base.architecture,
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        "history": [{"created_by": "the system"}, {"created_by": "Python"}],
    }
    write_layout(make_image(canonical_json(config), layers, {}), ["lookalike:1"], store, folder)
    return folder


def _python(executable: Path, prefix: str) -> Iterator[tuple[str, Path | str | bytes]]:
    """The files of an installed Python by their path in the image; its library is found beside its executable."""
    real = executable.resolve()
    home = real.parent.parent
    minor = ".".join(re.findall(r"\d+", real.name)[:2])
    content = real.read_bytes()
    folder = f"{home}/lib".encode()
    runpath = b"$ORIGIN/../lib"
    if folder in content and len(folder) >= len(runpath):
        content = content.replace(folder + b"\0", runpath.ljust(len(folder), b"\0") + b"\0")
    yield f"{prefix}/bin/python{minor}", content
    yield f"{prefix}/bin/python3", f"python{minor}"
    yield f"{prefix}/bin/python", "python3"
    for library in sorted((home / "lib").glob(f"libpython{minor}.so*")):
        yield f"{prefix}/lib/{library.name}", library.resolve()
    yield f"{prefix}/include/python{minor}/patchlevel.h", home / f"include/python{minor}/patchlevel.h"
    root = home / "lib" / f"python{minor}"
    for current, names, found in os.walk(root):
        names[:] = [name for name in names if name not in _LEFT_OUT and not name.startswith("config-")]
        for name in found:
            path = Path(current, name)
            if path.is_file():
                yield f"{prefix}/lib/python{minor}/{path.relative_to(root)}", path


def official(folder: Path, base: Base, store: Store, python: Path, version: str) -> Path:
    """Like `python:X.Y-slim`."""
    settings = {"Env": [f"PATH={PATH}", "LANG=C.UTF-8", "GPG_KEY=0", f"PYTHON_VERSION={version}"], "Cmd": ["python3"]}
    return write_image(folder, base, store, python, "usr/local", settings)


ENVIRONMENT = "/azureml-envs/mlflow"


def azure(
    folder: Path, base: Base, store: Store, python: Path, *, poison: Sequence[str], user: str = "dockeruser"
) -> Path:
    """Like Azure's inference base: an environment of its own, a supervisor, a user. `poison` are modules that fail."""
    minor = re.findall(r"\d+\.\d+", python.resolve().name)[0]
    site = f"{ENVIRONMENT[1:]}/lib/python{minor}/site-packages"
    settings = {
        "Env": [
            f"PATH={ENVIRONMENT}/bin:{PATH}",
            f"LD_LIBRARY_PATH={ENVIRONMENT}/lib",
            f"AZUREML_CONDA_ENVIRONMENT_PATH={ENVIRONMENT}",
            f"AZUREML_CONDA_DEFAULT_ENVIRONMENT={ENVIRONMENT}",
            "SVDIR=/var/runit",
            "WORKER_TIMEOUT=300",
            "AML_APP_ROOT=/var/mlflow_resources",
            "AZUREML_ENTRY_SCRIPT=mlflow_score_script.py",
            "AZUREML_INFERENCE_SERVER_HTTP_ENABLED=True",
        ],
        "User": user,
        "ExposedPorts": {"5001/tcp": {}, "8883/tcp": {}},
        "WorkingDir": "/",
        "Cmd": ["runsvdir", "/var/runit"],
    }
    files = {
        "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\ndockeruser:x:1000:1000::/home/dockeruser:/bin/sh\n",
        "etc/group": b"root:x:0:\ndockeruser:x:1000:\n",
        "var/runit/gunicorn/run": b"#!/bin/sh\nexit 100\n",
        **{f"{site}/{module}/__init__.py": b"raise SystemExit('the wrong environment')\n" for module in poison},
    }
    return write_image(folder, base, store, python, ENVIRONMENT[1:], settings, files)
