"""The last step to an image: its config and its manifest, from a base and the layers on top of it.

The config is canonical JSON and holds no digest of a compressed blob, so its digest, the image id, is the
same on every machine for equal layers. The base's history and unknown keys are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import IntegrityError, UsageError
from .canonical import canonical_json, sha256_digest
from .types import CONFIG, LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, MANIFEST, Image, Layer

# The layer types of Docker's schema 2, which hold the same bytes as these of OCI.
DOCKER_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER_TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": LAYER_ZSTD,
}
NOTHING: Mapping[str, str] = {}
# Engines mount every layer through one page of options, which ends here.
MAX_LAYERS = 127

# The settings of a container: those of a base end where the new image's own begin. Others are kept.
# fmt: off
_SETTINGS = frozenset({
    "ArgsEscaped", "AttachStderr", "AttachStdin", "AttachStdout", "Cmd", "Domainname", "Entrypoint", "Env",
    "ExposedPorts", "Healthcheck", "Hostname", "Image", "Labels", "MacAddress", "NetworkDisabled", "OnBuild",
    "OpenStdin", "Shell", "StdinOnce", "StopSignal", "StopTimeout", "Tty", "User", "Volumes", "WorkingDir",
})
# fmt: on


def finish_image(
    *,
    base_config: Mapping[str, Any],
    base_layers: Sequence[Layer],
    layers: Sequence[tuple[Layer, str]],
    config: Mapping[str, Any],
    annotations: Mapping[str, str],
    created: str,
) -> Image:
    """The image of `base_layers` with `layers` (each with its history text) on top.

    `config` is the new image config without `rootfs` and `history`; `created` an RFC 3339 time, which the
    caller must not take from a clock. IntegrityError if the base's config and layers do not belong together.
    """
    _check_base(base_config, base_layers)
    every = [*base_layers, *(layer for layer, _ in layers)]
    if len(every) > MAX_LAYERS:
        raise UsageError(
            f"the image would have {len(every)} layers, and engines take at most {MAX_LAYERS}",
            hint="choose a base with fewer layers",
        )
    whole = {key: value for key, value in base_config.items() if key not in ("config", "rootfs", "history")}
    whole.update({key: value for key, value in config.items() if key not in ("rootfs", "history")})
    kept = {key: value for key, value in (base_config.get("config") or {}).items() if key not in _SETTINGS}
    whole["config"] = {**kept, **(config.get("config") or {})}
    whole["created"] = created
    whole["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in every]}
    whole["history"] = [
        *_base_history(base_config, len(base_layers), created),
        *({"created": created, "created_by": text} for _, text in layers),
    ]
    return make_image(canonical_json(whole), every, annotations)


def make_image(
    config: bytes,
    layers: Sequence[Layer],
    annotations: Mapping[str, str],
    *,
    notes: Sequence[Mapping[str, str]] = (),
) -> Image:
    """The image of an exact config and of its layers, lowest first; `notes` are annotations for each of them."""
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": sha256_digest(config), "size": len(config)},
        "layers": [{"mediaType": _type(x), "digest": x.digest, "size": x.size} for x in layers],
    }
    for entry, note in zip(manifest["layers"], notes, strict=False):
        if note:
            entry["annotations"] = dict(note)
    if annotations:
        manifest["annotations"] = dict(annotations)
    return Image(config=config, manifest=canonical_json(manifest), layers=tuple(layers))


def with_layers(
    image: Image,
    layers: Sequence[Layer],
    *,
    annotations: Mapping[str, str] = NOTHING,
    notes: Sequence[Mapping[str, str]] = (),
) -> Image:
    """The image with its layers in another form, compressed for example: its config, and so its id, stays.

    `annotations` are added to its own, `notes` are for each layer.
    """
    own = json.loads(image.manifest).get("annotations") or {}
    return make_image(image.config, layers, {**own, **annotations}, notes=notes)


def _type(layer: Layer) -> str:
    return DOCKER_LAYERS.get(layer.media_type, layer.media_type)


def _check_base(config: Mapping[str, Any], layers: Sequence[Layer]) -> None:
    rootfs = config.get("rootfs") or {}
    claimed = rootfs.get("diff_ids") if isinstance(rootfs, Mapping) else None
    if claimed is not None and list(claimed) != [layer.diff_id for layer in layers]:
        raise IntegrityError(
            "the base's config names other layers than the base has",
            hint="fetch the base anew, or choose another with --base",
        )


def _base_history(config: Mapping[str, Any], layers: int, created: str) -> list[Any]:
    """The base's history, untouched where it has one entry for each layer, as engines insist on."""
    history = [entry for entry in config.get("history") or () if isinstance(entry, Mapping)]
    filled = sum(1 for entry in history if not entry.get("empty_layer"))
    if filled > layers:
        history, filled = [], 0
    return [*history, *({"created": created, "created_by": "base layer"} for _ in range(layers - filled))]
