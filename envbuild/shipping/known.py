"""Which layers an engine should have: a guess that may be wrong, and is checked by loading.

It comes from the images that the names hold now and from those that envbuild loaded there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..errors import StorageError
from ..oci.store import Store
from ..oci.types import Image
from .engine import Engine

# How many of the last images are remembered for an engine, and how many of them are asked for in one load.
_REMEMBERED = 32
_ASKED = 6


def known(image: Image, store: Store, engine: Engine, previous: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The diff_ids of the layers that the engine should have."""
    info = engine.info()
    if info.product == "podman":
        return frozenset()  # reads the whole archive before it looks at what it has
    if info.store == "containerd":
        return _known_blobs(image, store, engine)
    wanted = [layer.diff_id for layer in image.layers]
    best = max((_common(wanted, diff_ids(found)) for found in previous), default=0)
    likely = sorted(_remembered(store, engine), key=lambda e: -_common(wanted, e["diff_ids"]))
    for entry in likely[:_ASKED]:
        if _common(wanted, entry["diff_ids"]) <= best:
            break
        if (found := engine.inspect_image(entry["id"])) is not None:
            best = max(best, _common(wanted, diff_ids(found)))
    # A layer is known by the chain below it, so one that comes again further up is sent.
    return frozenset(wanted[:best]) - frozenset(wanted[best:])


def _known_blobs(image: Image, store: Store, engine: Engine) -> frozenset[str]:
    """The containerd store must have the very blobs: only what envbuild itself loaded tells which it has."""
    wanted = {layer.digest for layer in image.layers}
    have: set[str] = set()
    likely = sorted(_remembered(store, engine), key=lambda e: -len(wanted & set(e["blobs"])))
    for entry in likely[:_ASKED]:
        if not (wanted & set(entry["blobs"])) - have:
            continue
        found = engine.inspect_image(entry["id"])
        if found is not None and image_id(found) == entry["id"]:
            have |= wanted & set(entry["blobs"])
    missing = {layer.diff_id for layer in image.layers if layer.digest not in have}
    return frozenset(layer.diff_id for layer in image.layers if layer.digest in have) - missing


def _remembered(store: Store, engine: Engine) -> list[dict[str, Any]]:
    """The last images that envbuild loaded into this engine, latest first."""
    entries = (store.get_key(_key(engine)) or {}).get("images")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and _are_strings(entry.get("diff_ids"))
        and _are_strings(entry.get("blobs"))
    ]


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def remember(image: Image, identity: str, store: Store, engine: Engine) -> None:
    """Note the image as the last that the engine was given."""
    entries = _remembered(store, engine)
    if entries and entries[0]["id"] == identity:
        return
    entry = {
        "id": identity,
        "diff_ids": [layer.diff_id for layer in image.layers],
        "blobs": [layer.digest for layer in image.layers],
    }
    others = [other for other in entries if other["id"] != identity]
    with suppress(StorageError):  # the image is there: not remembering it costs time alone
        store.put_key(_key(engine), {"images": [entry, *others][:_REMEMBERED]})


def _key(engine: Engine) -> str:
    return f"engine:{engine.info().id or engine.address}"


def image_id(found: Mapping[str, Any]) -> str:
    """The id of an inspected image, as a digest."""
    identity = str(found.get("Id", ""))
    return identity if identity.startswith("sha256:") else f"sha256:{identity}"


def diff_ids(found: Mapping[str, Any]) -> list[str]:
    """The layers of an inspected image, lowest first."""
    return [str(layer) for layer in (found.get("RootFS") or {}).get("Layers") or ()]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
