"""Layers as a registry holds them: compressed once each, with bytes that a pinned package decides."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

from ..errors import CorruptBlobError, StorageError, UsageError
from .layer import layer_from_key, remember_layer
from .store import Store
from .types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, Layer

Compression = Literal["gzip", "zstd", "none"]

# What follows decides the bytes beside the package and its level: isal's depend on where its input is cut. Whoever
# changes any of it raises the revision.
_REVISION = 1
_PIECE = 1 << 20
_SAMPLES = 16
_SAMPLE = 1 << 16
# Level 2 of isal is the same on all x86-64 processors since SSE 4.2; its level 3 asks for AVX2.
_GZIP_LEVEL = 2
_ZSTD_LEVEL = 3
# Deflate, no flags, no time, no extra flags, an unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_MOST_THREADS = 8


def compressor_name(kind: Compression) -> str:
    """What decides the bytes: `<package>-<its version>/<level>`, as in `zstandard-0.25.0/3`; `none` for none.

    isal's is followed by the kind of processor that this machine has, for which its algorithms differ.
    UsageError if the package is not installed.
    """
    if kind == "none":
        return kind
    if kind == "zstd":
        return f"zstandard-{_zstandard().__version__}/{_ZSTD_LEVEL}"
    import isal

    return f"isal-{isal.__version__}/{_GZIP_LEVEL}/{os.uname().machine}"


def compressed(store: Store, layer: Layer, kind: Compression) -> Layer:
    """`layer` with a blob compressed by `kind`, which is made unless the store remembers it.

    A layer that is compressed already is returned as it is: what a registry gave of a base can be mounted there only
    with its own bytes. So is one that would hardly get smaller, as float32 weights: every pull would inflate it, in one
    thread, for nothing. Samples spread evenly over the blob tell that, compressed as the whole would be, so that the
    content alone decides and no more of it is read. It is not remembered: samples are not held against a hash.

    CorruptBlobError: the plain blob is damaged or missing. StorageError. UsageError: the package is not installed.
    Nothing is kept then.
    """
    return _at_hand(store, layer, kind) or _make(store, layer, kind)


def compressed_all(
    store: Store,
    layers: Sequence[Layer],
    kind: Compression,
    *,
    on_done: Callable[[Layer, Layer], None] | None = None,
) -> tuple[Layer, ...]:
    """`compressed` of all layers, in their order, made side by side.

    Each layer and what became of it is told to `on_done` from this thread, once, as soon as it is there. The first
    error, of a layer or of `on_done`, stops the others and is raised.
    """
    done: dict[Layer, Layer] = {}
    missing: list[Layer] = []

    def tell(layer: Layer, result: Layer) -> None:
        done[layer] = result
        if on_done:
            on_done(layer, result)

    for layer in dict.fromkeys(layers):
        if found := _at_hand(store, layer, kind):
            tell(layer, found)
        else:
            missing.append(layer)
    _make_all(store, missing, kind, tell)
    return tuple(done[layer] for layer in layers)


def _at_hand(store: Store, layer: Layer, kind: Compression) -> Layer | None:
    """The layer itself if it is not to be compressed, else what the store remembers of it."""
    if kind == "none" or layer.media_type != LAYER_TAR:
        return layer
    found = layer_from_key(store, _key(layer, kind))
    # A key is input like any other.
    if found and (found.diff_id, found.media_type) == (layer.diff_id, _media_type(kind)):
        return found
    return None


def _key(layer: Layer, kind: Compression) -> str:
    return f"compressed:{_REVISION}:{compressor_name(kind)}:{layer.diff_id}"


def _media_type(kind: Compression) -> str:
    return LAYER_GZIP if kind == "gzip" else LAYER_ZSTD


def _make_all(store: Store, layers: Sequence[Layer], kind: Compression, tell: Callable[[Layer, Layer], None]) -> None:
    """Tell the layers and what became of them, as they are done. The largest begins: others fit in beside it."""
    workers = min(len(layers), os.cpu_count() or 1, _MOST_THREADS)
    if workers < 2:
        for layer in layers:
            tell(layer, _make(store, layer, kind))
        return
    from concurrent.futures import as_completed
    from threading import Event

    from ..threads import pool

    stop = Event()
    threads = pool(workers)
    try:
        largest = sorted(layers, key=lambda layer: -layer.size)
        futures = {threads.submit(_make, store, layer, kind, stop.is_set): layer for layer in largest}
        for future in as_completed(futures):
            tell(futures[future], future.result())
    finally:
        # After an error or an interrupt; otherwise all are done.
        stop.set()
        threads.shutdown(cancel_futures=True)


class _StoppedError(Exception):
    """Another thread failed. Nobody gets to see it."""


def _make(store: Store, layer: Layer, kind: Compression, stopped: Callable[[], bool] = lambda: False) -> Layer:
    if not store.has(layer.digest, layer.size):
        raise CorruptBlobError(layer.digest)
    if not _worth_it(store, layer, kind):
        return layer
    encoder = _encoder(kind)
    with store.writer() as out:
        for piece in _pieces(store.stream(layer.digest, chunk=_PIECE)):
            if stopped():
                raise _StoppedError
            out.write(encoder.compress(piece))
        out.write(encoder.flush())
    made = Layer(diff_id=layer.diff_id, digest=out.digest, size=out.size, media_type=_media_type(kind))
    remember_layer(store, _key(layer, kind), made)
    return made


def _worth_it(store: Store, layer: Layer, kind: Compression) -> bool:
    """Whether the samples of the blob get smaller by a tenth. Weights in float32 and float16 do not."""
    plain = packed = 0
    for sample in _samples(store, layer):
        encoder = _encoder(kind)
        plain += len(sample)
        packed += len(encoder.compress(sample)) + len(encoder.flush())
    return packed * 10 <= plain * 9


def _samples(store: Store, layer: Layer) -> Iterator[bytes]:
    """Pieces of the blob from its first byte to its last, or all of it if it is small."""
    path = store.blob(layer.digest)
    count, size = (_SAMPLES, _SAMPLE) if layer.size > _SAMPLES * _SAMPLE else (1, layer.size)
    try:
        with path.open("rb") as blob:
            for number in range(count):
                blob.seek((layer.size - size) * number // max(count - 1, 1))
                yield blob.read(size)
    except FileNotFoundError:
        raise CorruptBlobError(layer.digest) from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks in pieces of one size, wherever a file system ends its reads."""
    held = b""
    for chunk in chunks:
        held = held + chunk if held else chunk
        while len(held) >= _PIECE:
            yield held[:_PIECE]
            held = held[_PIECE:]
    if held:
        yield held


class _Encoder(Protocol):
    """A stream being compressed."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _encoder(kind: Compression) -> _Encoder:
    if kind == "gzip":
        return _Gzip()
    # No size in the header, which would need to be known, and no thread of its own, which would change the bytes.
    encoder: _Encoder = (
        _zstandard()
        .ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=False, write_checksum=False, threads=0)
        .compressobj()
    )
    return encoder


class _Gzip:
    """A gzip stream whose header and end are written here: packages differ in what they put there."""

    def __init__(self) -> None:
        from isal import isal_zlib

        self._deflate = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
        self._crc32 = isal_zlib.crc32
        self._header = _GZIP_HEADER
        self._crc = 0
        self._size = 0

    def compress(self, data: bytes, /) -> bytes:
        header, self._header = self._header, b""
        self._crc = self._crc32(data, self._crc)
        self._size += len(data)
        return header + self._deflate.compress(data)

    def flush(self) -> bytes:
        end = struct.pack("<II", self._crc, self._size & 0xFFFFFFFF)
        return self._header + self._deflate.flush() + end


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise UsageError(
            "the package that compresses by zstd is not installed",
            hint="install it with `pip install 'envbuild[zstd]'`, or compress by gzip",
        ) from None
    return zstandard
