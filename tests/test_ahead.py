"""A large file of a model is read once, for its hash and its layer, by the bytes that the kernel counts."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from folders import write_files
from iocounts import io_counts

from envbuild import ahead as ahead_module
from envbuild.ahead import Ahead
from envbuild.backends import files
from envbuild.backends.files import write_files as write_layer
from envbuild.errors import ModelError
from envbuild.model import content, read
from envbuild.model.content import hash_files
from envbuild.model.types import Model
from envbuild.oci.hashing import Hasher
from envbuild.oci.layer import layer_from_key
from envbuild.oci.store import Store
from envbuild.planner.layers import LARGE_FILE, file_layer, placed
from envbuild.planner.types import PlannedLayer
from envbuild.progress import Phase, Progress, Summary

SIZE = LARGE_FILE + 12_345
NAME = "data/weights.bin"
SETTLED = 1_600_000_000

MEASURED = """
import sys
from pathlib import Path
from iocounts import io_counts
from envbuild.ahead import Ahead
from envbuild.model import read
from envbuild.oci.store import Store

model = read(Path(sys.argv[1]))
before = io_counts()
store = Store(Path(sys.argv[2]))
with Ahead(model, store) as ahead:
    ahead.hashes(model, store)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(*(now - then for now, then in zip(io_counts(), before)), int(status["VmHWM"].split()[0]) << 10)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_files(tmp_path_factory.mktemp("ahead") / "model", {"MLmodel": "flavors: {}\n", "small.txt": "small"})
    (root / NAME).parent.mkdir()
    with (root / NAME).open("wb") as out:
        out.write(b"begin")
        out.seek(SIZE // 2)
        out.write(b"half")
        out.truncate(SIZE)
    os.utime(root / NAME, (SETTLED, SETTLED))
    return root


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def hash_and_write(model: Model, store: Store) -> dict[str, str]:
    with Ahead(model, store) as ahead:
        return ahead.hashes(model, store)


def planned(model: Model, hashes: dict[str, str]) -> PlannedLayer:
    file = next(file for file in model.files if file.path == NAME)
    return file_layer(placed(model, file, hashes[NAME]))


def test_hash_and_layer_come_of_one_pass_and_are_those_of_two(folder: Path, store: Store, tmp_path: Path) -> None:
    model = read(folder)
    before = io_counts()
    hashes = hash_and_write(model, store)
    done, written = (now - then for now, then in zip(io_counts(), before, strict=True))
    assert SIZE <= done < SIZE * 1.05
    assert SIZE <= written < SIZE * 1.05
    assert hashes == {f.path: hashlib.sha256((folder / f.path).read_bytes()).hexdigest() for f in model.files}
    layer = planned(model, hashes)
    found = layer_from_key(store, layer.key)
    assert found == write_layer(Store(tmp_path / "other"), layer)
    assert found.digest in store.written
    assert "sha256:" + hashlib.sha256(store.blob(found.digest).read_bytes()).hexdigest() == found.digest


class _Told(Progress):
    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.bytes = 0

    def start(self, phase: Phase, what: str = "", *, total: int = 0) -> None:
        self.lines.append((phase, total))

    def advance(self, phase: Phase, amount: int = 1, *, what: str = "") -> None:
        self.bytes += amount

    def done(self, phase: Phase, summary: Summary) -> None:
        self.lines.append((phase, summary.count, summary.size))


def test_whoever_waits_for_a_large_file_sees_how_far_it_is(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead_module, "_SHORT", 0.0)
    model, told = read(folder), _Told()
    with Ahead(model, store) as ahead:
        ahead.hashes(model, store, told)
    assert told.lines == [("hash", SIZE), ("hash", 1, SIZE)]
    assert told.bytes == SIZE


def test_of_a_file_that_is_known_nothing_is_told(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_SETTLED_NS", -(10**18))
    model, told = read(folder), _Told()
    hash_and_write(model, store)
    with Ahead(model, store) as ahead:
        ahead.hashes(model, store, told)
    assert told.lines == []


def test_a_file_that_is_known_is_not_read(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_SETTLED_NS", -(10**18))
    model = read(folder)
    first = hash_and_write(model, store)
    before = io_counts()
    assert hash_and_write(model, store) == first
    assert io_counts()[0] - before[0] < SIZE / 20


def test_a_copy_of_a_file_whose_layer_is_there_is_hashed_and_not_written(
    folder: Path, store: Store, tmp_path: Path
) -> None:
    first = hash_and_write(read(folder), store)
    again = shutil.copytree(folder, tmp_path / "again")
    before = io_counts()
    other = Store(store.root)
    assert hash_and_write(read(again), other) == first
    done, written = (now - then for now, then in zip(io_counts(), before, strict=True))
    assert done < SIZE * 1.1
    assert written < SIZE / 20
    assert not other.written


def test_a_file_of_the_same_size_and_another_content_gets_its_own_layer(
    folder: Path, store: Store, tmp_path: Path
) -> None:
    first = hash_and_write(read(folder), store)
    other = shutil.copytree(folder, tmp_path / "other")
    with (other / NAME).open("r+b") as out:
        out.seek(SIZE // 30)  # between the samples
        out.write(b"x")
    model = read(other)
    second = hash_and_write(model, store)
    assert second[NAME] == hashlib.sha256((other / NAME).read_bytes()).hexdigest() != first[NAME]
    assert layer_from_key(store, planned(model, second).key) is None
    with (other / NAME).open("r+b") as out:
        out.write(b"BEGIN")
    model = read(other)
    third = hash_and_write(model, store)
    assert layer_from_key(store, planned(model, third).key) is not None


@pytest.mark.parametrize("how", ["in its place", "longer"])
def test_a_file_that_changes_while_it_is_read_is_told_and_has_no_layer(
    folder: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    root = shutil.copytree(folder, tmp_path / "changing")
    os.utime(root / NAME, (SETTLED, SETTLED))
    model = read(root)

    class Meddling(Hasher):
        def update(self, data: bytes | memoryview) -> None:
            super().update(data)
            with (root / NAME).open("r+b") as out:
                out.seek(0, os.SEEK_END if how == "longer" else os.SEEK_SET)
                out.write(b"x")

    monkeypatch.setattr(files, "Hasher", Meddling)
    with pytest.raises(ModelError, match=r"weights\.bin changed while"):
        hash_and_write(model, store)
    assert list((store.root / "blobs/sha256").iterdir()) == []
    assert list((store.root / "tmp").iterdir()) == []
    assert store.key_files() == []


def test_only_hashing_writes_no_layer(folder: Path, store: Store) -> None:
    hash_files(read(folder), store.root)
    assert not (store.root / "blobs").exists()


def test_memory_does_not_grow_with_the_file(folder: Path, tmp_path: Path) -> None:
    root = shutil.copytree(folder, tmp_path / "model")
    size = 4 * SIZE
    os.truncate(root / NAME, size)
    support = Path(__file__).parent / "support"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(root), str(tmp_path / "store")],
        env={**os.environ, "PYTHONPATH": str(support)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    read_bytes, written, memory = (int(word) for word in done.stdout.split())
    assert size <= read_bytes < size * 1.05
    assert size <= written < size * 1.05
    assert memory < 60_000_000


def test_whoever_stops_leaves_nothing_and_is_not_waited_for(folder: Path, store: Store, tmp_path: Path) -> None:
    root = shutil.copytree(folder, tmp_path / "model")
    os.truncate(root / NAME, 64 * SIZE)
    begun, before = io_counts()[0], set(threading.enumerate())
    with pytest.raises(RuntimeError), Ahead(read(root), store):
        raise RuntimeError
    assert io_counts()[0] - begun < 8 * SIZE
    assert list(store.root.glob("blobs/sha256/*")) == []
    assert list(store.root.glob("tmp/*")) == []
    assert set(threading.enumerate()) <= before


def test_a_model_that_was_mended_meanwhile_is_hashed_as_it_is_now(folder: Path, store: Store, tmp_path: Path) -> None:
    root = shutil.copytree(folder, tmp_path / "model")
    with Ahead(read(root), store) as ahead:
        ahead.hashes(read(root), store)
        (root / "small.txt").write_text("mended")
        with (root / NAME).open("r+b") as out:
            out.write(b"other")
        found = ahead.hashes(read(root), store)
    assert found == {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in found}


def test_a_file_that_somebody_else_hashes_meanwhile_has_its_layer_all_the_same(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = read(folder)
    with Ahead(model, store) as ahead:
        for work in ahead._work.values():
            work.result()
        monkeypatch.setattr(content, "_SETTLED_NS", -(10**18))
        hash_files(model, store.root)
        hashes = ahead.hashes(model, store)
    assert layer_from_key(store, planned(model, hashes).key) is not None
