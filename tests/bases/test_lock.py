from __future__ import annotations

import re

import pytest

from envbuild.bases.lock import DATA, from_json, shipped, shipped_architectures, to_json, upstream_version
from envbuild.bases.suites import SUITES, roots
from envbuild.errors import IntegrityError

LOCKS = [(codename, architecture) for codename in SUITES for architecture in shipped_architectures(codename)]


def test_what_auto_chooses_is_locked_for_both_architectures() -> None:
    automatic = {codename for codename, suite in SUITES.items() if suite.automatic}
    assert {*LOCKS} >= {(codename, architecture) for codename in automatic for architecture in ("amd64", "arm64")}
    assert {codename for codename, _ in LOCKS} == set(SUITES)


@pytest.mark.parametrize(("codename", "architecture"), LOCKS)
def test_every_shipped_lock_is_whole(codename: str, architecture: str) -> None:
    lock = shipped(codename, architecture)
    assert lock is not None
    assert (lock.suite, lock.architecture) == (codename, architecture)
    names = [package.name for package in lock.packages]
    assert names == sorted(set(names))
    assert set(roots(SUITES[codename])) <= set(names)
    assert {(index.archive, index.suite) for index in lock.indexes} == set(SUITES[codename].indexes)
    for package in lock.packages:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.path.startswith("pool/")
        assert package.path.endswith((f"_{architecture}.deb", "_all.deb"))
        assert package.size > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", lock.date)
    for forbidden in ("dash", "bash", "python3-pip", "gcc", "dpkg", "perl-base"):
        assert forbidden not in names


@pytest.mark.parametrize("codename", [codename for codename in SUITES if len(shipped_architectures(codename)) > 1])
def test_the_architectures_of_a_suite_are_locked_at_the_same_versions(codename: str) -> None:
    """The catalogue tells one version for all, and one architecture's Python compiles for another's."""
    locks = [shipped(codename, architecture) for architecture in shipped_architectures(codename)]
    versions = [{package.name: package.version for package in lock.packages} for lock in locks if lock is not None]
    assert len(versions) > 1
    assert all(other == versions[0] for other in versions[1:])


def test_shipped_locks_name_no_host() -> None:
    for path in DATA.glob("*.json"):
        text = path.read_text()
        assert "http" not in text
        assert "//" not in text


def test_a_lock_survives_json() -> None:
    lock = shipped("bookworm", "amd64")
    assert lock is not None
    assert from_json(to_json(lock)) == lock


def test_there_may_be_no_lock() -> None:
    assert shipped("bookworm", "s390x") is None


@pytest.mark.parametrize("value", [{}, {"format": 1}, {"format": 1, "suite": "x", "architecture": "y", "indexes": 3}])
def test_what_is_no_lock_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        from_json(value)


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("3.11.2-6+deb12u9", "3.11.2"),
        ("2.41-12+deb13u4", "2.41"),
        ("1:1.2.13.dfsg-1", "1.2.13"),
        ("20250419~deb12u2", "20250419"),
        ("5.3.28+dfsg2-1", "5.3.28"),
    ],
)
def test_the_upstream_version_is_found(version: str, upstream: str) -> None:
    assert upstream_version(version) == upstream
