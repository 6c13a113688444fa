from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.bases.mirrors import DEFAULT, find_mirrors, without_credentials
from envbuild.errors import UsageError

MIRROR = "ENVBUILD_DEBIAN_MIRROR"


def test_the_variable_comes_first_and_the_security_archive_is_beside_it(tmp_path: Path) -> None:
    found = find_mirrors({MIRROR: "http://one.example/debian/, https://two.example/d"}, tmp_path)
    assert found.debian == ("http://one.example/debian", "https://two.example/d")
    assert found.security == ("http://one.example/debian-security", "https://two.example/d-security")
    assert found.source == MIRROR


def test_a_security_archive_can_be_named(tmp_path: Path) -> None:
    found = find_mirrors({MIRROR: "http://a.example/x,http://b.example/debian-security"}, tmp_path)
    assert found.debian == ("http://a.example/x",)
    assert found.security == ("http://b.example/debian-security", "http://a.example/x-security")


@pytest.mark.parametrize("value", ["ftp://a.example/debian", "debian", "file:///srv/debian", "http:///debian"])
def test_what_is_no_web_address_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no http or https URL"):
        find_mirrors({MIRROR: value}, tmp_path)


def test_the_machines_own_sources_are_taken_if_they_are_debians(tmp_path: Path) -> None:
    folder = tmp_path / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    (folder / "debian.sources").write_text(
        "Types: deb deb-src\n# a comment\nURIs: http://local.example/debian\n  http://second.example/debian/\n"
        "Suites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://local.example/debian-security\nSuites: bookworm-security\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\n"
    )
    (folder / "other.list").write_text(
        "deb [arch=amd64 signed-by=/x] http://old.example/debian bookworm main # the old one\n"
        "# deb http://comment.example/debian bookworm main\n"
        "deb http://vendor.example/apt stable main\n"
        "deb-src http://source.example/debian bookworm main\n"
    )
    (folder / "gone.list.disabled").write_text("deb http://disabled.example/debian bookworm main\n")
    found = find_mirrors({}, tmp_path)
    assert found.debian == ("http://local.example/debian", "http://second.example/debian", "http://old.example/debian")
    assert found.security == (
        "http://local.example/debian-security",
        "http://second.example/debian-security",
        "http://old.example/debian-security",
    )
    assert "apt" in found.source


def test_another_distributions_sources_are_not_asked(tmp_path: Path) -> None:
    folder = tmp_path / "etc/apt"
    folder.mkdir(parents=True)
    (folder / "sources.list").write_text("deb http://archive.example/ubuntu jammy main\n")
    found = find_mirrors({}, tmp_path)
    assert found.debian == (DEFAULT,)
    assert found.security == (DEFAULT + "-security",)


def test_credentials_are_not_shown() -> None:
    assert without_credentials("https://me:secret@a.example:8/debian") == "https://a.example:8/debian"
