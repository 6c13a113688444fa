from __future__ import annotations

import re

import pytest

from envbuild.bases.lock import DATA, from_json, shipped, to_json, upstream_version
from envbuild.bases.suites import SUITES, roots
from envbuild.errors import IntegrityError


@pytest.mark.parametrize("codename", list(SUITES))
def test_every_suite_ships_a_whole_lock(codename: str) -> None:
    lock = shipped(codename, "amd64")
    assert lock is not None
    assert (lock.suite, lock.architecture) == (codename, "amd64")
    names = [package.name for package in lock.packages]
    assert names == sorted(set(names))
    assert set(roots(SUITES[codename])) <= set(names)
    assert {(index.archive, index.suite) for index in lock.indexes} == set(SUITES[codename].indexes)
    for package in lock.packages:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.path.startswith("pool/")
        assert package.size > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", lock.date)
    for forbidden in ("dash", "bash", "python3-pip", "gcc", "dpkg", "perl-base"):
        assert forbidden not in names


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
