from __future__ import annotations

import hashlib
import threading

import pytest

from envbuild.oci.hashing import Hasher
from envbuild.oci.store import Store

PIECE = b"0123456789abcdef" * (1 << 16)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 80])
def test_the_hash_is_that_of_all_pieces_whoever_works_it_out(count: int) -> None:
    with Hasher() as hasher:
        for number in range(count):
            hasher.update(PIECE[number:])
        found = hasher.hexdigest()
    assert found == hashlib.sha256(b"".join(PIECE[number:] for number in range(count))).hexdigest()


def test_more_may_come_after_the_hash_was_asked_for() -> None:
    with Hasher() as hasher:
        for _ in range(40):
            hasher.update(PIECE)
        hasher.hexdigest()
        hasher.update(memoryview(b"and more"))
        assert hasher.hexdigest() == hashlib.sha256(PIECE * 40 + b"and more").hexdigest()


def test_no_thread_stays_behind_what_is_broken_off() -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError), Hasher() as hasher:
        for _ in range(40):
            hasher.update(PIECE)
        assert threading.active_count() == before + 1
        raise RuntimeError
    assert threading.active_count() == before


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where the process has all the threads that it may have."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def test_where_no_thread_starts_the_hash_is_worked_out_without_one(no_threads: None) -> None:
    with Hasher() as hasher:
        for _ in range(80):
            hasher.update(PIECE)
        assert hasher.hexdigest() == hashlib.sha256(PIECE * 80).hexdigest()


def test_where_no_thread_starts_a_large_blob_is_stored(no_threads: None, store: Store) -> None:
    digest, size = store.ingest(PIECE for _ in range(70))
    assert (digest, size) == ("sha256:" + hashlib.sha256(PIECE * 70).hexdigest(), 70 << 20)
    assert not list((store.root / "tmp").iterdir())
