"""Locks of packages that were built: what the file says of them, and who can build from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinysources import source_files, write_repository, write_sdist
from tinywheels import make_wheel

from envbuild.errors import IntegrityError, LockFileError, ResolveError
from envbuild.model.types import Line
from envbuild.oci.maintenance import prune
from envbuild.oci.store import Store
from envbuild.progress import SILENT
from envbuild.resolver import write_pylock
from envbuild.resolver.asking import Wish
from envbuild.resolver.byhash import WheelsByHash
from envbuild.resolver.lockfile import read_lockfile
from envbuild.resolver.pylock import parse_toml
from envbuild.resolver.taking import take
from envbuild.resolver.target import platform_of

Make = Callable[..., Any]


@pytest.fixture
def locked(index: Any, build: Make, env: Make, tmp_path: Path) -> Any:
    """A lock of one package from an archive and one from a repository, its file, and what was asked."""
    write_sdist(index.folder, "only-source")
    commit = write_repository(tmp_path / "code", source_files("from-git", "2.0"))
    asked = env("only-source", f"from-git @ git+{(tmp_path / 'code').as_uri()}@main")
    lock = build(asked, allow=("from-git", "only-source"))
    path = tmp_path / "pylock.toml"
    write_pylock(lock, path)
    return lock, path, asked, commit


def wish_of(asked: Any, lock: Any, profile: Make, tmp_path: Path, *allow: str) -> Wish:
    return Wish(
        environment=asked,
        server=profile(),
        platform=platform_of(lock.python, "2.36", "amd64"),
        model_root=tmp_path / "model",
        allow_build=allow,
    )


def test_the_file_names_the_source_as_the_standard_does_and_our_own_wheel(locked: Any, index: Any) -> None:
    lock, path, _, commit = locked
    document = parse_toml(path.read_text())
    from_git, only_source = document["packages"]
    assert from_git["vcs"] == {"type": "git", "path": "code", "requested-revision": "main", "commit-id": commit}
    assert only_source["sdist"]["name"] == "only_source-1.0.tar.gz"
    assert only_source["sdist"]["url"] == f"{index.base}/files/only_source-1.0.tar.gz"
    assert only_source["tool"]["envbuild"]["sha256"] == lock.packages[1].sha256
    file = read_lockfile(path)
    assert file.platform is not None
    assert [replace(p, size=0) for p in lock.packages] == list(file.wheels(file.platform))


def test_it_is_built_from_where_the_wheels_are_and_built_again_where_that_is_allowed(
    locked: Any, bench: Make, profile: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, path, asked, _ = locked
    names = ("from-git", "only-source")
    wish = wish_of(asked, lock, profile, tmp_path, *names)
    assert take(path, wish, cache=tmp_path / "cache").digest == lock.digest
    store = Store(tmp_path / "cache" / "store")
    for package in lock.packages:
        store.drop(f"sha256:{package.sha256}")
    with pytest.raises(ResolveError, match="here nothing is built"):
        take(path, wish, cache=tmp_path / "cache")
    assert take(path, wish, cache=tmp_path / "cache", bench=bench()).digest == lock.digest
    assert all(store.has(f"sha256:{package.sha256}") for package in lock.packages)


@pytest.mark.slow
def test_without_leave_it_is_not_built_again(locked: Any, bench: Make, profile: Make, tmp_path: Path) -> None:
    lock, path, asked, _ = locked
    store = Store(tmp_path / "cache" / "store")
    store.drop(f"sha256:{lock.packages[1].sha256}")
    asked = replace(asked, pip=asked.pip[:1])
    path.write_text(path.read_text().replace('name = "from-git"', 'name = "from-git"\nmarker = "os_name == \'nt\'"'))
    with pytest.raises(ResolveError) as caught:
        take(path, wish_of(asked, lock, profile, tmp_path), cache=tmp_path / "cache", bench=bench())
    assert "only-source 1.0 was built from only_source-1.0.tar.gz, and this machine has not built" in str(caught.value)
    assert caught.value.hint == "--allow-build only-source builds it again"


@pytest.mark.slow
def test_a_wheel_that_comes_out_otherwise_is_not_taken(locked: Any, bench: Make, profile: Make, tmp_path: Path) -> None:
    lock, path, asked, _ = locked
    path.write_text(path.read_text().replace(lock.packages[1].sha256, "5" * 64))
    wish = wish_of(asked, lock, profile, tmp_path, "from-git", "only-source")
    with pytest.raises(IntegrityError) as caught:
        take(path, wish, cache=tmp_path / "cache", bench=bench())
    assert "built from only_source-1.0.tar.gz again, is not the wheel that was locked" in caught.value.message


def test_a_file_that_was_edited_is_refused_with_its_line(locked: Any) -> None:
    _, path, _, _ = locked
    text = path.read_text()
    for old, new, says in (
        ("only_source-1.0-py3-none-any.whl", "other-1.0-py3-none-any.whl", "are none of only-source 1.0"),
        ("only_source-1.0-py3-none-any.whl", "x", "is no wheel"),
        ('commit-id = "', 'commit-id = "main', "whole hash"),
        ("{ wheel =", "{ wheels =", "wheel is missing"),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        file = read_lockfile(path)
        assert file.platform is not None
        with pytest.raises(LockFileError, match=says) as caught:
            file.wheels(file.platform)
        assert caught.value.message.startswith(f"{path}:")


def test_an_image_s_lock_is_vouched_for_by_who_built_the_same(locked: Any, tmp_path: Path) -> None:
    lock = locked[0]
    store = Store(tmp_path / "cache" / "store")
    WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()
    other = replace(lock.packages[1], sha256="5" * 64)
    for wrong in (replace(lock, packages=(other,)), lock):
        with pytest.raises(ResolveError, match="has not built that wheel from it"):
            WheelsByHash(wrong, Store(tmp_path / "elsewhere"), tmp_path / "elsewhere", SILENT).vouch()


def test_a_wheel_that_lies_in_the_cache_is_not_what_a_lock_says_of_it(
    locked: Any, profile: Make, tmp_path: Path
) -> None:
    """A lock that calls a wheel of the cache something that was built: the bytes are there, and nobody built them."""
    lock, path, asked, _ = locked
    other = make_wheel(tmp_path, "only-source", files={"bad.py": ""})
    sha256, _ = Store(tmp_path / "cache" / "store").ingest([other.read_bytes()])
    path.write_text(path.read_text().replace(lock.packages[1].sha256, sha256.removeprefix("sha256:")))
    wish = wish_of(asked, lock, profile, tmp_path, "from-git")
    with pytest.raises(ResolveError, match="this machine has not built that wheel from it") as caught:
        take(path, wish, cache=tmp_path / "cache")
    assert caught.value.hint == "--allow-build only-source builds it again"


def test_what_was_built_here_is_taken_without_being_allowed_once_more(
    locked: Any, profile: Make, tmp_path: Path
) -> None:
    lock, path, asked, _ = locked
    # The model's own link is asked for too, and it is what the lock has.
    assert take(path, wish_of(asked, lock, profile, tmp_path), cache=tmp_path / "cache").digest == lock.digest


def test_what_a_lock_is_taken_with_stays_when_the_cache_is_pruned(locked: Any, profile: Make, tmp_path: Path) -> None:
    lock, path, asked, _ = locked
    store = Store(tmp_path / "cache" / "store")
    long_ago = time.time() - 40 * 86400
    for each in (*store.key_files(), *(store.root / "blobs" / "sha256").iterdir()):
        os.utime(each, (long_ago, long_ago))
    take(path, wish_of(asked, lock, profile, tmp_path), cache=tmp_path / "cache")
    prune(store, days=30)
    WheelsByHash(lock, store, tmp_path / "cache", SILENT).vouch()
    assert take(path, wish_of(asked, lock, profile, tmp_path), cache=tmp_path / "cache").digest == lock.digest


def test_the_hash_of_an_archive_that_a_lock_claims_is_nobody_s(locked: Any, profile: Make, tmp_path: Path) -> None:
    """The model lists the hash of the archive, and the lock says that a wheel of the cache was built from it."""
    lock, path, asked, _ = locked
    text, good = path.read_text(), lock.packages[1].source.sha256
    path.write_text(text.replace(good, "0" * 64))
    hashed = replace(asked, lines=(Line(text=f"--hash=sha256:{'0' * 64}", span=asked.pip[0].span),))
    with pytest.raises(ResolveError, match="this machine has not built that wheel from it"):
        take(path, wish_of(hashed, lock, profile, tmp_path), cache=tmp_path / "cache")


def test_a_lock_names_no_folder_of_this_machine_as_what_it_was_asked(locked: Any, tmp_path: Path) -> None:
    lock, path, _, _ = locked
    assert str(tmp_path) not in "".join(lock.requirements)
    assert any(line.startswith("from-git @ git+file:") for line in lock.requirements)
    assert "requirements = [" in path.read_text()
    assert str(tmp_path / "code") not in path.read_text()


def test_the_address_in_a_lock_is_held_to_what_a_link_is(locked: Any) -> None:
    _, path, _, commit = locked
    text = path.read_text()
    for vcs, says in (
        ('url = "ssh://git:s3cret@example.org/x.git"', "credentials"),
        ('url = "ssh://-oProxyCommand=x/x.git"', "no repository"),
        ('url = "ext::sh -c true"', "not supported"),
        ('url = "https://example.org/x.git?a=b"', "query"),
        ('url = "https://example.org/x.git", subdirectory = "/etc"', "not written as a lock has it"),
        ('url = "https://example.org/x.git", subdirectory = "../x"', "outside the repository"),
    ):
        path.write_text(text.replace('path = "code", requested-revision = "main"', vcs))
        assert vcs in path.read_text()
        file = read_lockfile(path)
        assert file.platform is not None
        with pytest.raises(LockFileError, match=says) as caught:
            file.wheels(file.platform)
        assert "s3cret" not in caught.value.message
    # A folder has neither address nor hash.
    start = text.index("vcs = {")
    path.write_text(text[:start] + 'directory = { path = "." }' + text[text.index("}", start) + 1 :])
    file = read_lockfile(path)
    assert commit not in path.read_text()
    assert file.platform is not None
    with pytest.raises(LockFileError, match="source that has no sha256 hash"):
        file.wheels(file.platform)


def test_a_repository_of_this_machine_is_not_built_from_a_lock_by_allowing_all(
    locked: Any, bench: Make, profile: Make, tmp_path: Path
) -> None:
    lock, path, asked, _ = locked
    Store(tmp_path / "cache" / "store").drop(f"sha256:{lock.packages[0].sha256}")
    # The model itself does not name it.
    wish = wish_of(replace(asked, pip=asked.pip[:1]), lock, profile, tmp_path, "all")
    with pytest.raises(ResolveError, match="--allow-build all does not cover"):
        take(path, wish, cache=tmp_path / "cache", bench=bench())
