"""Which credentials go with a question for a file, and what is said where none is taken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from doors import Door, basic, door
from tinywheels import serve

from envbuild.errors import NetworkError
from envbuild.resolver.download import Downloader, _Session


def fetched(url: str, environ: dict[str, str]) -> bytes:
    with Downloader(threading.Event(), environ) as downloader:
        return b"".join(downloader.stream(url, what="a file"))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


def test_a_channel_beside_an_index_gets_its_own_login(tmp_path: Path) -> None:
    (tmp_path / "a-1.0-0.conda").write_bytes(b"a package")
    with serve(tmp_path, "me:channels") as url:
        at = url.replace("://", "://{}@")
        environ = {"UV_INDEX": at.format("me:indexs"), "ENVBUILD_CONDA_CREDENTIALS": at.format("me:channels")}
        assert fetched(f"{url}/a-1.0-0.conda", environ) == b"a package"
        with pytest.raises(NetworkError, match="answered 401"):
            fetched(f"{url}/a-1.0-0.conda", {"UV_INDEX": at.format("me:indexs")})


@pytest.mark.parametrize(
    ("name", "hint"), [("a-1.0-0.conda", "ENVBUILD_CONDA_CREDENTIALS"), ("a-1.0-py3-none-any.whl", "UV_DEFAULT_INDEX")]
)
def test_a_refusal_says_where_the_credentials_of_that_file_go(tmp_path: Path, name: str, hint: str) -> None:
    with serve(tmp_path, "me:secret") as url, pytest.raises(NetworkError, match="answered 401") as caught:
        fetched(f"{url}/{name}", {})
    assert hint in caught.value.hint


def test_a_server_that_never_answers_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.resolver.download._TIMEOUT", (5, 0.2))
    monkeypatch.setattr("envbuild.resolver.download._ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NetworkError) as caught:
        fetched(f"http://127.0.0.1:{silent.getsockname()[1]}/a-1.0-py3-none-any.whl", {})
    assert caught.value.message.endswith("could not be fetched in 2 attempts: nothing came for 0.2 seconds")


def send_on_to(address: str) -> Callable[[Door], bool]:
    """For a door whose files are all somewhere else."""

    def first(question: Door) -> bool:
        question.send_response(302)
        question.send_header("Location", f"{address}{question.path}")
        question.end_headers()
        return True

    return first


@pytest.mark.parametrize("name", ["linux-64/a-1.0-0.conda", "linux-64/a-1.0-0.tar.bz2", "a-1.0-py3-none-any.whl"])
def test_the_default_of_a_netrc_goes_to_an_index_that_the_person_named_and_to_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Not to a channel, which a model names; not to where an index has its files, or sends on to."""
    file, netrc = tmp_path / "files" / name, tmp_path / "netrc"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a package")
    netrc.write_text("default login anyone password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    environ = {"NETRC": str(netrc)}
    with door(tmp_path / "files") as (far, overheard), door(tmp_path, first=send_on_to(far)) as (near, asked):
        assert fetched(f"{far}/{name}", environ) == b"a package"
        assert fetched(f"{near}/{name}", {**environ, "UV_INDEX": f"{near}/simple"}) == b"a package"
    assert {said for _, said in overheard} == {""}
    assert {said for _, said in asked} == {basic("anyone:hidden") if name.endswith(".whl") else ""}


def test_who_is_sent_on_to_a_host_of_the_netrc_has_its_login_there(tmp_path: Path) -> None:
    (tmp_path / "a-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password own\n")
    with door(tmp_path) as (far, overheard):
        at = far.replace("127.0.0.1", "localhost")
        with door(tmp_path, first=send_on_to(at)) as (near, asked):
            index = near.replace("://", "://me:indexs@")
            assert fetched(f"{near}/a-1.0-py3-none-any.whl", {"NETRC": str(netrc), "UV_INDEX": index}) == b"a wheel"
    assert [said for _, said in asked] == [basic("me:indexs")]
    assert [said for _, said in overheard] == [basic("me:own")]


@pytest.mark.parametrize(("before", "after", "goes"), [("https", "http", False), ("http", "http", True)])
def test_nobody_who_is_sent_from_https_on_to_http_has_a_login(
    tmp_path: Path, before: str, after: str, goes: bool
) -> None:
    (tmp_path / ".netrc").write_text("machine far.example login me password own\n")
    answer = requests.Response()
    answer.request = requests.Request("GET", f"{before}://near.example/a").prepare()
    question = requests.Request("GET", f"{after}://far.example/a", headers={"Authorization": "Basic x"}).prepare()
    _Session({"HOME": str(tmp_path)}).rebuild_auth(question, answer)
    assert question.headers.get("Authorization", "") == (basic("me:own") if goes else "")


def test_a_source_of_an_index_is_no_file_of_a_channel(tmp_path: Path) -> None:
    (tmp_path / "a-1.0.tar.bz2").write_bytes(b"a source")
    with serve(tmp_path, "me:indexs") as url:
        assert fetched(f"{url}/a-1.0.tar.bz2", {"UV_INDEX": url.replace("://", "://me:indexs@")}) == b"a source"


def test_a_null_byte_in_the_path_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"a file: 'file:.*a%00b\.whl' is no address of a file") as caught:
        fetched(f"{tmp_path.as_uri()}/a%00b.whl", {})
    assert caught.value.hint
