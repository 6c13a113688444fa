"""A login or a token that cannot be sent is told by its source, wherever it comes from, and without its text."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from envbuild.errors import EnvbuildError, NetworkError, UsageError
from envbuild.resolver.conda.access import access_of
from envbuild.resolver.download import Downloader
from envbuild.resolver.indexes import all_credentials
from envbuild.resolver.keyrings import Keyring
from envbuild.resolver.netrcs import login_for
from envbuild.resolver.sendable import sendable

URL = "https://h.example/c/linux-64/a-1.0-0.conda"
BAD = ["S3CRET\x00X", "S3CRET\nX", "S3CRET\x7f", "S3CRET\ud800", "S3CRET\udcff"]


def asked(home: Path, **environ: str) -> str:
    return access_of(URL, {"HOME": str(home), **environ}).header


def stored(home: Path, entry: object) -> str:
    path = home / "auth.json"
    path.write_text(json.dumps({"h.example": entry}))
    return str(path)


def of_whom(caught: pytest.ExceptionInfo[EnvbuildError]) -> str:
    assert "S3CRET" not in f"{caught.value.message}{caught.value.hint}" and caught.value.hint
    return caught.value.message.partition("a login or a token in ")[2].partition(" has a character")[0]


@pytest.mark.parametrize("bad", [*BAD, "S3CRET\u2026", "S3CRET X"])
def test_a_token_of_rattlers_file(tmp_path: Path, bad: str) -> None:
    for kind in ("BearerToken", "CondaToken"):
        named = stored(tmp_path, {kind: bad})
        with pytest.raises(UsageError) as caught:
            asked(tmp_path, RATTLER_AUTH_FILE=named)
        assert of_whom(caught) == named


@pytest.mark.parametrize("bad", BAD)
def test_a_login_of_rattlers_file_and_of_variables(tmp_path: Path, bad: str) -> None:
    for entry in ({"username": "me", "password": bad}, {"username": bad}):
        named = stored(tmp_path, {"BasicHTTP": entry})
        with pytest.raises(UsageError) as caught:
            asked(tmp_path, RATTLER_AUTH_FILE=named)
        assert of_whom(caught) == named
    with pytest.raises(UsageError) as caught:
        all_credentials({"UV_INDEX": "mine=https://me@h.example/simple", "UV_INDEX_MINE_PASSWORD": bad})
    assert of_whom(caught) == "UV_INDEX"


@pytest.mark.parametrize("bad", ["S3CRET%00X", "S3CRET%0AX", "S3CRET\udcff", "S3CRET\x01"])
def test_what_stands_in_an_address(tmp_path: Path, bad: str) -> None:
    for address in (f"https://me:{bad}@h.example", f"https://{bad}@h.example"):
        with pytest.raises(UsageError) as caught:
            asked(tmp_path, ENVBUILD_CONDA_CREDENTIALS=address)
        assert of_whom(caught) == "ENVBUILD_CONDA_CREDENTIALS"
        with pytest.raises(UsageError) as caught:
            all_credentials({"UV_DEFAULT_INDEX": address})
        assert of_whom(caught) == "UV_DEFAULT_INDEX"


def test_a_netrc(tmp_path: Path) -> None:
    path = tmp_path / ".netrc"
    path.write_text("machine h.example login me password S3CRET\x01X\n")
    with pytest.raises(UsageError) as caught:
        login_for("h.example", {"HOME": str(tmp_path)})
    assert of_whom(caught) == str(path)
    assert login_for("other.example", {"HOME": str(tmp_path)}) is None


def test_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "keyring"
    program.write_text("#!/bin/sh\nprintf 'S3CRET\\377X\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UsageError) as caught:
        Keyring({"UV_KEYRING_PROVIDER": "subprocess"}).password(URL, "me")
    assert of_whom(caught) == "the keyring"


def test_line_breaks_around_it_are_no_part_of_it(tmp_path: Path) -> None:
    assert asked(tmp_path, RATTLER_AUTH_FILE=stored(tmp_path, {"BearerToken": " t0ken\r\n"})) == "Bearer t0ken"
    assert sendable("p\u00e4ss \u20ac\n", "a file") == "p\u00e4ss \u20ac", "a password is sent as UTF-8"


def test_a_token_is_one_part_of_the_path_whatever_is_in_it(tmp_path: Path) -> None:
    named = stored(tmp_path, {"CondaToken": "a/b?c#d"})
    found = access_of(URL, {"HOME": str(tmp_path), "RATTLER_AUTH_FILE": named})
    assert found.address == "https://h.example/t/a%2Fb%3Fc%23d/c/linux-64/a-1.0-0.conda"


@pytest.mark.parametrize("variable", ["RATTLER_AUTH_FILE", "NETRC"])
def test_a_file_in_the_home_of_nobody_is_none_that_can_be_read(tmp_path: Path, variable: str) -> None:
    if variable == "NETRC":
        assert asked(tmp_path, NETRC="~no-such-user/x") == ""
        return
    with pytest.raises(UsageError, match="RATTLER_AUTH_FILE names ~no-such-user/x"):
        asked(tmp_path, RATTLER_AUTH_FILE="~no-such-user/x")


def test_what_a_library_says_of_a_header_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second wall: nothing that cannot be sent comes so far."""
    monkeypatch.setattr("envbuild.resolver.conda.access.Access.header", "Bearer S3CRET\n")
    monkeypatch.setenv("NO_PROXY", "*")
    with Downloader(threading.Event(), {}) as downloader, pytest.raises(NetworkError) as caught:
        b"".join(downloader.stream("http://127.0.0.1:9/c/noarch/a-1.0-0.conda", what="a file"))
    assert "S3CRET" not in caught.value.message and caught.value.__cause__ is None
    assert caught.value.__suppress_context__
