from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from packing import MIB, TEXT, blobs, damage, inflated, noise, plain, text

from envbuild.errors import CorruptBlobError, StorageError
from envbuild.oci import compress
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.compress import Compression, compressed, compressed_all
from envbuild.oci.layer import remember_layer
from envbuild.oci.maintenance import verify
from envbuild.oci.store import BlobWriter, Store
from envbuild.oci.types import LAYER_GZIP, LAYER_ZSTD, Layer

BOTH = pytest.mark.parametrize("kind", ["gzip", "zstd"])
TYPES = {"gzip": LAYER_GZIP, "zstd": LAYER_ZSTD}


@pytest.mark.parametrize("place", [0, MIB + 100_000, -1])
@BOTH
def test_a_damaged_plain_blob_is_told_and_leaves_nothing(store: Store, kind: Compression, place: int) -> None:
    layer = plain(store, TEXT)
    damage(store, layer.digest, place)
    with pytest.raises(CorruptBlobError) as caught:
        compressed(store, layer, kind)
    assert caught.value.digest == layer.digest
    assert blobs(store) == {layer.digest}
    assert store.key_files() == []


@BOTH
def test_a_plain_blob_of_another_size_or_gone_is_told(store: Store, kind: Compression) -> None:
    layer = plain(store, TEXT)
    store.blob(layer.digest).write_bytes(TEXT[:-1])
    with pytest.raises(CorruptBlobError):
        compressed(store, layer, kind)
    store.blob(layer.digest).unlink()
    with pytest.raises(CorruptBlobError):
        compressed_all(store, [layer, layer], kind)
    assert blobs(store) == set()


@BOTH
def test_a_blob_that_would_stay_plain_is_told_too_if_it_is_cut_off_or_gone(store: Store, kind: Compression) -> None:
    layer = plain(store, noise(2 * MIB))
    store.blob(layer.digest).write_bytes(noise(MIB))
    with pytest.raises(CorruptBlobError):
        compressed(store, layer, kind)
    store.blob(layer.digest).unlink()
    with pytest.raises(CorruptBlobError):
        compressed(store, layer, kind)


@BOTH
def test_a_remembered_blob_that_is_cut_off_or_gone_is_made_anew(store: Store, kind: Compression) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, kind)
    store.blob(made.digest).write_bytes(b"x")
    assert compressed(store, layer, kind) == made
    store.blob(made.digest).unlink()
    assert compressed(store, layer, kind) == made
    assert inflated(store, made) == TEXT


@BOTH
def test_a_remembered_blob_with_a_changed_byte_is_noticed_by_its_reader_and_made_anew(
    store: Store, kind: Compression
) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, kind)
    damage(store, made.digest)
    with pytest.raises(CorruptBlobError) as caught:
        list(store.stream(compressed(store, layer, kind).digest))
    store.drop(caught.value.digest)
    assert compressed(store, layer, kind) == made
    assert verify(store) == []


@pytest.mark.parametrize("change", [{"diff_id": sha256_digest(b"other")}, {"media_type": "text/plain"}])
def test_a_key_that_tells_of_another_layer_is_a_miss(store: Store, change: dict[str, str]) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, "gzip")
    fields = {"diff_id": made.diff_id, "media_type": made.media_type, **change}
    remember_layer(store, compress._key(layer, "gzip"), Layer(digest=made.digest, size=made.size, **fields))
    assert compressed(store, layer, "gzip") == made


@BOTH
def test_a_full_disk_is_a_storage_error_and_leaves_nothing(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [plain(store, text(3 * MIB, seed)) for seed in range(3)]
    enter = BlobWriter.__enter__

    def full(self: BlobWriter) -> BlobWriter:
        enter(self)._file.close()
        self._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  a disk that takes no byte
        return self

    monkeypatch.setattr(BlobWriter, "__enter__", full)
    with pytest.raises(StorageError, match="disk is full"):
        compressed(store, layers[0], kind)
    with pytest.raises(StorageError, match="disk is full"):
        compressed_all(store, layers, kind)
    assert blobs(store) == {layer.digest for layer in layers}
    assert store.key_files() == []


def test_an_interrupt_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = plain(store, TEXT)
    stream = Store.stream

    def interrupted(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        yield next(stream(self, digest, chunk=chunk))
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compressed(store, layer, "gzip")
    assert blobs(store) == {layer.digest}


@pytest.mark.parametrize("cpus", [1, 3])
@BOTH
def test_all_are_compressed_in_their_order(
    store: Store, kind: Compression, cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    base = Layer(diff_id="sha256:" + "1" * 64, digest="sha256:" + "2" * 64, size=5, media_type=LAYER_GZIP)
    texts = [plain(store, text(size * 1000, size)) for size in (800, 3000, 700, 900, 1100)]
    kept = plain(store, noise(3000))
    layers = [base, *texts, kept, texts[1], base]
    told: list[tuple[Layer, Layer]] = []
    threads: set[int] = set()

    def on_done(layer: Layer, result: Layer) -> None:
        told.append((layer, result))
        threads.add(threading.get_ident())

    found = compressed_all(store, layers, kind, on_done=on_done)

    assert [layer.diff_id for layer in found] == [layer.diff_id for layer in layers]
    assert found[0] is base
    assert found[6] == kept
    assert all(layer.media_type == TYPES[kind] for layer in found[1:6])
    assert len(told) == len(set(layers))
    assert dict(told) == dict(zip(layers, found, strict=True))
    assert threads == {threading.get_ident()}
    fresh = Store(store.root.with_name("fresh"))
    assert [compressed(fresh, plain(fresh, store.read(layer.digest)), kind) for layer in texts] == list(found[1:6])


def test_layers_are_compressed_side_by_side(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    met = threading.Barrier(2)
    monkeypatch.setattr(compress, "_worth_it", lambda *_: met.wait(timeout=60) >= 0)
    layers = [plain(store, text(5000, seed)) for seed in range(2)]
    assert len(compressed_all(store, layers, "gzip")) == 2


def test_the_first_error_stops_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    layers = [plain(store, text(2 * MIB, seed)) for seed in range(4)]
    long, damaged = layers[:2]
    damage(store, damaged.digest)
    stream = Store.stream
    begun = threading.Event()
    ended: list[bool] = []

    def pieces(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        if digest != long.digest:
            begun.wait(timeout=60)
            yield from stream(self, digest, chunk=chunk)
            return
        for _ in range(500):
            yield bytes(MIB)
            begun.set()
            time.sleep(0.01)
        ended.append(True)

    monkeypatch.setattr(Store, "stream", pieces)
    with pytest.raises(CorruptBlobError):
        compressed_all(store, layers, "gzip")
    assert ended == []
    assert long.digest in blobs(store)
    assert len(blobs(store)) <= len(layers) + 2


def test_an_error_of_whoever_is_told_is_raised_and_leaves_no_half_blob(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    layers = [plain(store, text(2 * MIB, seed)) for seed in range(4)]
    before = threading.active_count()

    def refuse(layer: Layer, result: Layer) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        compressed_all(store, layers, "gzip", on_done=refuse)
    assert threading.active_count() == before
    blobs(store)
    assert verify(store) == []


def test_two_at_once_give_the_same(store: Store) -> None:
    layer = plain(store, TEXT)
    found: list[Layer] = []
    threads = [threading.Thread(target=lambda: found.append(compressed(store, layer, "gzip"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert verify(store) == []
    assert blobs(store) == {layer.digest, found[0].digest}


@BOTH
def test_memory_stays_flat(store: Store, kind: Compression) -> None:
    with store.writer() as out:
        for seed in range(24):
            out.write(TEXT[seed * 1000 :][: 2 * MIB])
    layer = Layer(diff_id=out.digest, digest=out.digest, size=out.size)
    tracemalloc.start()
    try:
        made = compressed(store, layer, kind)
        assert tracemalloc.get_traced_memory()[1] < 12 * MIB
    finally:
        tracemalloc.stop()
    assert made.size < layer.size
