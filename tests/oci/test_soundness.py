"""What is known of a blob, by the bytes that are read to find out."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from iocounts import io_counts

from envbuild.errors import CorruptBlobError
from envbuild.oci import maintenance, soundness
from envbuild.oci.store import Store

SIZE = 8 << 20


@pytest.fixture
def digest(store: Store) -> str:
    return store.put(b"sound" * (SIZE // 5) + bytes(SIZE % 5))


def read_for(store: Store, digest: str) -> int:
    """Bytes that are read until the blob is known to be sound."""
    before, _ = io_counts()
    soundness.checked(store, digest, SIZE)
    return io_counts()[0] - before


def test_what_was_just_written_is_not_read(store: Store, digest: str) -> None:
    assert read_for(store, digest) < 100_000
    assert read_for(Store(store.root), digest) < 100_000


def test_after_a_new_start_of_the_machine_it_is_read_once(
    store: Store, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "_boot", lambda: "another")
    assert read_for(store, digest) >= SIZE
    assert read_for(store, digest) < 100_000


def test_where_the_system_does_not_tell_its_starts_it_is_read_every_time(
    store: Store, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "_boot", lambda: "")
    assert read_for(store, digest) >= SIZE
    assert read_for(store, digest) >= SIZE


def test_a_blob_that_was_altered_in_its_place_is_found_out(store: Store, digest: str) -> None:
    with store.blob(digest).open("r+b") as blob:
        blob.seek(SIZE // 2)
        blob.write(b"x")
    with pytest.raises(CorruptBlobError):
        soundness.checked(store, digest, SIZE)


def test_another_file_of_the_same_name_is_read(store: Store, digest: str) -> None:
    path = store.blob(digest)
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[7] ^= 1
    (path.parent / "other").write_bytes(data)
    os.utime(path.parent / "other", ns=(found.st_atime_ns, found.st_mtime_ns))
    (path.parent / "other").replace(path)
    assert not soundness.check(store, path, digest, SIZE)


def test_a_blob_of_another_size_and_a_missing_one_are_not_sound(store: Store, digest: str) -> None:
    os.truncate(store.blob(digest), SIZE - 1)
    assert not soundness.check(store, store.blob(digest), digest, SIZE)
    store.blob(digest).unlink()
    assert not soundness.check(store, store.blob(digest), digest, SIZE)


def test_noting_a_use_does_not_make_a_blob_unknown(store: Store, digest: str) -> None:
    old = time.time() - 7200
    os.utime(store.blob(digest), (old, old))
    soundness.checked(store, digest, SIZE)
    assert store.has(digest, SIZE)
    assert store.blob(digest).stat().st_mtime > old
    assert read_for(store, digest) < 100_000


def linked(store: Store, digest: str, folder: Path) -> Path:
    """The blob as a layout has it on a disk that makes no clones."""
    path = folder / "delivered"
    os.link(store.blob(digest), path)
    return path


def test_a_use_changes_no_time_in_a_folder_that_was_delivered(store: Store, digest: str, tmp_path: Path) -> None:
    path = linked(store, digest, tmp_path)
    old = time.time() - 31 * 86400
    for file in (path, soundness.folder(store) / digest[7:]):
        os.utime(file, (old, old))

    assert store.has(digest, SIZE)

    assert path.stat().st_mtime == pytest.approx(old, abs=1)
    assert maintenance.prune(store, days=30) == (0, 0)
    path.unlink()
    assert maintenance.prune(store, days=30) == (0, 0)
    os.utime(soundness.folder(store) / digest[7:], (old, old))
    assert maintenance.prune(store, days=30) == (1, SIZE)


def test_a_use_is_noted_where_nothing_is_known_of_the_blob(store: Store, digest: str, tmp_path: Path) -> None:
    linked(store, digest, tmp_path)
    (soundness.folder(store) / digest[7:]).unlink()
    old = time.time() - 31 * 86400
    os.utime(store.blob(digest), (old, old))
    assert b"".join(store.stream(digest))
    assert maintenance.prune(store, days=30) == (0, 0)
    assert read_for(store, digest) >= SIZE
    assert read_for(store, digest) < 100_000


def test_a_time_that_somebody_sets_in_what_was_delivered_makes_no_blob_unused(
    store: Store, digest: str, tmp_path: Path
) -> None:
    os.utime(linked(store, digest, tmp_path), (0, 0))
    assert maintenance.prune(store, days=30) == (0, 0)
    assert store.has(digest, SIZE)


@pytest.mark.parametrize("junk", [b"", b"[]", b"{", b'{"1:2": 3}', b"\xff", b"[" * 100_000])
def test_damaged_memory_only_costs_time(store: Store, digest: str, junk: bytes) -> None:
    (soundness.folder(store) / digest[7:]).write_bytes(junk)
    assert read_for(store, digest) >= SIZE
    assert read_for(store, digest) < 100_000


def test_what_is_known_goes_with_the_blob(store: Store, digest: str) -> None:
    other = store.put(b"other" * SIZE)
    third = store.put(b"third" * SIZE)
    assert len(list(soundness.folder(store).iterdir())) == 3
    store.drop(digest)
    store.blob(other).write_bytes(b"damaged")
    assert maintenance.verify(store) == [other]
    assert [path.name for path in soundness.folder(store).iterdir()] == [third[7:]]
    maintenance.prune(store, days=-1)
    assert list(soundness.folder(store).iterdir()) == []
