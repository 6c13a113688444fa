from __future__ import annotations

import pytest

from envbuild.resolver.indexes import credentials, has_relative, origin, settings, without_credentials


def test_user_and_password_are_cut_out_of_every_address() -> None:
    text = "priv=https://bob:p@ss@example.org/simple and http://token@host:81/a@b"
    assert without_credentials(text) == "priv=https://example.org/simple and http://host:81/a@b"


def test_a_password_that_is_written_as_it_is_goes_too() -> None:
    for password in ("pa/ss", "pa?ss#x", "p/"):
        text = f"--index-url https://bob:{password}@example.org/simple: it is wrong"
        assert without_credentials(text) == "--index-url https://example.org/simple: it is wrong"
    for address in (
        "http://host:81/a@b", "http://host:/a@b", "http://[::1]:80/a@b", "file:///a:b/c@d", "http://host/a:b@c",
        "git+https://host:8443/group/mylib.git@v1.2", "http://host:80",
    ):  # fmt: skip
        assert without_credentials(address) == address


def test_settings_are_those_that_change_the_outcome_without_credentials() -> None:
    environ = {
        "UV_INDEX_URL": "https://bob:s3cret@example.org/simple",
        "UV_HTTP_TIMEOUT": "5",
        "UV_PRERELEASE": "",
        "PIP_INDEX_URL": "https://other.example/simple",
    }
    assert settings(environ) == {"UV_INDEX_URL": "https://example.org/simple"}


def test_credentials_belong_to_one_origin() -> None:
    environ = {
        "UV_DEFAULT_INDEX": "https://bob:s3%40cret@example.org/simple",
        "UV_INDEX": "priv-1=https://one.example:8443/simple https://open.example/simple",
        "UV_INDEX_PRIV_1_USERNAME": "amy",
        "UV_INDEX_PRIV_1_PASSWORD": "hush",
        "UV_FIND_LINKS": "./wheels,https://tok@links.example/x",
    }
    assert credentials(environ) == {
        ("https", "example.org", 443): ("bob", "s3@cret"),
        ("https", "one.example", 8443): ("amy", "hush"),
        ("https", "links.example", 443): ("tok", ""),
    }


def test_origins() -> None:
    assert origin("http://h/x") == ("http", "h", 80)
    assert origin("file:///x") is None
    assert origin("http://h:notaport/") is None


@pytest.mark.parametrize(
    ("variable", "value", "relative"),
    [
        ("UV_FIND_LINKS", "./wheels", True),
        ("UV_FIND_LINKS", "https://h/x,wheels", True),
        ("UV_INDEX", "own=./simple https://h/simple", True),
        ("UV_DEFAULT_INDEX", "simple", True),
        ("UV_FIND_LINKS", "/wheels,https://h/x", False),
        ("UV_INDEX", "own=/simple", False),
        ("UV_INDEX", "own=https://h/simple", False),
    ],
)
def test_what_is_named_from_the_current_folder_is_known(variable: str, value: str, relative: bool) -> None:
    assert has_relative({variable: value}) is relative
