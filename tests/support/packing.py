"""Blobs that get smaller and such that do not, and a look at what became of them."""

from __future__ import annotations

import gzip
import hashlib
import io

import zstandard

from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_GZIP, LAYER_ZSTD, Layer

MIB = 1 << 20


def noise(size: int, seed: int = 1) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


def text(size: int, seed: int = 1) -> bytes:
    """Bytes that get smaller, and that isal makes other bytes of for other cuts of its input."""
    words = [hashlib.shake_128(b"%d %d" % (seed, number)).digest(2 + number % 10) for number in range(256)]
    return b"".join(words[byte] for byte in noise(size // 4 + 100, seed))[:size]


TEXT = text(3 * MIB + 12_345)


def plain(store: Store, data: bytes) -> Layer:
    digest = store.put(data)
    return Layer(diff_id=digest, digest=digest, size=len(data))


def inflated(store: Store, layer: Layer) -> bytes:
    """The content, by readers that have nothing to do with envbuild's."""
    blob = store.blob(layer.digest).read_bytes()
    if layer.media_type == LAYER_GZIP:
        return gzip.decompress(blob)
    if layer.media_type == LAYER_ZSTD:
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(blob)).read()
    return blob


def damage(store: Store, digest: str, place: int = -1) -> None:
    content = bytearray(store.blob(digest).read_bytes())
    content[place] ^= 1
    store.blob(digest).write_bytes(content)


def blobs(store: Store) -> set[str]:
    assert list((store.root / "tmp").iterdir()) == []
    return {"sha256:" + path.name for path in (store.root / "blobs/sha256").iterdir()}
