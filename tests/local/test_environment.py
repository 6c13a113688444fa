"""Environments in the cache: the very wheels, whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envbuild.cli.housekeeping import prune_folders
from envbuild.errors import CorruptBlobError, StorageError
from envbuild.local.environment import FOLDER, install, is_sound, remove_unsound
from envbuild.local.host import Interpreter
from envbuild.oci.store import Store
from envbuild.progress import SILENT, Phase, Progress, Summary
from envbuild.resolver.types import Lock

Locked = Callable[..., Lock]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entries(cache: Path) -> list[str]:
    return sorted(entry.name for entry in (cache / FOLDER).iterdir())


def test_it_has_the_very_packages_of_the_lock(store: Store, cache: Path, locked: Locked, host: Interpreter) -> None:
    lock = locked(one={"one/data.txt": "data"}, two={})
    folder = install(lock, host, store, cache, SILENT)
    code = "import importlib.metadata as m, one, two; print(sorted(d.name for d in m.distributions()), one.__file__)"
    done = subprocess.run([folder / "bin/python", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("['one', 'two']")
    assert str(folder) in done.stdout
    assert entries(cache) == [folder.name]


def test_the_same_lock_is_taken_as_it_is_and_another_is_not(
    store: Store, cache: Path, locked: Locked, host: Interpreter
) -> None:
    heard: list[Summary] = []

    class Listener(Progress):
        def done(self, phase: Phase, summary: Summary) -> None:
            heard.append(summary)

    lock = locked(one={})
    folder = install(lock, host, store, cache, SILENT)
    os.utime(folder / "envbuild.json", (1, 1))
    assert install(lock, host, store, cache, Listener()) == folder
    assert heard == [Summary(count=1, noun="packages", cached=1)]
    assert (folder / "envbuild.json").stat().st_mtime > 1
    assert install(locked(two={}), host, store, cache, SILENT) != folder
    assert install(lock, replace(host, version="3.11.99"), store, cache, SILENT) != folder


def test_a_damaged_wheel_leaves_nothing(store: Store, cache: Path, locked: Locked, host: Interpreter) -> None:
    lock = locked(one={})
    blob = store.blob(f"sha256:{lock.packages[0].sha256}")
    blob.chmod(0o644)
    blob.write_bytes(b"x" * lock.packages[0].size)
    with pytest.raises(CorruptBlobError):
        install(lock, host, store, cache, SILENT)
    assert entries(cache) == []


def test_what_uv_refuses_is_told_and_leaves_nothing(
    store: Store, cache: Path, locked: Locked, host: Interpreter
) -> None:
    with pytest.raises(StorageError, match="could not be installed"):
        install(locked(one={}), replace(host, path="/nowhere/python"), store, cache, SILENT)
    assert entries(cache) == []


def test_one_that_cannot_run_is_no_hit_and_verify_removes_it(
    store: Store, cache: Path, locked: Locked, host: Interpreter
) -> None:
    lock = locked(one={})
    folder = install(lock, host, store, cache, SILENT)
    assert remove_unsound(cache) == []
    (folder / "bin" / "python").unlink()
    assert not is_sound(folder)
    assert remove_unsound(cache) == [f"{FOLDER}/{folder.name}"]
    assert entries(cache) == []
    assert is_sound(install(lock, host, store, cache, SILENT))
    marker = json.loads((folder / "envbuild.json").read_text())
    (folder / "envbuild.json").write_text(json.dumps({**marker, "format": 0}))
    assert is_sound(install(lock, host, store, cache, SILENT))


def test_prune_removes_what_was_not_used_lately(store: Store, cache: Path, locked: Locked, host: Interpreter) -> None:
    folder = install(locked(one={}), host, store, cache, SILENT)
    assert prune_folders(cache, days=30, everything=False)[0] == 0
    for path in (folder, *folder.iterdir()):
        os.utime(path, (1, 1), follow_symlinks=False)
    count, freed = prune_folders(cache, days=30, everything=False)
    assert (count, entries(cache)) == (1, [])
    assert freed > 0
