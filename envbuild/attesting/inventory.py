"""All parts of an image: of one that was planned, or of one that is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..bases.types import Base
from ..oci.store import Store
from ..planner.paths import CODE, MODEL
from ..planner.types import FileEntry, Plan
from ..resolver.types import Lock
from . import purl
from .files import Files
from .system import base_packages, is_system_file, system_components
from .tool import version
from .types import Component, Inventory
from .wheels import Fetch, installed_packages, is_metadata, locked_packages

_OURS = "dev.envbuild."
_TITLE = "org.opencontainers.image.title"
_RUNTIME = "/site-packages/envbuild_runtime/"


def planned_inventory(
    plan: Plan, *, lock: Lock, base: Base, store: Store, fetch: Fetch, created: str = ""
) -> Inventory:
    """What the image of `plan` will consist of; `lock` and `base` are those that it was planned with.

    `fetch` brings wheels with the given sha256 (hex) into the store; `created` is an RFC 3339 time or empty.
    """
    server = Component(
        kind="application",
        name="envbuild-runtime",
        version=version(),
        properties=(("dev.envbuild:server", plan.server),),
    )
    files = {kind: [f for layer in plan.layers if layer.kind in kind for f in layer.files] for kind in _FILES}
    parts = [
        _base(base, plan.base),
        *([] if lock.conda else _own_python(base.interpreter.executable, base.interpreter.version)),
        *base_packages(base, store),
        *_conda_packages(lock),
        *locked_packages(lock, store, fetch),
        server,
        *_script(_planned(files[_SCRIPT], CODE)),
        *_model(_planned(files[_MODEL], MODEL), plan.annotations),
    ]
    return Inventory(image=_image(plan.annotations), components=_each_once(parts), created=created)


def found_inventory(files: Files, config: Mapping[str, Any]) -> Inventory:
    """What the files of an image say that it consists of; they were read with `is_kept` and `is_hashed`."""
    settings = config.get("config") or {}
    labels = labels_of(settings)
    runtime = any(_RUNTIME in path for path in files.entries)
    parts = [
        *_own_python("/usr/local/bin/python3", variables(settings).get("PYTHON_VERSION", "")),
        *system_components(files),
        *installed_packages(files.texts),
        *([Component(kind="application", name="envbuild-runtime")] if runtime else ()),
        *_script(_found(files, CODE)),
        *_model(_found(files, MODEL), labels),
    ]
    return Inventory(image=_image(labels), components=_each_once(parts), phase="post-build")


def is_kept(path: str) -> bool:
    """Whether the content of an image's file is needed to tell what the image consists of."""
    return is_system_file(path) or is_metadata(path)


def is_hashed(path: str) -> bool:
    """Whether a file of an image is a part by itself, named by its hash."""
    return path.startswith((f"{MODEL}/", f"{CODE}/"))


def labels_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The labels among an image's settings, which anybody may have written."""
    labels = settings.get("Labels")
    return {str(name): str(text) for name, text in labels.items()} if isinstance(labels, Mapping) else {}


def variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables among an image's settings."""
    given = settings.get("Env")
    return dict(str(entry).partition("=")[::2] for entry in given) if isinstance(given, list) else {}


_SCRIPT = ("script",)
_MODEL = ("file", "model")
_FILES = (_SCRIPT, _MODEL)


def _image(labels: Mapping[str, str]) -> Component:
    return Component(
        kind="container",
        name=labels.get(_TITLE) or "image",
        version=labels.get(f"{_OURS}model.id", ""),
        properties=tuple(sorted((name, text) for name, text in labels.items() if name.startswith(_OURS) and text)),
    )


def _conda_packages(lock: Lock) -> tuple[Component, ...]:
    """The packages of conda channels, by name; the Python packages in them lie inside."""
    return tuple(
        Component(
            kind="library",
            name=package.name,
            version=package.version,
            purl=purl.conda(
                package.name,
                package.version,
                build=package.build,
                subdir=package.subdir,
                filename=package.filename,
            ),
            hashes=(("SHA-256", package.sha256),),
            parts=tuple(
                Component(kind="library", name=name, version=version, purl=purl.pypi(name, version))
                for name, version in package.python
            ),
        )
        for package in lock.conda
    )


def _base(base: Base, name: str) -> Component:
    return Component(
        kind="container",
        name=name,
        purl=purl.oci(base.name, base.digest) if base.registry else "",
        hashes=(("SHA-256", base.digest.removeprefix("sha256:")),),
    )


def _own_python(executable: str, found: str) -> list[Component]:
    """The Python of a base that none of its packages brings."""
    if not found or executable.startswith("/usr/bin/"):
        return []
    return [Component(kind="application", name="python", version=found, purl=purl.generic("python", found))]


def _planned(entries: Iterable[FileEntry], folder: str) -> list[Component]:
    return [_file(entry.path.removeprefix(f"{folder}/"), entry.sha256) for entry in entries]


def _found(files: Files, folder: str) -> list[Component]:
    inside = ((path, file) for path, file in files.entries.items() if path.startswith(f"{folder}/"))
    return [_file(path.removeprefix(f"{folder}/"), file.sha256) for path, file in inside if file.kind == "file"]


def _file(path: str, sha256: str) -> Component:
    return Component(kind="file", name=path, hashes=(("SHA-256", sha256),))


def _script(files: list[Component]) -> list[Component]:
    return [Component(kind="application", name="scoring script", parts=_sorted(files))] if files else []


def _model(files: list[Component], labels: Mapping[str, str]) -> list[Component]:
    if not files:
        return []
    identity = labels.get(f"{_OURS}model.id", "")
    names = (f"{_OURS}model.run", f"{_OURS}model.mlflow")
    told = tuple((name, labels[name]) for name in names if labels.get(name))
    return [
        Component(
            kind="machine-learning-model", name="MLflow model", version=identity, properties=told, parts=_sorted(files)
        )
    ]


def _sorted(files: list[Component]) -> tuple[Component, ...]:
    return tuple(sorted(files, key=lambda file: file.name))


def _each_once(parts: Iterable[Component]) -> tuple[Component, ...]:
    return tuple(dict.fromkeys(parts))
