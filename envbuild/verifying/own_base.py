"""The base of an image as the image itself has it, where nothing else can be had: its layers, and what it set.

It is held against what the image says of its base as far as that goes: an assembled base has one layer, whose config is
known, so its digest can be told; of any other base the digest cannot be found out from its layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..attesting.layers import Blobs
from ..bases.debian import suite_of
from ..bases.images import describe
from ..bases.manifest import assembled_config, recall_config
from ..errors import BaseImageError
from ..oci.canonical import canonical_json
from ..oci.image import make_image
from ..oci.reading import StoredImage
from ..oci.store import Store
from ..oci.types import Layer
from ..planner.paths import PREFIX
from .reading import opened_plain

if TYPE_CHECKING:
    from ..bases.types import Base

_PATH = f"PATH=/{PREFIX}/bin:"


def own_base(
    blobs: Blobs,
    layers: Sequence[Layer],
    config: Mapping[str, Any],
    store: Store,
    *,
    name: str,
    digest: str,
    apt: Sequence[str],
) -> tuple[Base, str]:
    """The base of `layers`, and what is wrong with it: empty where nothing is, or nothing can be told.

    `config` is the image's. The layers are in the store afterwards. BaseImageError for what cannot be a base.
    """
    sizes = []
    for layer in layers:
        with opened_plain(blobs, layer) as stream:
            while stream.read(1 << 20):
                pass
        sizes.append(stream.size)
        if not store.has(layer.digest, layer.size):
            store.ingest(blobs(layer), expected=layer.digest)
    architecture = str(config.get("architecture", ""))
    suite, wrong = suite_of(name), ""
    theirs = recall_config(store, digest) or _before(config, layers)
    if suite is not None:
        if len(layers) != 1:
            raise BaseImageError(f"the image has {len(layers)} layers below its packages, and {name} has one")
        plain = Layer(diff_id=layers[0].diff_id, digest=layers[0].diff_id, size=sizes[0])
        theirs = assembled_config(name, architecture, plain, apt)
        if make_image(canonical_json(theirs), [plain], {}).manifest_digest != digest:
            wrong = f"it is not the layer of {name} that {digest} stands for"
    stored = StoredImage(config=dict(theirs), layers=tuple(layers), manifest_digest=digest, reference="")
    base = describe(name or "oci:", stored, store, architecture, registry=bool(name))
    return replace(base, assembled=suite is not None, registry=suite is None and bool(name)), wrong


def _before(config: Mapping[str, Any], layers: Sequence[Layer]) -> dict[str, Any]:
    """A config that the base may have had: the image's, without what envbuild put in front."""
    settings = dict(config.get("config") or {})
    given = settings.get("Env")
    settings["Env"] = [
        "PATH=" + str(entry).removeprefix(_PATH) if str(entry).startswith(_PATH) else str(entry)
        for entry in (given if isinstance(given, list) else ())
    ]
    filled, history = 0, []
    said = config.get("history")
    for entry in said if isinstance(said, list) else ():
        if not isinstance(entry, Mapping):
            continue
        if not entry.get("empty_layer"):
            filled += 1
        if filled > len(layers):
            break
        history.append(entry)
    diff_ids = [layer.diff_id for layer in layers]
    return {**config, "config": settings, "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
