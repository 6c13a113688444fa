"""What a compressed layer is inside: its diff_id, found by decompressing it once."""

from __future__ import annotations

import hashlib
import importlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..errors import BaseImageError, IntegrityError
from .types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD

if TYPE_CHECKING:
    from .store import Store

_CHUNK = 1 << 20
# All that comes of one piece is in memory at once, and a few bytes of zstd can stand for a block of 128 KiB.
_ZSTD_PIECE = 1024
FREE = 8 << 30
"""Bytes that any layer may unpack to; beyond them it may unpack to `_TIMES` times what it is."""
_TIMES = 100
_MAGIC = ((b"\x1f\x8b", LAYER_GZIP), (b"\x28\xb5\x2f\xfd", LAYER_ZSTD))


def media_type_of(store: Store, digest: str) -> str:
    """The type of a layer in the store, by its first bytes."""
    with store.blob(digest).open("rb") as blob:
        start = blob.read(4)
    return next((media_type for magic, media_type in _MAGIC if start.startswith(magic)), LAYER_TAR)


def diff_id_of(store: Store, digest: str, media_type: str) -> str:
    """The digest of the layer's plain tar. Remembered in the store, by the blob's digest.

    IntegrityError if the blob cannot be decompressed; BaseImageError if what it unpacks to has hardly an end,
    or if the package for zstd is not installed.
    """
    if media_type == LAYER_TAR:
        return digest
    key = f"diff_id:{digest}"
    known = (store.get_key(key) or {}).get("diff_id")
    if isinstance(known, str):
        return known
    summed = hashlib.sha256()
    try:
        for chunk in _inflated(store.stream(digest), media_type):
            summed.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise IntegrityError(
            f"the layer {digest} cannot be decompressed: {error}", hint="the image is damaged: fetch it anew"
        ) from error
    diff_id = "sha256:" + summed.hexdigest()
    store.put_key(key, {"diff_id": diff_id})
    return diff_id


def plain(chunks: Iterator[bytes]) -> BinaryIO:
    """The plain tar of a layer that comes in chunks, whatever it is compressed by, to be read once.

    Reading raises OSError, EOFError or zlib.error for what cannot be decompressed; BaseImageError as `diff_id_of`.
    """
    start = b""
    while len(start) < 4 and (chunk := next(chunks, b"")):
        start += chunk
    whole = chain([start], chunks)
    kind = next((media_type for magic, media_type in _MAGIC if start.startswith(magic)), LAYER_TAR)
    content = whole if kind == LAYER_TAR else _inflated(whole, kind)
    return cast(BinaryIO, io.BufferedReader(_Chunks(content), _CHUNK))


def _inflated(chunks: Iterator[bytes], kind: str) -> Iterator[bytes]:
    """The plain bytes. BaseImageError where they come to more than any layer: a few bytes can stand for terabytes."""
    taken = given = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for chunk in chunks:
            taken += len(chunk)
            yield chunk

    for chunk in (_gunzip if kind == LAYER_GZIP else _unzstd)(counted()):
        given += len(chunk)
        if given > FREE + _TIMES * taken:
            raise BaseImageError(
                f"a layer unpacks to more than {FREE} bytes and {_TIMES} times its size",
                hint="is it a container image?",
            )
        yield chunk


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    from isal import igzip, isal_zlib

    opener: Any = igzip.IGzipFile
    try:
        with opener(fileobj=cast(BinaryIO, io.BufferedReader(_Chunks(chunks), _CHUNK)), mode="rb") as plain:
            while chunk := plain.read(_CHUNK):
                yield chunk
    except cast("type[Exception]", isal_zlib.error) as error:  # declared as an instance in isal's stubs
        raise OSError(str(error)) from error


def zstd_decompressor() -> tuple[Callable[[], Any], type[Exception]] | None:
    """What makes a reader of one frame of zstd, and what that raises for a broken one. None where nothing is installed.

    The package zstandard, the standard library's, from Python 3.14 on, or its backport, which read frames alike.
    """
    with suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        return zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            module = importlib.import_module(name)
            return module.ZstdDecompressor, module.ZstdError
    return None


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain bytes of all frames. The package's own reader of files would take an early end for the end."""
    found = zstd_decompressor()
    if found is None:
        raise BaseImageError(
            "the base has layers compressed by zstd, and the package that reads them is not installed",
            hint="install it with `pip install 'envbuild[zstd]'`, or save the base with gzip layers",
        )
    new_frame, broken = found
    frame = None
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), _ZSTD_PIECE):
                rest = chunk[start : start + _ZSTD_PIECE]
                while rest:
                    frame = frame or new_frame()
                    yield frame.decompress(rest)
                    rest = frame.unused_data
                    if frame.eof:
                        frame = None
    except broken as error:
        raise OSError(str(error)) from error
    if frame:
        raise EOFError("it ends in the middle of a frame")


class _Chunks(io.RawIOBase):
    """An iterator of chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            held = next(self._chunks, None)
            if held is None:
                return 0
            self._rest = memoryview(held)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
