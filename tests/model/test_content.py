from __future__ import annotations

import hashlib
import json
import os

import pytest

from envbuild.errors import ModelError
from envbuild.model import content, read
from envbuild.model.content import STAT_FILE, hash_files


@pytest.fixture
def root(folder):
    found = folder({"a.bin": b"a" * 3_000_000, "b/c.txt": "c", "empty": b""})
    for path in found.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return found


@pytest.fixture
def reads(monkeypatch):
    """The files that are read, and a clock that lets every file have settled."""
    seen = []
    real = content._hash
    monkeypatch.setattr(content, "_hash", lambda file, *rest: seen.append(file.path) or real(file, *rest))
    monkeypatch.setattr(content, "_SETTLED_NS", -(10**18))
    return seen


def test_hashes_are_those_of_the_bytes(root, tmp_path):
    model = read(root)
    assert hash_files(model, tmp_path / "store") == {
        f.path: hashlib.sha256((root / f.path).read_bytes()).hexdigest() for f in model.files
    }


def test_an_unchanged_file_is_not_read_again(root, tmp_path, reads):
    first = hash_files(read(root), tmp_path)
    assert sorted(reads) == ["MLmodel", "a.bin", "b/c.txt", "empty"]
    reads.clear()
    assert hash_files(read(root), tmp_path) == first
    assert reads == []


def test_a_change_that_keeps_size_and_mtime_is_seen(root, tmp_path, reads):
    first = hash_files(read(root), tmp_path)
    reads.clear()
    before = (root / "a.bin").stat()
    (root / "a.bin").write_bytes(b"b" * 3_000_000)
    os.utime(root / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = hash_files(read(root), tmp_path)
    assert reads == ["a.bin"]
    assert second["a.bin"] != first["a.bin"]


def test_where_a_file_has_no_time_of_its_own_change_its_status_tells_nothing(root, tmp_path, reads, monkeypatch):
    """squashfs and EROFS give the packed mtime for it, and the same inode to the file of the next packing."""
    (root / "a.bin").write_bytes(b"v2" * 1_500_000)
    found = (root / "a.bin").stat()
    assert found.st_ctime_ns == found.st_mtime_ns
    status = [found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns]
    former = {os.path.realpath(root / "a.bin"): [*status, hashlib.sha256(b"v1" * 1_500_000).hexdigest()]}
    (tmp_path / STAT_FILE).write_text(json.dumps(former))
    model = read(root)
    file = next(file for file in model.files if file.path == "a.bin")
    assert content.is_known(model, file, tmp_path)

    writable = os.statvfs(root)
    read_only = os.statvfs_result([*writable[:8], writable.f_flag | os.ST_RDONLY, writable.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)

    assert not content.is_known(model, file, tmp_path)
    for _ in range(2):
        assert hash_files(model, tmp_path)["a.bin"] == hashlib.sha256((root / "a.bin").read_bytes()).hexdigest()
    assert reads.count("a.bin") == 2
    assert reads.count("empty") == 1, "its times differ"


def test_a_file_that_was_just_written_is_not_remembered(folder, tmp_path):
    hash_files(read(folder({"x": "1"})), tmp_path)
    assert not (tmp_path / STAT_FILE).exists()


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": [1, 2, 3, 4, "short"]}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_memory_only_costs_time(root, tmp_path, reads, junk):
    (tmp_path / STAT_FILE).write_bytes(junk)
    first = hash_files(read(root), tmp_path)
    assert len(reads) == 4
    assert len(json.loads((tmp_path / STAT_FILE).read_bytes())) == 4
    assert first["empty"] == hashlib.sha256(b"").hexdigest()


def test_a_memory_that_cannot_be_written_only_costs_time(root, tmp_path, reads):
    (tmp_path / "file").write_text("")
    assert len(hash_files(read(root), tmp_path / "file" / "store")) == 4


def test_the_memory_is_bounded(root, tmp_path, reads, monkeypatch):
    monkeypatch.setattr(content, "MAX_ENTRIES", 5)
    old = {f"/gone/{n}": [1, 2, 3, 4, "0" * 64] for n in range(5)}
    (tmp_path / STAT_FILE).write_text(json.dumps(old))
    hash_files(read(root), tmp_path)
    names = list(json.loads((tmp_path / STAT_FILE).read_bytes()))
    assert names[0] == "/gone/4"
    assert len(names) == 5


def test_a_model_that_changes_meanwhile_is_an_error(root, tmp_path):
    model = read(root)
    (root / "b/c.txt").write_text("longer")
    with pytest.raises(ModelError, match=r"b/c\.txt changed while"):
        hash_files(model, tmp_path)
    (root / "b/c.txt").unlink()
    with pytest.raises(ModelError, match=r"cannot read b/c\.txt"):
        hash_files(model, tmp_path)
