"""A lock is vouched for once the indexes of this machine named its wheels, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tinywheels import make_wheel, serve, write_index

from envbuild.errors import NetworkError, ResolveError
from envbuild.oci.store import Store
from envbuild.progress import SILENT
from envbuild.resolver.byhash import WheelsByHash
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.resolver.vouching import is_vouched, vouch

PACKAGE = LockedPackage(name="one", version="1.0", filename="one-1.0-py3-none-any.whl", sha256="0" * 64, size=0)
LOCK = Lock(packages=(PACKAGE,), python="3.11.2", platform="manylinux_2_36_x86_64", requirements=())


def test_it_holds_for_this_very_lock_and_no_other(tmp_path: Path) -> None:
    assert not is_vouched(tmp_path, LOCK)
    vouch(tmp_path, LOCK)
    assert is_vouched(tmp_path, replace(LOCK, notes=("told",), server="azureml"))
    for change in ({"name": "two"}, {"sha256": "1" * 64}, {"version": "2.0"}, {"filename": "two-1.0-py3-none-any.whl"}):
        assert not is_vouched(tmp_path, replace(LOCK, packages=(replace(PACKAGE, **change),)))
    assert not is_vouched(tmp_path, replace(LOCK, python="3.11.3"))


def test_the_indexes_are_asked_once_though_the_wheel_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, store = tmp_path / "index", Store(tmp_path / "cache" / "store")
    index.mkdir()
    path = make_wheel(index, "one")
    write_index(index)
    lock = replace(LOCK, packages=(replace(PACKAGE, sha256=store.put(path.read_bytes())[7:]),))
    for name in ("UV_INDEX", "UV_FIND_LINKS", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    with pytest.raises(NetworkError, match="could not be reached"):
        WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()
    with serve(index) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()


def test_an_index_that_has_other_bytes_does_not_vouch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, store = tmp_path / "index", Store(tmp_path / "cache" / "store")
    index.mkdir()
    mine = make_wheel(index, "one").read_bytes()
    make_wheel(index, "one", files={"other.txt": "x"})
    write_index(index)
    lock = replace(LOCK, packages=(replace(PACKAGE, sha256=store.put(mine)[7:]),))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(index) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        for _ in range(2):
            with pytest.raises(ResolveError, match="no index has"):
                WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()
