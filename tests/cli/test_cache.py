from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.oci.store import Store

Process = Callable[..., tuple[int, str, str]]
DAY = 86400


@pytest.fixture
def cache() -> Path:
    return Path(os.environ["ENVBUILD_CACHE_DIR"])


def age(path: Path, days: int) -> None:
    then = time.time() - days * DAY
    for entry in (*path.rglob("*"), path) if path.is_dir() else (path,):
        os.utime(entry, (then, then), follow_symlinks=False)


def filled(cache: Path) -> tuple[Store, str, str]:
    """A cache with an old and a new entry of each kind."""
    store = Store(cache / "store")
    old, new = store.put(b"old" * 1000), store.put(b"new" * 1000)
    age(store.blob(old), 40)
    for folder in ("store/rootfs", "locks", "downloads"):
        for name, days in (("a", 40), ("b", 0)):
            entry = cache / folder / name
            entry.mkdir(parents=True)
            (entry / "file").write_bytes(b"x" * 500)
            (entry / "link").symlink_to("file")
            age(entry, days)
    (cache / "uv").mkdir()
    (cache / "uv" / "wheel").write_bytes(b"x" * 500)
    return store, old, new


def test_dir_prints_the_path_and_nothing_else(process: Process, cache: Path) -> None:
    assert process("cache", "dir") == (0, f"{cache}\n", "")


def test_verify_names_what_it_removed(process: Process, cache: Path) -> None:
    store = Store(cache / "store")
    good, bad = store.put(b"good"), store.put(b"bad")
    store.blob(bad).chmod(0o644)
    store.blob(bad).write_bytes(b"worse")
    code, out, err = process("cache", "verify")
    assert (code, out) == (0, f"{bad}\n")
    assert err == "removed 1 damaged entry; the next build makes it anew\n"
    assert store.has(good)
    assert not store.has(bad)
    assert process("cache", "verify") == (0, "", "every entry is sound\n")


def test_prune_removes_what_was_not_used_lately(process: Process, cache: Path) -> None:
    store, old, new = filled(cache)
    code, out, err = process("cache", "prune")
    assert (code, out) == (0, "")
    assert err.startswith("removed 4 entries, freed ")
    assert store.has(new)
    assert not store.has(old)
    for folder in ("store/rootfs", "locks", "downloads"):
        assert [entry.name for entry in (cache / folder).iterdir()] == ["b"]
    assert (cache / "uv" / "wheel").exists()


def test_prune_takes_another_number_of_days(process: Process, cache: Path) -> None:
    store, old, _ = filled(cache)
    assert process("cache", "prune", "--days", "50")[2] == "removed 0 entries, freed 0 B\n"
    assert store.has(old)


def test_prune_all_leaves_nothing_but_what_is_not_ours(process: Process, cache: Path) -> None:
    store, old, new = filled(cache)
    (cache / "notes.txt").write_text("mine")
    code, _, err = process("cache", "prune", "--all")
    assert code == 0
    assert err.startswith("removed ")
    assert not store.has(old)
    assert not store.has(new)
    left = sorted(path.name for path in cache.rglob("*") if path.is_file() and "store" not in path.parts)
    assert left == ["notes.txt"]
    assert not list((cache / "store" / "rootfs").iterdir())
    assert process("cache", "verify")[0] == 0


def test_prune_refuses_two_answers_to_one_question(process: Process) -> None:
    code, out, err = process("cache", "prune", "--days", "3", "--all")
    assert (code, out) == (2, "")
    assert err.startswith("error: --days and --all exclude each other")


def test_a_cache_that_is_not_there_yet_is_empty(process: Process, tmp_path: Path) -> None:
    env = {"ENVBUILD_CACHE_DIR": str(tmp_path / "new")}
    assert process("cache", "verify", env=env)[:2] == (0, "")
    assert process("cache", "prune", env=env) == (0, "", "removed 0 entries, freed 0 B\n")
