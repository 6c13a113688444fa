"""The OCI manifest of a base, and a `Base` as a value that the store remembers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import IntegrityError, StorageError
from ..oci.canonical import canonical_json
from ..oci.image import make_image
from ..oci.store import Store
from ..oci.types import Layer
from .types import Base, Interpreter, SystemPackage

_CREATED = "1980-01-01T00:00:00Z"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def assembled_config(name: str, architecture: str, layer: Layer, apt: Sequence[str] = ()) -> dict[str, Any]:
    """The image config of an assembled base; its history names the packages that were asked for."""
    made_by = f"envbuild base {name}" + "".join(f" --apt {package}" for package in apt)
    return {
        "created": _CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": [f"PATH={PATH}", "LANG=C.UTF-8"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created": _CREATED, "created_by": made_by}],
    }


def store_manifest(store: Store, config: Mapping[str, Any], layers: Sequence[Layer]) -> str:
    """Put config and manifest into the store; returns the manifest's digest."""
    image = make_image(canonical_json(config), layers, {})
    store.put(image.config)
    return store.put(image.manifest)


def remember(store: Store, key: str, base: Base) -> None:
    """Keep a base under `key`, and its config under its digest."""
    value = {
        "name": base.name,
        "digest": base.digest,
        "architecture": base.architecture,
        "interpreter": [base.interpreter.version, base.interpreter.executable, base.interpreter.home],
        "glibc": base.glibc,
        "layers": [[layer.diff_id, layer.digest, layer.size, layer.media_type] for layer in base.layers],
        "config": base.config,
        "packages": [[p.name, p.version, p.sha256] for p in base.packages],
        "assembled": base.assembled,
        "registry": base.registry,
        "notes": list(base.notes),
    }
    store.put_key(key, value)
    # As a blob: a key that names layers goes with the first of them that is damaged, and this needs none.
    store.put_key(_config_key(base.digest), {"config": store.put(canonical_json(base.config))})


def recall_config(store: Store, digest: str) -> dict[str, Any] | None:
    """The image config of the base with this digest, whatever it was called, if it was ever opened with `store`."""
    named = (store.get_key(_config_key(digest)) or {}).get("config")
    try:
        config = json.loads(store.read(str(named))) if named else None
    except (IntegrityError, StorageError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def _config_key(digest: str) -> str:
    return f"base-config:{digest}"


def recall(store: Store, key: str, *, name: str) -> Base | None:
    """The base remembered under `key`, as asked for by `name`; None unless all its layers are in the store."""
    value = store.get_key(key)
    if value is None:
        return None
    try:
        version, executable, home = value["interpreter"]
        layers = tuple(
            Layer(diff_id=diff_id, digest=digest, size=size, media_type=media_type)
            for diff_id, digest, size, media_type in value["layers"]
        )
        base = Base(
            name=name,
            digest=value["digest"],
            architecture=value["architecture"],
            interpreter=Interpreter(version=version, executable=executable, home=home),
            glibc=value["glibc"],
            layers=layers,
            config=value["config"],
            packages=tuple(SystemPackage(name=n, version=v, sha256=s) for n, v, s in value["packages"]),
            assembled=value["assembled"],
            registry=value.get("registry") is True,
            notes=tuple(value["notes"]),
            cached=True,
        )
    except (KeyError, TypeError, ValueError):
        return None
    return base if all(store.has(layer.digest, layer.size) for layer in layers) else None
