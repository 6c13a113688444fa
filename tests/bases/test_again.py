"""The very base of an image, by its digest: out of the cache, of the archive as it was, of a mirror; never another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases import lock as lock_module
from envbuild.bases import open_base
from envbuild.bases.again import VARIABLE, open_again
from envbuild.bases.download import Downloader
from envbuild.bases.types import Base
from envbuild.errors import UsageError
from envbuild.oci.store import Store
from envbuild.progress import SILENT

NAME = "debian:bookworm"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.bases.download.ATTEMPTS", 1)
    original = Downloader.__init__

    def quick(self: Downloader, mirrors: Any, **_: Any) -> None:
        original(self, mirrors, pause=lambda _: None)

    monkeypatch.setattr(Downloader, "__init__", quick)


@pytest.fixture
def base(archive: Any, store: Store) -> Base:
    """A base that `store` has, whose lock comes with envbuild."""
    made = open_base(NAME, store)
    kept = store.get_key("base-lock:bookworm:amd64")
    assert kept is not None
    lock_module.shipped_path("bookworm", "amd64").write_text(json.dumps(kept["lock"]))
    return made


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """The store of a machine that never opened a base."""
    return Store(tmp_path / "other")


def again(base: Base, store: Store, *, digest: str = "", name: str = NAME, python: str = "3.11.2") -> Any:
    return open_again(name, digest or base.digest, store, architecture="amd64", python=python, apt=(), progress=SILENT)


def move_to_snapshots(archive: Any) -> None:
    """Take every .deb from the mirror; the archive as it was a day after its index still has them."""
    day = archive.date.replace(microsecond=0)
    from datetime import timedelta

    time = (day + timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")
    for path in [path for path in archive.files if "/pool/" in path]:
        _, root, rest = path.split("/", 2)
        archive.files[f"/archive/{root}/{time}/{rest}"] = archive.files.pop(path)


def test_a_base_that_was_made_before_needs_no_network(base: Base, store: Store, archive: Any) -> None:
    archive.requests.clear()
    found, where = again(base, store)
    assert (found.digest, where) == (base.digest, "cache")
    assert archive.requests == []


def test_the_lock_that_envbuild_ships_makes_it_anew_from_a_mirror(base: Base, other: Store) -> None:
    found, where = again(base, other)
    assert (found.digest, found.layers, where) == (base.digest, base.layers, "mirror")


def test_packages_that_no_mirror_has_any_more_are_taken_from_snapshots(
    base: Base, other: Store, archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to_snapshots(archive)
    assert "no longer to be had" in again(base, other)
    monkeypatch.setenv(VARIABLE, archive.url.removesuffix("/debian") + "/archive/")
    found, where = again(base, other)
    assert (found.digest, where) == (base.digest, "snapshot")


def test_another_base_of_that_name_is_never_taken(base: Base, store: Store, other: Store) -> None:
    digest = "sha256:" + "0" * 64
    assert "make another" in again(base, store, digest=digest)
    assert "make another" in again(base, other, digest=digest)


def test_packages_with_another_python_are_not_fetched(base: Base, other: Store, archive: Any) -> None:
    archive.requests.clear()
    assert "knows no packages" in again(base, other, digest="sha256:" + "0" * 64, python="3.11.9")
    assert archive.requests == []


def test_a_mirror_that_does_not_answer_is_a_reason_and_no_error(
    base: Base, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", "http://127.0.0.1:1/debian")
    assert "could not be read" in again(base, other)


@pytest.mark.parametrize("value", ["/var/lib/snapshots", "ftp://archive.example"])
def test_snapshots_at_no_address_are_a_usage_error(
    base: Base, other: Store, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(UsageError, match=VARIABLE):
        again(base, other)


@pytest.mark.parametrize(("name", "why"), [("", "made from a file"), ("python:3.11", "an engine's image")])
def test_a_base_that_nobody_else_has_is_told(base: Base, other: Store, name: str, why: str) -> None:
    assert why in again(base, other, name=name)
