"""Which credentials go with a question for a file, and what is said where none is taken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tinywheels import serve

from envbuild.errors import NetworkError
from envbuild.resolver.download import Downloader


def fetched(url: str, environ: dict[str, str]) -> bytes:
    with Downloader(threading.Event(), environ) as downloader:
        return b"".join(downloader.stream(url, what="a file"))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
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
