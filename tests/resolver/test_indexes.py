from __future__ import annotations

import time

import pytest

from envbuild.resolver.indexes import (
    credentials,
    for_messages,
    has_relative,
    origin,
    settings,
    without_credentials,
)


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


def test_a_password_with_blanks_goes_too() -> None:
    assert without_credentials("x @ https://u:p w@host:9/x.whl # it") == "x @ https://host:9/x.whl # it"
    for text in ("http://host:8080 is of bob@example.org", "http://host:x/y\nbob@example.org", "'http://h:x' b@c"):
        assert without_credentials(text) == text


def test_the_scheme_may_stand_behind_anything() -> None:
    assert without_credentials("1https://u:p@h/x") == "1https://h/x"


@pytest.mark.parametrize(
    "text", ["a" * 500_000, "http://a:x" * 50_000, "?" + "a-" * 250_000, "://a:b " + "c " * 200_000, "://" * 150_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    started = time.monotonic()
    without_credentials(text)
    assert time.monotonic() - started < 1


def test_messages_have_no_secret_of_a_query_either() -> None:
    text = "Failed to fetch: `https://u:p@host/simple/?token=abc&x=1` and https://u:@a/b@host:9/c?sig=d%3D"
    assert for_messages(text) == ("Failed to fetch: `https://host/simple/?token=***&x=1` and https://host:9/c?sig=****")


def test_settings_are_those_that_change_the_outcome_without_credentials() -> None:
    environ = {
        "UV_INDEX_URL": "https://bob:s3cret@example.org/simple",
        "UV_HTTP_TIMEOUT": "5",
        "UV_PRERELEASE": "",
        "PIP_INDEX_URL": "https://other.example/simple",
    }
    assert settings(environ) == {"UV_INDEX_URL": "https://example.org/simple"}


def test_a_setting_is_kept_without_a_query_that_holds_a_secret() -> None:
    environ = {
        "UV_FIND_LINKS": "https://h/one?sig=s3cret,https://h/two?page=1",
        "UV_INDEX": "own=https://h/simple?token=s3cret https://h/other",
    }
    assert settings(environ) == {
        "UV_FIND_LINKS": "https://h/one,https://h/two?page=1",
        "UV_INDEX": "own=https://h/simple https://h/other",
    }


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


def test_the_login_of_a_named_index_may_have_an_equals_sign() -> None:
    environ = {"UV_INDEX": "own=https://bob:p=w@example.org/simple?a=b"}
    assert credentials(environ) == {("https", "example.org", 443): ("bob", "p=w")}
