from __future__ import annotations

import base64
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import NetworkError, ResolveError
from envbuild.progress import SILENT
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.solving import solve, unreachable
from envbuild.resolver.conda.specs import ask_of


@pytest.fixture
def ask(environment):
    def make(address: str, *conda: str, python: str = "3.11.7", glibc: str = "2.36", architecture: str = "amd64"):
        listed = environment(*conda, channels=(address,))
        return ask_of(listed, python=python, glibc=glibc, architecture=architecture)

    return make


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    channel = tmp_path_factory.mktemp("made") / "channel"
    tinyconda.make_python(channel, "3.11.7")
    tinyconda.make_python(channel, "3.11.9")
    tinyconda.make_module(channel, "tiny-py", "1.0")
    tinyconda.make_module(channel, "tiny-py", "2.0", depends=("python >=3.10", "tiny-native"))
    tinyconda.make_package(
        channel, "tiny-native", files={"lib/libtiny.so.1": b"\0"}, depends=("__glibc >=2.17",), form="conda"
    )
    tinyconda.make_package(channel, "gpu-only", depends=("__cuda >=12",))
    tinyconda.make_package(channel, "new-libc", depends=("__glibc >=2.39",))
    tinyconda.make_package(channel, "pip", "24.0", depends=("python",))
    tinyconda.make_package(channel, "pip", "23.1", depends=("python",))
    tinyconda.index(channel)
    return channel


@pytest.fixture
def address(made: Path, channel: Path) -> str:
    shutil.copytree(made, channel)
    return channel.as_uri()


def test_packages_come_with_what_they_need_and_their_hashes(ask, address, channel, tmp_path):
    import hashlib

    packages, notes = solve(ask(address, "tiny-py>=1", "pip<=23.2"), tmp_path / "cache")
    assert [(p.name, p.version) for p in packages] == [
        ("pip", "23.1"),
        ("python", "3.11.7"),
        ("tiny-native", "1.0"),
        ("tiny-py", "2.0"),
    ]
    assert notes == ()
    for package in packages:
        data = (channel / package.subdir / package.filename).read_bytes()
        assert (package.sha256, package.size) == (hashlib.sha256(data).hexdigest(), len(data))
        assert package.url == f"{address}/{package.subdir}/{package.filename}"


def test_a_patch_version_of_python_that_no_channel_has_gives_way_and_is_told(ask, address, tmp_path):
    packages, notes = solve(ask(address, python="3.11.2"), tmp_path / "cache")
    assert [(p.name, p.version) for p in packages] == [("python", "3.11.9")]
    assert notes == ("conda.yaml:6: python=3.11.2 goes with none of the channels' packages: 3.11.9 is taken",)


@pytest.mark.parametrize(
    ("listed", "said", "hint"),
    [
        ("tiny-py>=3", "No candidates were found for tiny-py >=3", "check its spelling"),
        ("gpu-only", "__cuda >=12, for which no candidates", "--accelerator names the CUDA"),
        ("__cuda>=12", "No candidates were found for __cuda >=12", "--accelerator names the CUDA"),
        ("new-libc", "__glibc >=2.39", "newer C library"),
    ],
)
def test_a_conflict_shows_the_solver_and_the_line(ask, address, tmp_path, listed, said, hint):
    with pytest.raises(ResolveError) as caught:
        solve(ask(address, listed), tmp_path / "cache")
    assert said in caught.value.message
    assert f"conda.yaml:7: {listed}" in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.explanation


@pytest.mark.parametrize("listed", ["tiny-py>=1.0,", "tiny-py=", "tiny py[version='1"])
def test_a_line_that_is_no_match_spec_is_named(ask, address, tmp_path, listed):
    with pytest.raises(ResolveError, match=r"conda\.yaml:7: .* is no package that conda can look for"):
        solve(ask(address, listed), tmp_path / "cache")


@pytest.mark.parametrize(
    "text",
    ["https://user:secret@host/channel", "https://host/t/secret/channel", "https://host/channel?token=secret"],
)
def test_a_channel_with_credentials_in_its_address_is_refused_and_they_are_not_told(ask, text):
    with pytest.raises(ResolveError, match="has credentials in its address") as caught:
        ask(text, "tiny-py")
    assert "secret" not in caught.value.message + caught.value.hint


def test_what_is_no_channel_is_refused(ask):
    for text in ("ftp://host/x", "../channel", "a b", "file:/srv/channel", "https:host"):
        with pytest.raises(ResolveError, match="is no channel"):
            ask(text, "tiny-py")


def test_a_base_without_glibc_is_refused(ask, address):
    with pytest.raises(ResolveError, match="no glibc"):
        ask(address, "tiny-py", glibc="")


def test_a_channel_that_is_not_there_is_named(ask, tmp_path):
    gone = (tmp_path / "gone").as_uri()
    with pytest.raises(NetworkError, match="there is no channel") as caught:
        solve(ask(gone, "tiny-py"), tmp_path / "cache")
    assert gone in caught.value.message


def test_a_list_that_may_not_be_read_is_not_called_damaged(ask, address, channel, tmp_path):
    lists = list(channel.rglob("repodata*"))
    for path in lists:
        path.chmod(0)
    if os.access(lists[0], os.R_OK):
        pytest.skip("this user may read all files")
    with pytest.raises(NetworkError, match="may not be read") as caught:
        solve(ask(address, "tiny-py"), tmp_path / "cache")
    assert "rights" in caught.value.hint


def test_what_a_machine_says_of_rights_is_not_taken_for_damage():
    said = "failed to open file `/c/repodata.json`: Permission denied (os error 13)"
    error = unreachable(f"failed to parse repodata.json\nCaused by: {said}", ["file:///c"])
    assert "a channel's list of packages may not be read (file:///c)" in error.message
    assert "rights" in error.hint


def test_a_channel_that_does_not_answer_is_named(ask, tmp_path):
    with pytest.raises(NetworkError, match="could not be reached") as caught:
        solve(ask("http://127.0.0.1:9/ch", "tiny-py"), tmp_path / "cache")
    assert "http://127.0.0.1:9/ch" in caught.value.message


def test_a_damaged_list_of_packages_is_told(ask, address, channel, tmp_path):
    for name in ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json"):
        (channel / "noarch" / name).write_bytes(b'{"packages": {"x": ')
        (channel / "linux-64" / name).write_bytes(b'{"packages": {"x": ')
    with pytest.raises(NetworkError, match="is damaged"):
        solve(ask(address, "tiny-py"), tmp_path / "cache")


def test_a_package_without_a_sha256_is_refused(ask, address, channel, tmp_path):
    for subdir in ("noarch", "linux-64"):
        for old in ("repodata_shards.msgpack.zst", "repodata.json.zst"):
            (channel / subdir / old).unlink()
        path = channel / subdir / "repodata.json"
        document = json.loads(path.read_text())
        for kind in ("packages", "packages.conda"):
            for row in document.get(kind, {}).values():
                row.pop("sha256")
        path.write_text(json.dumps(document))
    with pytest.raises(ResolveError, match="names no sha256 hash for"):
        solve(ask(address, "tiny-py"), tmp_path / "cache")


class _Locked(http.server.SimpleHTTPRequestHandler):
    asked: list[str | None]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization"))
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ada:s3cr3t").decode():
            self.send_error(401)
        else:
            super().do_GET()

    do_HEAD = do_GET  # noqa: N815 - the base class names it so


@contextmanager
def locked(folder: Path) -> Iterator[tuple[str, list[str | None]]]:
    """A server that gives `folder` to ada alone, and what it was told of who asks."""
    asked: list[str | None] = []
    handler = type("Handler", (_Locked,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("source", ["environment", "netrc"])
def test_a_channel_behind_a_password_gets_it_and_it_is_written_nowhere(
    ask, address, channel, tmp_path, monkeypatch, source
):
    with locked(channel) as (url, asked):
        with pytest.raises(NetworkError, match="wants credentials") as caught:
            solve(ask(url, "tiny-py"), tmp_path / "cache")
        assert "ENVBUILD_CONDA_CREDENTIALS" in caught.value.hint
        if source == "netrc":
            netrc = tmp_path / "netrc"
            netrc.write_text("machine 127.0.0.1 login ada password s3cr3t\n")
            netrc.chmod(0o600)
            monkeypatch.setenv("NETRC", str(netrc))
        else:
            monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", url.replace("://", "://ada:s3cr3t@"))
        packages, _ = solve(ask(url, "tiny-py"), tmp_path / "cache")
        assert asked[-1]
    assert "tiny-py" in [p.name for p in packages]
    assert all("s3cr3t" not in repr(package) for package in packages)
    written = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert b"s3cr3t" not in path.read_bytes()
        assert b"YWRhOnMzY3IzdA" not in path.read_bytes()


def test_credentials_of_another_host_are_not_sent(ask, address, channel, tmp_path, monkeypatch):
    monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", "http://ada:s3cr3t@127.0.0.1:1/")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with locked(channel) as (url, asked), pytest.raises(NetworkError, match="wants credentials"):
        solve(ask(url, "tiny-py"), tmp_path / "cache")
    assert set(asked) == {None}


def test_credentials_of_one_channel_do_not_go_to_another_of_that_host(ask, address, channel, tmp_path, monkeypatch):
    """rattler tells the host and the path of what it asks for, and neither scheme nor port."""
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with locked(channel) as (url, asked), locked(channel) as (other, overheard):
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", url.replace("://", "://ada:s3cr3t@"))
        both = replace(ask(url, "tiny-py"), channels=(url, other))
        with pytest.raises(NetworkError, match="wants credentials") as caught:
            solve(both, tmp_path / "cache")
        assert "s3cr3t" not in caught.value.message
        assert set(overheard) <= {None}
        apart = replace(both, channels=(url,))
        assert solve(apart, tmp_path / "cache")[0]
        assert asked[-1]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server that gives `folder` to anyone."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_token_of_the_environment_is_asked_with_and_written_nowhere(ask, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "web" / "t" / "tk-s3cr3t" / "private")
    cache = tmp_path / "cache"
    with served(tmp_path / "web") as url:
        wanted = ask(f"{url}/private", "tiny-py")
        with pytest.raises(NetworkError):
            solve(wanted, cache)
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", f"{url}/t/tk-s3cr3t/private")
        packages, _, _ = lock_conda(wanted, cache, SILENT)
    assert {package.url.rpartition("/")[0].rpartition("/")[0] for package in packages} == {f"{url}/private"}
    for path in cache.rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes(), path


@pytest.mark.parametrize(
    "text",
    [
        "https://user:s3cr3t@host/channel/linux-64/tiny-py-1.0-0.conda",
        "https://host/t/s3cr3t/channel::tiny-py",
        "https://host/channel/linux-64/tiny-py-1.0-0.conda",
        "/srv/tiny-py-1.0-0.tar.bz2",
        "tiny-py-1.0-0.conda",
        "tiny-py[url='https://host/channel/linux-64/tiny-py-1.0-0.conda']",
    ],
)
def test_the_address_of_a_file_is_no_package_of_a_channel(ask, address, text):
    with pytest.raises(ResolveError, match=r"conda\.yaml:7: .*(is the address of one file|has credentials)") as caught:
        ask(address, text)
    assert "s3cr3t" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_the_channel_defaults_stands_for_those_that_conda_takes_it_for(ask):
    assert ask("defaults", "tiny-py").channels == (
        "https://repo.anaconda.com/pkgs/main",
        "https://repo.anaconda.com/pkgs/r",
    )
    assert ask("pkgs/msys2", "tiny-py").channels == ("https://repo.anaconda.com/pkgs/msys2",)
