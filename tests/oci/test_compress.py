from __future__ import annotations

import array
import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from envbuild.errors import CorruptBlobError, StorageError, UsageError
from envbuild.oci import compress
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.compress import Compression, compressed, compressed_all, compressor_name
from envbuild.oci.inflate import diff_id_of, media_type_of
from envbuild.oci.layer import build_layer, remember_layer
from envbuild.oci.maintenance import prune, verify
from envbuild.oci.store import BlobWriter, Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, Layer

_MIB = 1 << 20
BOTH = pytest.mark.parametrize("kind", ["gzip", "zstd"])
TYPES = {"gzip": LAYER_GZIP, "zstd": LAYER_ZSTD}
# What these versions make of TEXT. A change of the code that gives other bytes raises the revision in compress.py.
GOLDEN = {
    "isal-1.9.1/2/x86_64": "53855776265a6c91",
    "zstandard-0.25.0/3": "333a18ba1bdaf7c7",
}
_OTHER_PROCESS = """
import sys
from pathlib import Path
from envbuild.oci.compress import compressed
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.types import Layer
store = Store(Path(sys.argv[1]))
print(compressed(store, Layer(diff_id=sys.argv[3], digest=sys.argv[3], size=int(sys.argv[4])), sys.argv[2]).digest)
"""


def _noise(size: int, seed: int = 1) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


def _text(size: int, seed: int = 1) -> bytes:
    """Bytes that get smaller, and that isal makes other bytes of for other cuts of its input."""
    words = [hashlib.shake_128(b"%d %d" % (seed, number)).digest(2 + number % 10) for number in range(256)]
    return b"".join(words[byte] for byte in _noise(size // 4 + 100, seed))[:size]


TEXT = _text(3 * _MIB + 12_345)


def _plain(store: Store, data: bytes) -> Layer:
    digest = store.put(data)
    return Layer(diff_id=digest, digest=digest, size=len(data))


def _inflated(store: Store, layer: Layer) -> bytes:
    """The content, by readers that have nothing to do with envbuild's."""
    blob = store.blob(layer.digest).read_bytes()
    if layer.media_type == LAYER_GZIP:
        return gzip.decompress(blob)
    if layer.media_type == LAYER_ZSTD:
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(blob)).read()
    return blob


def _damage(store: Store, digest: str, place: int = -1) -> None:
    content = bytearray(store.blob(digest).read_bytes())
    content[place] ^= 1
    store.blob(digest).write_bytes(content)


def _blobs(store: Store) -> set[str]:
    assert list((store.root / "tmp").iterdir()) == []
    return {"sha256:" + path.name for path in (store.root / "blobs/sha256").iterdir()}


@BOTH
@settings(max_examples=60, deadline=None)
@given(
    size=st.one_of(st.integers(0, 4000), st.sampled_from([_MIB - 1, _MIB, _MIB + 1, 2 * _MIB, 2 * _MIB + 511])),
    noise=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_what_is_compressed_is_the_same_inside(
    tmp_path_factory: pytest.TempPathFactory, kind: Compression, size: int, noise: float, seed: int
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    part = int(size * noise)
    data = _noise(part, seed) + _text(size - part, seed)
    layer = _plain(store, data)

    made = compressed(store, layer, kind)

    assert made.diff_id == layer.diff_id
    assert made.size == store.blob(made.digest).stat().st_size
    assert made.digest == sha256_digest(store.blob(made.digest).read_bytes())
    assert _inflated(store, made) == data
    assert made.media_type in (LAYER_TAR, TYPES[kind])
    assert media_type_of(store, made.digest) == made.media_type
    assert diff_id_of(store, made.digest, made.media_type) == layer.diff_id


@BOTH
def test_a_layer_is_compressed(store: Store, kind: Compression) -> None:
    layer = build_layer(store, lambda tar: tar.data("a/b", b"content " * 100_000))
    made = compressed(store, layer, kind)
    assert made.media_type == TYPES[kind]
    assert made.size * 50 < layer.size
    assert _blobs(store) == {layer.digest, made.digest}


def test_the_gzip_header_has_no_name_and_no_time(store: Store) -> None:
    made = compressed(store, _plain(store, TEXT), "gzip")
    blob = store.blob(made.digest).read_bytes()
    assert blob[:10].hex() == "1f8b08000000000000ff"
    assert int.from_bytes(blob[-4:], "little") == len(TEXT)


def test_the_zstd_frame_is_one_that_any_reader_takes(store: Store) -> None:
    made = compressed(store, _plain(store, TEXT), "zstd")
    blob = store.blob(made.digest).read_bytes()
    frame = zstandard.get_frame_parameters(blob)
    assert (frame.dict_id, frame.has_checksum) == (0, False)
    assert frame.window_size <= 8 * _MIB, "what RFC 8878 recommends to support"
    reader = zstandard.ZstdDecompressor().decompressobj()
    assert reader.decompress(blob) == TEXT
    assert (reader.eof, reader.unused_data) == (True, b"")


@pytest.mark.parametrize("files", [{}, {"a": b""}, {"a": b"x"}])
@BOTH
def test_empty_and_tiny_tars(store: Store, kind: Compression, files: dict[str, bytes]) -> None:
    def write(tar: LayerTar) -> None:
        for path, data in files.items():
            tar.data(path, data)

    layer = build_layer(store, write)
    made = compressed(store, layer, kind)
    assert made.media_type == TYPES[kind]
    assert _inflated(store, made) == store.read(layer.digest)
    empty = _plain(store, b"")
    assert compressed(store, empty, kind) == empty


@BOTH
def test_the_bytes_are_those_of_the_version(store: Store, kind: Compression) -> None:
    name = compressor_name(kind)
    if name not in GOLDEN:
        pytest.skip(f"nobody noted what {name} gives")
    assert hashlib.sha256(TEXT).hexdigest()[:16] == "d3ce29d851053aa9", "the text itself is another"
    assert compressed(store, _plain(store, TEXT), kind).digest[7:23] == GOLDEN[name]


@BOTH
def test_the_bytes_are_the_same_in_every_process_and_for_every_way_of_reading(
    store: Store, tmp_path: Path, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = _plain(store, TEXT)
    first = compressed(store, layer, kind)
    for name in ("1", "2"):
        other = Store(tmp_path / name)
        arguments = [str(other.root), kind, other.put(TEXT), str(len(TEXT))]
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path), PYTHONHASHSEED=name)
        done = subprocess.run(
            [sys.executable, "-c", _OTHER_PROCESS, *arguments], stdout=subprocess.PIPE, text=True, env=env, check=True
        )
        assert done.stdout.strip() == first.digest

    whole = Store.stream

    def short(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        return whole(self, digest, chunk=77_777)

    monkeypatch.setattr(Store, "stream", short)
    third = Store(tmp_path / "short")
    assert compressed(third, _plain(third, TEXT), kind) == first


@BOTH
def test_what_was_compressed_once_is_remembered(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, kind)
    monkeypatch.setattr(compress, "_encoder", lambda _: pytest.fail("compressed again"))
    again = Store(store.root)
    assert compressed(again, layer, kind) == made
    assert compressed_all(again, [layer, layer], kind) == (made, made)


def test_the_kinds_are_remembered_side_by_side(store: Store) -> None:
    layer = _plain(store, TEXT)
    kinds: list[Compression] = ["gzip", "zstd", "none"]
    made = [compressed(store, layer, kind) for kind in kinds]
    assert [one.media_type for one in made] == [LAYER_GZIP, LAYER_ZSTD, LAYER_TAR]
    assert compressed(store, layer, "gzip") == made[0]


@BOTH
def test_another_version_of_the_package_is_another_compressor(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = _plain(store, TEXT)
    compressed(store, layer, kind)
    name = compressor_name(kind)
    monkeypatch.setattr({"gzip": "isal.__version__", "zstd": "zstandard.__version__"}[kind], "99.0")
    assert compressor_name(kind) != name
    made: list[Layer] = []
    monkeypatch.setattr(compress, "remember_layer", lambda store, key, layer: made.append(layer))
    compressed(store, layer, kind)
    assert len(made) == 1


def test_the_name_says_package_version_and_level() -> None:
    assert compressor_name("gzip") == f"isal-{version('isal')}/2/{os.uname().machine}"
    assert compressor_name("zstd") == f"zstandard-{version('zstandard')}/3"
    assert compressor_name("none") == "none"


def test_without_the_package_for_zstd_the_extra_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    layer = _plain(store, TEXT)
    for ask in (lambda: compressed(store, layer, "zstd"), lambda: compressed_all(store, [layer] * 2, "zstd")):
        with pytest.raises(UsageError, match="not installed") as caught:
            ask()
        assert "envbuild[zstd]" in caught.value.hint
    assert compressed(store, layer, "gzip").media_type == LAYER_GZIP


@pytest.mark.parametrize("media_type", [LAYER_GZIP, LAYER_ZSTD, "application/vnd.docker.image.rootfs.diff.tar.gzip"])
@BOTH
def test_what_is_compressed_already_stays_as_it_is(kind: Compression, media_type: str, store: Store) -> None:
    base = Layer(diff_id="sha256:" + "1" * 64, digest="sha256:" + "2" * 64, size=5, media_type=media_type)
    assert compressed(store, base, kind) is base
    assert compressed_all(store, [base], kind) == (base,)
    assert not store.root.exists()


def test_none_leaves_a_plain_tar(store: Store) -> None:
    layer = _plain(store, TEXT)
    assert compressed(store, layer, "none") is layer
    assert store.key_files() == []


_CHANCE = random.Random(3)
FLOATS = array.array("f", (_CHANCE.gauss(0, 0.02) for _ in range(600_000))).tobytes()


@pytest.mark.parametrize(
    ("data", "stays"),
    [
        (_noise(3 * _MIB), True),
        (_noise(3000), True),
        (FLOATS, True),
        (_text(200_000) + _noise(4 * _MIB), True),
        (_noise(_MIB) + _text(5 * _MIB), False),
        (_noise(_MIB // 2) + bytes(_MIB // 2), False),
    ],
    ids=["noise", "little noise", "float32 weights", "text before noise", "text behind noise", "half zeros"],
)
@BOTH
def test_what_hardly_gets_smaller_stays_a_plain_tar(
    store: Store, kind: Compression, data: bytes, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = _plain(store, data)
    if stays:
        monkeypatch.setattr(Store, "stream", lambda *_, **__: pytest.fail("all of it is read"))
        monkeypatch.setattr(Store, "writer", lambda _: pytest.fail("it is written"))
    made = compressed(store, layer, kind)
    assert (made == layer) == stays
    assert (store.key_files() == []) == stays


def test_of_a_large_blob_little_is_read_and_both_ends_are(store: Store) -> None:
    data = _noise(20 * _MIB + 3)
    samples = list(compress._samples(store, _plain(store, data)))
    assert sum(map(len, samples)) == _MIB
    assert samples[0] == data[: len(samples[0])]
    assert samples[-1] == data[-len(samples[-1]) :]
    places = [data.index(sample) for sample in samples]
    gaps = {after - before for before, after in pairwise(places)}
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("place", [0, _MIB + 100_000, -1])
@BOTH
def test_a_damaged_plain_blob_is_told_and_leaves_nothing(store: Store, kind: Compression, place: int) -> None:
    layer = _plain(store, TEXT)
    _damage(store, layer.digest, place)
    with pytest.raises(CorruptBlobError) as caught:
        compressed(store, layer, kind)
    assert caught.value.digest == layer.digest
    assert _blobs(store) == {layer.digest}
    assert store.key_files() == []


@BOTH
def test_a_plain_blob_of_another_size_or_gone_is_told(store: Store, kind: Compression) -> None:
    layer = _plain(store, TEXT)
    store.blob(layer.digest).write_bytes(TEXT[:-1])
    with pytest.raises(CorruptBlobError):
        compressed(store, layer, kind)
    store.blob(layer.digest).unlink()
    with pytest.raises(CorruptBlobError):
        compressed_all(store, [layer, layer], kind)
    assert _blobs(store) == set()


@BOTH
def test_a_remembered_blob_that_is_cut_off_or_gone_is_made_anew(store: Store, kind: Compression) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, kind)
    store.blob(made.digest).write_bytes(b"x")
    assert compressed(store, layer, kind) == made
    store.blob(made.digest).unlink()
    assert compressed(store, layer, kind) == made
    assert _inflated(store, made) == TEXT


@BOTH
def test_a_remembered_blob_with_a_changed_byte_is_noticed_by_its_reader_and_made_anew(
    store: Store, kind: Compression
) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, kind)
    _damage(store, made.digest)
    with pytest.raises(CorruptBlobError) as caught:
        list(store.stream(compressed(store, layer, kind).digest))
    store.drop(caught.value.digest)
    assert compressed(store, layer, kind) == made
    assert verify(store) == []


@pytest.mark.parametrize("change", [{"diff_id": sha256_digest(b"other")}, {"media_type": "text/plain"}])
def test_a_key_that_tells_of_another_layer_is_a_miss(store: Store, change: dict[str, str]) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, "gzip")
    fields = {"diff_id": made.diff_id, "media_type": made.media_type, **change}
    remember_layer(store, compress._key(layer, "gzip"), Layer(digest=made.digest, size=made.size, **fields))
    assert compressed(store, layer, "gzip") == made


@BOTH
def test_a_full_disk_is_a_storage_error_and_leaves_nothing(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [_plain(store, _text(3 * _MIB, seed)) for seed in range(3)]
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
    assert _blobs(store) == {layer.digest for layer in layers}
    assert store.key_files() == []


def test_an_interrupt_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = _plain(store, TEXT)
    stream = Store.stream

    def interrupted(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        yield next(stream(self, digest, chunk=chunk))
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compressed(store, layer, "gzip")
    assert _blobs(store) == {layer.digest}


@pytest.mark.parametrize("cpus", [1, 3])
@BOTH
def test_all_are_compressed_in_their_order(
    store: Store, kind: Compression, cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    base = Layer(diff_id="sha256:" + "1" * 64, digest="sha256:" + "2" * 64, size=5, media_type=LAYER_GZIP)
    texts = [_plain(store, _text(size * 1000, size)) for size in (800, 3000, 700, 900, 1100)]
    noise = _plain(store, _noise(3000))
    layers = [base, *texts, noise, texts[1], base]
    told: list[tuple[Layer, Layer]] = []
    threads: set[int] = set()

    def on_done(layer: Layer, result: Layer) -> None:
        told.append((layer, result))
        threads.add(threading.get_ident())

    found = compressed_all(store, layers, kind, on_done=on_done)

    assert [layer.diff_id for layer in found] == [layer.diff_id for layer in layers]
    assert found[0] is base
    assert found[6] == noise
    assert all(layer.media_type == TYPES[kind] for layer in found[1:6])
    assert len(told) == len(set(layers))
    assert dict(told) == dict(zip(layers, found, strict=True))
    assert threads == {threading.get_ident()}
    fresh = Store(store.root.with_name("fresh"))
    assert [compressed(fresh, _plain(fresh, store.read(layer.digest)), kind) for layer in texts] == list(found[1:6])


def test_layers_are_compressed_side_by_side(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    met = threading.Barrier(2)
    monkeypatch.setattr(compress, "_worth_it", lambda *_: met.wait(timeout=60) >= 0)
    layers = [_plain(store, _text(5000, seed)) for seed in range(2)]
    assert len(compressed_all(store, layers, "gzip")) == 2


def test_the_first_error_stops_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    layers = [_plain(store, _text(2 * _MIB, seed)) for seed in range(4)]
    damaged, endless = layers[1], layers[0]
    _damage(store, damaged.digest)
    stream = Store.stream
    begun = threading.Event()

    def slow(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        if digest == damaged.digest:
            begun.wait(timeout=60)
        yield from stream(self, digest, chunk=chunk)

    def pieces(self: Store, digest: str, *, chunk: int = 0) -> Iterator[bytes]:
        if digest != endless.digest:
            yield from slow(self, digest, chunk=chunk)
        while digest == endless.digest:
            yield b"x" * _MIB
            begun.set()
            time.sleep(0.01)

    monkeypatch.setattr(Store, "stream", pieces)
    with pytest.raises(CorruptBlobError):
        compressed_all(store, layers, "gzip")
    assert _blobs(store) == {layer.digest for layer in layers}


def test_an_error_of_whoever_is_told_is_raised_and_leaves_no_half_blob(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    layers = [_plain(store, _text(2 * _MIB, seed)) for seed in range(4)]
    before = threading.active_count()

    def refuse(layer: Layer, result: Layer) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        compressed_all(store, layers, "gzip", on_done=refuse)
    assert threading.active_count() == before
    _blobs(store)
    assert verify(store) == []


def test_two_at_once_give_the_same(store: Store) -> None:
    layer = _plain(store, TEXT)
    found: list[Layer] = []
    threads = [threading.Thread(target=lambda: found.append(compressed(store, layer, "gzip"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert verify(store) == []
    assert _blobs(store) == {layer.digest, found[0].digest}


@BOTH
def test_memory_stays_flat(store: Store, kind: Compression) -> None:
    with store.writer() as out:
        for seed in range(24):
            out.write(TEXT[seed * 1000 :][: 2 * _MIB])
    layer = Layer(diff_id=out.digest, digest=out.digest, size=out.size)
    tracemalloc.start()
    try:
        made = compressed(store, layer, kind)
        assert tracemalloc.get_traced_memory()[1] < 12 * _MIB
    finally:
        tracemalloc.stop()
    assert made.size < layer.size


@BOTH
def test_prune_and_verify_take_the_key_with_a_compressed_blob(store: Store, kind: Compression) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, kind)
    then = time.time() - 31 * 86400
    os.utime(store.blob(made.digest), (then, then))
    assert prune(store, days=30)[0] == 2
    assert _blobs(store) == {layer.digest}
    assert store.key_files() == []

    assert compressed(store, layer, kind) == made
    (key,) = store.key_files()
    _damage(store, made.digest)
    assert verify(store) == sorted([made.digest, f"keys/{key.name}"])
    assert compressed(store, layer, kind) == made
    assert verify(store) == []


@BOTH
def test_a_use_of_a_compressed_blob_keeps_it(store: Store, kind: Compression) -> None:
    layer = _plain(store, TEXT)
    made = compressed(store, layer, kind)
    then = time.time() - 31 * 86400
    for path in (store.blob(made.digest), *store.key_files()):
        os.utime(path, (then, then))
    assert compressed(store, layer, kind) == made
    assert prune(store, days=30) == (0, 0)
