"""Wheels of a lock without addresses are found again by their hashes, and by nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tinywheels import make_wheel, serve, write_index

from envbuild.errors import ResolveError
from envbuild.resolver.relocating import relocated
from envbuild.resolver.types import Lock, LockedPackage

PLATFORM = "manylinux_2_36_x86_64"


def locked(path: Path, version: str = "1.0") -> LockedPackage:
    return LockedPackage(
        name=path.name.partition("-")[0].replace("_", "-"),
        version=version,
        filename=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=0,
    )


def lock_of(*packages: LockedPackage, platform: str = PLATFORM) -> Lock:
    return Lock(packages=packages, python="3.11.2", platform=platform, requirements=())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of wheels that is this machine's index once `write_index` was called on it."""
    folder = tmp_path / "index"
    folder.mkdir()
    with serve(folder) as url:
        for name in ("UV_INDEX", "UV_FIND_LINKS", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder


def test_a_wheel_is_found_among_others_of_its_version(index: Path, tmp_path: Path) -> None:
    """Without what it asks for, which the index does not even have, and whichever wheel would be chosen today."""
    plain = locked(make_wheel(index, "one", requires=["not-there"]))
    built = locked(make_wheel(index, "two", tag="cp311-cp311-manylinux_2_17_x86_64"))
    older = locked(make_wheel(index, "two"))
    make_wheel(index, "two", "2.0")
    write_index(index)
    lock = lock_of(plain, older)
    found = relocated(lock, [plain.sha256, older.sha256], cache=tmp_path / "uv")
    assert [package.url.rpartition("/")[2].partition("#")[0] for package in found.packages] == [
        plain.filename,
        older.filename,
    ]
    assert found.digest == lock.digest
    assert built.filename != older.filename


def test_only_what_is_wanted_is_asked_for(index: Path, tmp_path: Path) -> None:
    one, other = locked(make_wheel(index, "one")), locked(make_wheel(tmp_path, "nowhere"))
    write_index(index)
    found = relocated(lock_of(one, other), [one.sha256], cache=tmp_path / "uv")
    assert [package.name for package in found.packages] == ["one"]


def test_a_wheel_of_that_name_with_other_bytes_is_none(index: Path, tmp_path: Path) -> None:
    wheel = locked(make_wheel(index, "one"))
    make_wheel(index, "one", files={"other.txt": "x"})
    write_index(index)
    with pytest.raises(ResolveError, match=r"no index has one-1\.0-py3-none-any\.whl with the hash") as raised:
        relocated(lock_of(wheel), [wheel.sha256], cache=tmp_path / "uv")
    assert "UV_FIND_LINKS" in raised.value.hint


def test_a_wheel_that_an_index_has_under_another_name_is_none(index: Path, tmp_path: Path) -> None:
    """Else a record could call anybody's package numpy."""
    make_wheel(index, "one")
    theirs = locked(make_wheel(index, "theirs"))
    write_index(index)
    posing = replace(theirs, name="one", filename="one-1.0-py3-none-any.whl")
    with pytest.raises(ResolveError, match=r"no index has one-1\.0-py3-none-any\.whl with the hash"):
        relocated(lock_of(posing, theirs), [theirs.sha256], cache=tmp_path / "uv")


def test_a_package_that_no_index_has_is_told(index: Path, tmp_path: Path) -> None:
    wheel = locked(make_wheel(tmp_path, "one"))
    write_index(index)
    with pytest.raises(ResolveError, match="does not have the packages"):
        relocated(lock_of(wheel), [wheel.sha256], cache=tmp_path / "uv")


def test_wheels_in_a_folder_are_found(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    path = make_wheel(folder, "one")
    write_index(index)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    wheel = locked(path)
    (found,) = relocated(lock_of(wheel), [wheel.sha256], cache=tmp_path / "uv").packages
    assert found.url == path.as_uri()


@pytest.mark.parametrize("platform", ["", "win32", "manylinux_2_x_x86_64", "manylinux_2_36_riscv64"])
def test_a_platform_that_is_none_is_refused(index: Path, tmp_path: Path, platform: str) -> None:
    wheel = locked(make_wheel(index, "one"))
    with pytest.raises(ResolveError, match="no platform"):
        relocated(lock_of(wheel, platform=platform), [wheel.sha256], cache=tmp_path / "uv")
