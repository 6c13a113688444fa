"""Layers: a function that writes a tar becomes a blob, and a key remembers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..errors import IntegrityError
from .store import Store
from .tar import LayerTar
from .types import Layer


def build_layer(store: Store, write: Callable[[LayerTar], None]) -> Layer:
    """Put what `write` writes into the store as a plain tar, streaming.

    If `write` raises, nothing is kept.
    """
    with store.writer() as out:
        tar = LayerTar(out)
        write(tar)
        tar.close()
    return Layer(diff_id=out.digest, digest=out.digest, size=out.size)


def layer_from_key(store: Store, key: str) -> Layer | None:
    """The layer remembered under `key` whose blob is there with the right size, else None."""
    value = store.get_key("layer:" + key)
    match value:
        case {
            "diff_id": str(diff_id),
            "digest": str(digest),
            "size": int(size),
            "media_type": str(media_type),
        }:
            # A key file is input like any other: what is not a digest is refused, and then a miss.
            with suppress(IntegrityError):
                store.blob(diff_id)
                if store.has(digest, size):
                    return Layer(diff_id=diff_id, digest=digest, size=size, media_type=media_type)
    return None


def remember_layer(store: Store, key: str, layer: Layer) -> None:
    """Note that `key` gives `layer`."""
    store.put_key(
        "layer:" + key,
        {
            "diff_id": layer.diff_id,
            "digest": layer.digest,
            "size": layer.size,
            "media_type": layer.media_type,
        },
    )
