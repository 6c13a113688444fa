"""What was written once is written again without conda-lock's models, as long as nothing of it has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from condas import FILE

from envbuild.errors import ResolveError, UsageError
from envbuild.oci.store import Store
from envbuild.resolver.conda import lockfile, writing
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.origin import Origin
from envbuild.resolver.types import Lock, Source


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.put(FILE)
    return store


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Lock]:
    """The locks that conda-lock's models were asked to write."""
    found: list[Lock] = []
    real = lockfile.text_of

    def counted(lock: Lock, store: Store, origin: Origin | None) -> bytes:
        found.append(lock)
        return real(lock, store, origin)

    monkeypatch.setattr(lockfile, "text_of", counted)
    return found


def test_the_same_lock_is_made_once(lock: Lock, store: Store, made: list[Lock], tmp_path: Path) -> None:
    path, other = tmp_path / "conda-lock.yml", tmp_path / "other.yml"
    write_conda_lock(lock, path, store=store)
    write_conda_lock(replace(lock, created="2026-01-01T00:00:00Z", from_cache=True), other, store=store)
    assert made == [lock]
    assert other.read_bytes() == path.read_bytes() != b""


def test_what_is_written_of_a_package_counts(lock: Lock, store: Store, made: list[Lock], tmp_path: Path) -> None:
    python, zone = lock.conda
    (app,) = lock.packages
    others = [
        replace(lock, conda=(replace(python, depends=("openssl >=4",)), zone)),
        replace(lock, conda=(replace(python, url=python.url.replace("conda-forge", "mine")), zone)),
        replace(lock, conda=(replace(python, md5="1" * 32), zone)),
        replace(lock, packages=(replace(app, url="https://other.example/app-1.0-py3-none-any.whl"),)),
        replace(lock, requirements=("app", "more")),
    ]
    texts = set()
    for each in (lock, *others):
        write_conda_lock(each, tmp_path / "conda-lock.yml", store=store)
        texts.add((tmp_path / "conda-lock.yml").read_text())
    assert len(made) == len(texts) == 6


def test_what_it_was_made_for_counts(lock: Lock, store: Store, made: list[Lock], tmp_path: Path) -> None:
    path, texts = tmp_path / "conda-lock.yml", set()
    for origin in (None, Origin(digest="sha256:1", server="envbuild"), Origin(digest="sha256:2", server="envbuild")):
        write_conda_lock(lock, path, store=store, origin=origin)
        texts.add(path.read_text())
    assert len(made) == len(texts) == 3


def test_a_damaged_text_is_made_anew(lock: Lock, store: Store, made: list[Lock], tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(lock, path, store=store)
    text = path.read_bytes()
    store.blob(store.put(text)).write_bytes(b"damaged")
    write_conda_lock(lock, path, store=store)
    assert path.read_bytes() == text
    assert len(made) == 2


def test_another_version_of_conda_lock_writes_it_itself(
    lock: Lock, store: Store, made: list[Lock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_conda_lock(lock, tmp_path / "conda-lock.yml", store=store)
    monkeypatch.setattr(writing, "_installed", lambda name: "4.9.9")
    write_conda_lock(lock, tmp_path / "conda-lock.yml", store=store)
    assert len(made) == 2


def test_a_password_of_the_index_is_nowhere_in_the_store(lock: Lock, store: Store, tmp_path: Path) -> None:
    write_conda_lock(lock, tmp_path / "conda-lock.yml", store=store)
    files = [path for path in store.root.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert not any(b"secret" in path.read_bytes() for path in files)


def test_without_conda_lock_nothing_is_written(
    lock: Lock, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise ModuleNotFoundError(name, name="conda_lock")

    monkeypatch.setattr(writing, "_installed", missing)
    with pytest.raises(ResolveError, match="needs conda_lock, which is not installed"):
        write_conda_lock(lock, tmp_path / "conda-lock.yml", store=store)
    assert not (tmp_path / "conda-lock.yml").exists()


def test_a_package_that_was_built_from_source_is_not_written_as_if_it_could_be_fetched(
    lock: Lock, store: Store, tmp_path: Path
) -> None:
    built = replace(lock.packages[0], url="", source=Source(filename="app-1.0.tar.gz", sha256="c" * 64))
    with pytest.raises(UsageError, match="and app was built from source here"):
        write_conda_lock(replace(lock, packages=(built,)), tmp_path / "conda-lock.yml", store=store)
    assert not (tmp_path / "conda-lock.yml").exists()
