from __future__ import annotations

import array
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from packing import MIB, TEXT, blobs, inflated, noise, plain, text

from envbuild.errors import UsageError
from envbuild.oci import compress
from envbuild.oci.archive import write_archive
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.compress import Compression, compressed, compressed_all, compressor_name
from envbuild.oci.image import make_image
from envbuild.oci.inflate import diff_id_of, media_type_of
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, Layer

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
from envbuild.oci.types import Layer
store = Store(Path(sys.argv[1]))
print(compressed(store, Layer(diff_id=sys.argv[3], digest=sys.argv[3], size=int(sys.argv[4])), sys.argv[2]).digest)
"""


@BOTH
@settings(max_examples=60, deadline=None)
@given(
    size=st.one_of(st.integers(0, 4000), st.sampled_from([MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 511])),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_what_is_compressed_is_the_same_inside(
    tmp_path_factory: pytest.TempPathFactory, kind: Compression, size: int, share: float, seed: int
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    part = int(size * share)
    data = noise(part, seed) + text(size - part, seed)
    layer = plain(store, data)

    made = compressed(store, layer, kind)

    assert made.diff_id == layer.diff_id
    assert made.size == store.blob(made.digest).stat().st_size
    assert made.digest == sha256_digest(store.blob(made.digest).read_bytes())
    assert inflated(store, made) == data
    assert made.media_type in (LAYER_TAR, TYPES[kind])
    assert media_type_of(store, made.digest) == made.media_type
    assert diff_id_of(store, made.digest, made.media_type) == layer.diff_id


@BOTH
def test_a_layer_is_compressed(store: Store, kind: Compression) -> None:
    layer = build_layer(store, lambda tar: tar.data("a/b", b"content " * 100_000))
    made = compressed(store, layer, kind)
    assert made.media_type == TYPES[kind]
    assert made.size * 50 < layer.size
    assert blobs(store) == {layer.digest, made.digest}


def test_the_gzip_header_has_no_name_and_no_time(store: Store) -> None:
    made = compressed(store, plain(store, TEXT), "gzip")
    blob = store.blob(made.digest).read_bytes()
    assert blob[:10].hex() == "1f8b08000000000000ff"
    assert int.from_bytes(blob[-4:], "little") == len(TEXT)


def test_the_zstd_frame_is_one_that_any_reader_takes(store: Store) -> None:
    made = compressed(store, plain(store, TEXT), "zstd")
    blob = store.blob(made.digest).read_bytes()
    frame = zstandard.get_frame_parameters(blob)
    assert (frame.dict_id, frame.has_checksum) == (0, False)
    assert frame.window_size <= 8 * MIB, "what RFC 8878 recommends to support"
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
    assert inflated(store, made) == store.read(layer.digest)
    empty = plain(store, b"")
    assert compressed(store, empty, kind) == empty


@BOTH
def test_the_bytes_are_those_of_the_version(store: Store, kind: Compression) -> None:
    name = compressor_name(kind)
    if name not in GOLDEN:
        pytest.skip(f"nobody noted what {name} gives")
    assert hashlib.sha256(TEXT).hexdigest()[:16] == "d3ce29d851053aa9", "the text itself is another"
    assert compressed(store, plain(store, TEXT), kind).digest[7:23] == GOLDEN[name]


@BOTH
def test_the_bytes_are_the_same_in_every_process_and_for_every_way_of_reading(
    store: Store, tmp_path: Path, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = plain(store, TEXT)
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
    assert compressed(third, plain(third, TEXT), kind) == first


@BOTH
def test_what_was_compressed_once_is_remembered(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, kind)
    monkeypatch.setattr(compress, "_encoder", lambda _: pytest.fail("compressed again"))
    again = Store(store.root)
    assert compressed(again, layer, kind) == made
    assert compressed_all(again, [layer, layer], kind) == (made, made)


def test_the_kinds_are_remembered_side_by_side(store: Store) -> None:
    layer = plain(store, TEXT)
    kinds: list[Compression] = ["gzip", "zstd", "none"]
    made = [compressed(store, layer, kind) for kind in kinds]
    assert [one.media_type for one in made] == [LAYER_GZIP, LAYER_ZSTD, LAYER_TAR]
    assert compressed(store, layer, "gzip") == made[0]


@BOTH
def test_another_version_of_the_package_is_another_compressor(
    store: Store, kind: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = plain(store, TEXT)
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
    layer = plain(store, TEXT)
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
    layer = plain(store, TEXT)
    assert compressed(store, layer, "none") is layer
    assert store.key_files() == []


_CHANCE = random.Random(3)
FLOATS = array.array("f", (_CHANCE.gauss(0, 0.02) for _ in range(600_000))).tobytes()


@pytest.mark.parametrize(
    ("data", "stays"),
    [
        (noise(3 * MIB), True),
        (noise(3000), True),
        (FLOATS, True),
        (text(200_000) + noise(4 * MIB), True),
        (noise(MIB) + text(5 * MIB), False),
        (noise(MIB // 2) + bytes(MIB // 2), False),
    ],
    ids=["noise", "little noise", "float32 weights", "text before noise", "text behind noise", "half zeros"],
)
@BOTH
def test_what_hardly_gets_smaller_stays_a_plain_tar(
    store: Store, kind: Compression, data: bytes, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = plain(store, data)
    if stays:
        monkeypatch.setattr(Store, "stream", lambda *_, **__: pytest.fail("all of it is read"))
        monkeypatch.setattr(Store, "writer", lambda _: pytest.fail("it is written"))
    made = compressed(store, layer, kind)
    assert (made == layer) == stays
    assert (store.key_files() == []) == stays


def test_of_a_large_blob_little_is_read_and_both_ends_are(store: Store) -> None:
    data = noise(20 * MIB + 3)
    samples = list(compress._samples(store, plain(store, data)))
    assert sum(map(len, samples)) == MIB
    assert samples[0] == data[: len(samples[0])]
    assert samples[-1] == data[-len(samples[-1]) :]
    places = [data.index(sample) for sample in samples]
    gaps = {after - before for before, after in pairwise(places)}
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.registry
@pytest.mark.parametrize(("kind", "first"), [("gzip", "zstd"), ("zstd", "gzip")])
def test_skopeo_unpacks_what_was_compressed(
    store: Store, tmp_path: Path, kind: Compression, first: Compression
) -> None:
    base = compressed(store, build_layer(store, lambda tar: tar.data("opt/base", b"b" * 5000)), first)
    packed = compressed_all(store, [base, plain(store, TEXT), plain(store, noise(2 * MIB))], kind)
    assert [layer.media_type for layer in packed] == [TYPES[first], TYPES[kind], LAYER_TAR]
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in packed]}
    config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    write_archive(make_image(canonical_json(config), packed, {}), ["m:1"], store, tmp_path / "in.tar", kind="oci")

    copy = ["skopeo", "copy", "-q", "--dest-decompress", f"oci-archive:{tmp_path}/in.tar", f"dir:{tmp_path}/out"]
    subprocess.run(copy, check=True)

    for layer in packed:
        assert sha256_digest((tmp_path / "out" / layer.diff_id[7:]).read_bytes()) == layer.diff_id
