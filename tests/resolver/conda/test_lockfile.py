from __future__ import annotations

import hashlib

import pytest
from condas import FILE

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import LockFileError
from envbuild.oci.store import Store
from envbuild.resolver.conda.lockfile import explicit, read_conda_lock
from envbuild.resolver.conda.writing import write_conda_lock


def test_a_lock_is_read_back_as_it_was_written_and_has_neither_time_nor_credentials(lock, tmp_path):
    store = Store(tmp_path / "store")
    store.put(FILE)
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(lock, path, store=store)
    text = path.read_text()
    assert "version: 1" in text and "secret" not in text
    write_conda_lock(lock, path, store=store)
    assert path.read_text() == text
    found = read_conda_lock(path, "linux-64")
    assert [(p.name, p.version, p.build, p.subdir, p.filename, p.sha256) for p in found.conda] == [
        (p.name, p.version, p.build, p.subdir, p.filename, p.sha256) for p in lock.conda
    ]
    assert [(p.name, p.version, p.filename, p.sha256) for p in found.pip] == [
        (p.name, p.version, p.filename, p.sha256) for p in lock.packages
    ]
    assert found.conda[1].md5 == hashlib.md5(FILE).hexdigest()
    assert sorted(tmp_path.iterdir()) == [path, store.root]


def test_conda_lock_renders_it_as_an_explicit_list(lock, tmp_path):
    store = Store(tmp_path / "store")
    store.put(FILE)
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(lock, path, store=store)
    lines = explicit(path, "linux-64")
    assert "@EXPLICIT" in "\n".join(lines)
    assert any(line.startswith(lock.conda[0].url) for line in lines)
    assert any(line.startswith("# pip app") for line in lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\npackage: [\n", r"conda-lock\.yml:3: no conda-lock.yml that can be read: it is not YAML"),
        ("- a\n", "is no conda-lock.yml that can be read"),
        ("version: 9\n", "has unknown version 9"),
        ("package: []\n", "is missing a version"),
        ("version: 1\npackage: 7\nmetadata: {}\n", "is no conda-lock.yml that can be read"),
    ],
)
def test_what_is_no_lock_is_told(tmp_path, text, said):
    path = tmp_path / "conda-lock.yml"
    path.write_text(text)
    with pytest.raises(LockFileError, match=said):
        read_conda_lock(path, "linux-64")


def test_a_lock_for_another_platform_or_edited_by_hand_is_told(lock, tmp_path):
    store = Store(tmp_path / "store")
    store.put(FILE)
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(lock, path, store=store)
    with pytest.raises(LockFileError, match="locks no packages for linux-aarch64; it has: linux-64"):
        read_conda_lock(path, "linux-aarch64")
    path.write_text(path.read_text().replace(f"sha256: {lock.conda[0].sha256}", "sha256: null"))
    with pytest.raises(LockFileError, match="names no sha256 hash for"):
        read_conda_lock(path, "linux-64")
