from __future__ import annotations

import gzip
import sys
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.inflate import diff_id_of, media_type_of
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD

PLAIN = b"".join(b"line %d of a file in a tar\n" % number for number in range(20_000))
# What may stand between the frames of zstd: eight bytes of a header, and what readers step over.
SKIPPED = b"\x50\x2a\x4d\x18\x05\x00\x00\x00notes"


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


KINDS = [(gzip.compress, LAYER_GZIP), (_zstd, LAYER_ZSTD)]


@pytest.mark.parametrize(("pack", "media_type"), KINDS)
def test_the_hash_of_the_plain_tar_is_found(store: Store, pack: Callable[[bytes], bytes], media_type: str) -> None:
    digest = store.put(pack(PLAIN))
    assert media_type_of(store, digest) == media_type
    assert diff_id_of(store, digest, media_type) == sha256_digest(PLAIN)


def test_a_plain_tar_is_its_own(store: Store) -> None:
    digest = store.put(PLAIN)
    assert media_type_of(store, digest) == LAYER_TAR
    assert diff_id_of(store, digest, LAYER_TAR) == digest


@pytest.mark.parametrize(("pack", "media_type"), KINDS)
def test_parts_that_follow_one_another_are_one_tar(
    store: Store, pack: Callable[[bytes], bytes], media_type: str
) -> None:
    digest = store.put(pack(PLAIN) + pack(b"") + pack(PLAIN[:7]) * 300)
    assert diff_id_of(store, digest, media_type) == sha256_digest(PLAIN + PLAIN[:7] * 300)


def test_what_stands_between_frames_of_zstd_is_stepped_over(store: Store) -> None:
    digest = store.put(SKIPPED + _zstd(PLAIN) + SKIPPED)
    assert diff_id_of(store, digest, LAYER_ZSTD) == sha256_digest(PLAIN)


@pytest.mark.parametrize(("pack", "media_type"), KINDS)
@pytest.mark.parametrize("missing", [1, 5, 1000])
def test_a_layer_that_ends_early_is_an_integrity_error(
    store: Store, pack: Callable[[bytes], bytes], media_type: str, missing: int
) -> None:
    digest = store.put(pack(PLAIN)[:-missing])
    with pytest.raises(IntegrityError, match="cannot be decompressed"):
        diff_id_of(store, digest, media_type)
    assert store.key_files() == []


@pytest.mark.parametrize(("pack", "media_type"), KINDS)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_layer_gives_its_hash_or_an_integrity_error(
    tmp_path_factory: pytest.TempPathFactory,
    pack: Callable[[bytes], bytes],
    media_type: str,
    place: float,
    flip: int,
) -> None:
    store = Store(tmp_path_factory.mktemp("damaged"))
    packed = bytearray(pack(PLAIN))
    packed[int(place * len(packed))] ^= flip
    digest = store.put(bytes(packed))
    try:
        found = diff_id_of(store, digest, media_type)
    except IntegrityError as error:
        assert "cannot be decompressed" in error.message
    else:
        assert found.startswith("sha256:")


def test_a_layer_that_is_hardly_anything_but_zeros_takes_little_memory(store: Store) -> None:
    import tracemalloc

    compressor = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(1 << 9)) + compressor.flush()
    digest = store.put(packed)
    assert len(packed) < 100_000
    tracemalloc.start()
    try:
        diff_id_of(store, digest, LAYER_ZSTD)
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def test_without_the_package_for_zstd_the_extra_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = store.put(_zstd(PLAIN))
    for name in ("zstandard", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BaseImageError, match="zstd") as caught:
        diff_id_of(store, digest, LAYER_ZSTD)
    assert "envbuild[zstd]" in caught.value.hint
