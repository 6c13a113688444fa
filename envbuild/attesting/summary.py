"""What an image is, as one JSON value: what it says of itself, its layers, its packages, what is attached to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import cyclonedx
from .files import read_files
from .inventory import found_inventory, is_hashed, is_kept, labels_of, variables
from .opened import Opened
from .types import Component, Inventory

_OURS = "dev.envbuild."
_HISTORY = "envbuild: "
_KINDS = {"pkg:pypi/": "python", "pkg:deb/": "debian"}
Package = tuple[str, str, str]
"""`python` or `debian`, name, version."""


def inventory_of(opened: Opened) -> Inventory:
    """What the files of an image say that it consists of; reads all its layers. BaseImageError, IntegrityError."""
    files = read_files(opened.blobs, opened.layers, keep=is_kept, hashed=is_hashed)
    return found_inventory(files, opened.config)


def packages_of(components: Iterable[Component]) -> list[Package]:
    """The packages among components, each once, by kind, name and version."""
    found = {(kind, one.name, one.version) for one in components if (kind := _kind(one.purl))}
    return sorted(found)


def attached_packages(opened: Opened) -> list[Package] | None:
    """The packages that an attached CycloneDX document names; None where there is none."""
    for statement in opened.statements:
        listed = statement.predicate.get("components")
        if statement.predicate_type.startswith(cyclonedx.PREDICATE) and isinstance(listed, list):
            texts = [
                tuple(str(one.get(key) or "") for key in ("purl", "name", "version"))
                for one in listed
                if isinstance(one, Mapping)
            ]
            return sorted({(kind, name, version) for url, name, version in texts if (kind := _kind(url))})
    return None


def _kind(url: str) -> str:
    return next((kind for start, kind in _KINDS.items() if url.startswith(start)), "")


def summary(opened: Opened, packages: Iterable[Package] | None) -> dict[str, Any]:
    """All of it; `packages` is None where nobody looked."""
    settings = _mapping(opened.config.get("config"))
    labels = labels_of(settings)

    def said(name: str) -> str | None:
        return labels.get(_OURS + name) or None

    return {
        "name": opened.name,
        "platform": opened.platform,
        "platforms": list(opened.platforms),
        "digests": {
            "index": opened.index_digest or None,
            "manifest": opened.manifest_digest or None,
            "config": opened.config_digest,
        },
        "made_by_envbuild": any(name.startswith(_OURS) for name in labels),
        "model": {key: said(f"model.{key}") for key in ("id", "run", "mlflow")},
        "server": said("server"),
        "python": said("python") or variables(settings).get("PYTHON_VERSION"),
        "base": {"name": said("base.name"), "digest": said("base.digest")},
        "lock": said("lock"),
        "created": opened.config.get("created"),
        "size": sum(layer.size for layer in opened.layers),
        "user": settings.get("User") or None,
        "entrypoint": _list(settings.get("Entrypoint")),
        "cmd": _list(settings.get("Cmd")),
        "ports": sorted(map(str, _mapping(settings.get("ExposedPorts")))),
        "layers": [
            {
                "title": title,
                "size": layer.size,
                "digest": layer.digest,
                "diff_id": layer.diff_id,
                "media_type": layer.media_type,
            }
            for title, layer in zip(titles(opened), opened.layers, strict=True)
        ],
        "packages": None if packages is None else [{"kind": k, "name": n, "version": v} for k, n, v in packages],
        "labels": labels,
        "annotations": dict(opened.annotations),
        "attestations": [statement.predicate_type for statement in opened.statements],
        "notes": list(opened.notes),
    }


def titles(opened: Opened) -> list[str]:
    """What the image's history says of each layer, empty where it says nothing."""
    history = opened.config.get("history")
    entries = [one for one in history if isinstance(one, Mapping)] if isinstance(history, list) else []
    texts = [str(one.get("created_by") or "") for one in entries if not one.get("empty_layer")]
    if len(texts) != len(opened.layers):
        return [""] * len(opened.layers)
    return [text.removeprefix(_HISTORY) for text in texts]


def _list(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
