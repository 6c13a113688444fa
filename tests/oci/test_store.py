from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envbuild.errors import CorruptBlobError, IntegrityError, StorageError
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.maintenance import verify
from envbuild.oci.store import Store

_WRITER = """
import sys, time
from pathlib import Path
from envbuild.oci.store import Store
store = Store(Path(sys.argv[1]))
store.put(b"finished")
store.put_key("finished", {"digest": "x"})
with store.writer() as out:
    out.write(b"x" * 5_000_000)
    print("half", flush=True)
    time.sleep(60)
"""
_RACER = """
import sys
from pathlib import Path
from envbuild.oci.layer import build_layer, remember_layer
from envbuild.oci.store import Store
store = Store(Path(sys.argv[1]))
for number in range(60):
    layer = build_layer(store, lambda tar: tar.data("a", b"%d" % number * 50_000))
    remember_layer(store, f"key {number}", layer)
    store.put(b"same %d" % (number % 7))
    if number % 10 == int(sys.argv[2]):
        store.drop(layer.digest)
"""


def _python(code: str, *arguments: object) -> subprocess.Popen[str]:
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=env
    )


def test_the_root_is_an_oci_layout(store: Store) -> None:
    assert not store.root.exists()
    digest = store.put(b"hello")
    assert json.loads((store.root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((store.root / "index.json").read_text())["manifests"] == []
    assert store.blob(digest) == store.root / "blobs" / "sha256" / digest.removeprefix("sha256:")
    assert store.read(digest) == b"hello"
    assert b"".join(store.stream(digest, chunk=2)) == b"hello"
    assert (store.has(digest), store.has(digest, 5), store.has(digest, 6)) == (True, True, False)


def test_an_empty_blob_and_a_missing_one(store: Store) -> None:
    digest, size = store.ingest([])
    assert (size, list(store.stream(digest)), store.read(digest)) == (0, [], b"")
    missing = sha256_digest(b"missing")
    assert not store.has(missing)
    with pytest.raises(CorruptBlobError):
        store.read(missing)
    with pytest.raises(CorruptBlobError):
        list(store.stream(missing))


@pytest.mark.parametrize("digest", ["", "sha256:../../x", "md5:00", "sha256:" + "A" * 64, "sha256:" + "0" * 63])
def test_what_is_no_digest_never_becomes_a_path(store: Store, digest: str) -> None:
    with pytest.raises(IntegrityError):
        store.has(digest)


def test_ingest_keeps_nothing_of_the_wrong_content(store: Store) -> None:
    with pytest.raises(IntegrityError, match="expected was"):
        store.ingest([b"a", b"b"], expected=sha256_digest(b"a"))
    assert store.ingest([b"a", b"b"], expected=sha256_digest(b"ab")) == (sha256_digest(b"ab"), 2)
    assert [path.name for path in (store.root / "blobs/sha256").iterdir()] == [sha256_digest(b"ab")[7:]]
    assert list((store.root / "tmp").iterdir()) == []


def test_an_interrupted_source_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 3_000_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ingest(broken())
    assert list((store.root / "tmp").iterdir()) == list((store.root / "blobs/sha256").iterdir()) == []


def test_writer_tells_digest_and_size(store: Store) -> None:
    with store.writer() as out:
        out.write(b"a" * 700_000)
        assert out.tell() == 700_000
        out.write(b"b" * 700_000)
    assert (out.digest, out.size) == (sha256_digest(b"a" * 700_000 + b"b" * 700_000), 1_400_000)
    assert store.has(out.digest, out.size)


@pytest.mark.parametrize("content", [b"hellO world", b"hello", b"hello world!", b""])
def test_damage_is_found_before_the_last_piece_is_given_out(store: Store, content: bytes) -> None:
    digest = store.put(b"hello world")
    store.blob(digest).write_bytes(content)
    with pytest.raises(CorruptBlobError):
        store.read(digest)
    given = b""
    with pytest.raises(CorruptBlobError):
        for piece in store.stream(digest, chunk=4):
            given += piece
    assert len(given) < len(b"hello world!")
    assert store.put(b"hello world") == digest
    assert store.read(digest) == b"hello world", "writing it anew heals"


def test_keys_are_any_text_and_damage_is_a_miss(store: Store) -> None:
    key = "läyer:/../ " + "x" * 5000
    assert store.get_key(key) is None
    store.put_key(key, {"a": [1, "ü"]})
    assert store.get_key(key) == {"a": [1, "ü"]}
    (path,) = store.key_files()
    for damage in (b"", b"{", b"[]", b"\xff", b"null", b'{"key":"other","value":{}}', b"[" * 200_000):
        path.write_bytes(damage)
        assert store.get_key(key) is None


def test_drop_takes_the_keys_that_name_the_blob(store: Store) -> None:
    gone, kept = store.put(b"gone"), store.put(b"kept")
    store.put_key("gone", {"layer": {"digest": gone}})
    store.put_key("kept", {"digest": kept})
    store.drop(gone)
    store.drop(gone)
    assert not store.has(gone)
    assert store.get_key("gone") is None
    assert store.has(kept)
    assert store.get_key("kept") == {"digest": kept}


def test_a_use_refreshes_the_time_of_a_blob(store: Store) -> None:
    digest = store.put(b"hello")
    uses = [lambda: store.has(digest), lambda: store.read(digest), lambda: list(store.stream(digest))]
    for use in [*uses, lambda: store.put(b"hello")]:
        os.utime(store.blob(digest), (0, 0))
        use()
        assert time.time() - store.blob(digest).stat().st_mtime < 60


def test_a_temporary_folder_goes_even_after_an_error(store: Store) -> None:
    with pytest.raises(ValueError), store.temporary() as folder:
        (folder / "x").write_text("x")
        raise ValueError
    assert not folder.exists()
    assert folder.parent == store.root / "tmp"


def test_a_temporary_folder_is_for_nobody_else(store: Store) -> None:
    old = os.umask(0)
    try:
        with store.temporary() as folder:
            assert folder.stat().st_mode & 0o7777 == 0o700
    finally:
        os.umask(old)


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(StorageError, match="disk is full") as caught, store.writer() as out:
        out._file.close()
        out._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  a disk that takes no byte
        out.write(b"x" * 3_000_000)
    assert "prune" in caught.value.hint
    assert list((store.root / "tmp").iterdir()) == list((store.root / "blobs/sha256").iterdir()) == []


def test_a_root_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "cache")
    assert store.get_key("x") is None
    assert not store.has(sha256_digest(b""))
    for write in (lambda: store.put(b"x"), lambda: store.put_key("x", {}), lambda: store.ingest([b""])):
        with pytest.raises(StorageError, match="cannot be written"):
            write()


def test_a_killed_writer_leaves_a_store_that_works(store: Store) -> None:
    with _python(_WRITER, store.root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
    assert len(list((store.root / "tmp").iterdir())) == 1, "the kill came too late"
    assert store.read(sha256_digest(b"finished")) == b"finished"
    assert store.get_key("finished") == {"digest": "x"}
    assert verify(store) == []
    assert [path.name for path in (store.root / "blobs/sha256").iterdir()] == [sha256_digest(b"finished")[7:]]
    assert store.ingest([b"x" * 5_000_000])[1] == 5_000_000


def test_two_processes_share_a_store(store: Store) -> None:
    racers = [_python(_RACER, store.root, number) for number in (3, 4)]
    for racer in racers:
        racer.communicate(timeout=60)
        assert racer.returncode == 0
    assert verify(store) == []
    assert list((store.root / "tmp").iterdir()) == []
