"""Who is told which credentials."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tinyconda
from condas import conda_environment
from doors import Door, basic, door

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import NetworkError, ResolveError
from envbuild.model.types import PythonPin
from envbuild.resolver.conda.channels import channels_at, files_named
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.specs import ask_of, channels_of
from envbuild.resolver.conda.types import CondaAsk


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NETRC", "RATTLER_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def make_channel(folder: Path) -> None:
    tinyconda.make_python(folder, "3.11.7")
    tinyconda.index(folder)


def asking(*channels: str) -> CondaAsk:
    return ask_of(conda_environment(channels=channels), python="3.11.7", glibc="2.36", architecture="amd64")


def test_a_channel_that_a_line_names_may_have_a_platform_behind_it() -> None:
    listed = conda_environment("mine/linux-64::gdal", "https://h.example/c/noarch::b", channels=("forge",))
    assert channels_of(listed) == ("forge", "mine", "https://h.example/c")
    with pytest.raises(ResolveError, match=r"conda\.yaml:7: .* is no channel"):
        channels_of(conda_environment("../../etc::gdal"))


def two_channels(web: Path) -> None:
    """`listed` has Python and gdal, `named` has a newer gdal that needs what is there alone."""
    tinyconda.make_python(web / "listed", "3.11.7")
    tinyconda.make_package(web / "listed", "gdal", "3.8")
    tinyconda.make_package(web / "named", "gdal", "3.9", depends=("lib-of-named",))
    tinyconda.make_package(web / "named", "lib-of-named")
    for place in ("listed", "named"):
        tinyconda.index(web / place)


@pytest.mark.parametrize("line", ["{}::gdal", "{}/linux-64::gdal", "gdal[channel={}]"])
def test_a_channel_that_a_line_alone_names_is_asked_behind_the_listed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    two_channels(tmp_path)
    with door(tmp_path, wants=basic("me:secret")) as (url, _):
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", url.replace("://", "://me:secret@") + "/")
        environment = conda_environment(line.format(f"{url}/named"), channels=(f"{url}/listed",))
        environment = replace(environment, conda=tuple(replace(d, name="gdal") for d in environment.conda))
        ask = ask_of(environment, python="3.11.7", glibc="2.36", architecture="amd64")
        assert ask.channels == (f"{url}/listed", f"{url}/named")
        packages, _ = solve(ask, tmp_path / "cache")
    assert [(package.name, package.version, package.url.split("/")[3]) for package in packages] == [
        ("gdal", "3.9", "named"),
        ("lib-of-named", "1.0", "named"),
        ("python", "3.11.7", "listed"),
    ]


def test_python_of_a_channel_that_is_not_listed_comes_from_there(tmp_path: Path) -> None:
    make_channel(tmp_path / "named")
    tinyconda.make_python(tmp_path / "listed", "3.11.7")
    named, listed = ((tmp_path / place).as_uri() for place in ("named", "listed"))
    tinyconda.index(tmp_path / "listed")
    environment = conda_environment(channels=(listed,))
    pin = PythonPin(text="3.11.7", span=environment.channels[0].span, channel=named)
    ask = ask_of(replace(environment, python=pin), python="3.11.7", glibc="2.36", architecture="amd64")
    assert [package.url.startswith(named) for package in solve(ask, tmp_path / "cache")[0]] == [True]


def test_a_channel_is_the_same_by_its_name_and_by_its_address() -> None:
    line = "https://conda.anaconda.org/mine/::gdal"
    assert channels_of(conda_environment(line, channels=("conda-forge", "mine"))) == ("conda-forge", "mine")


def test_conda_forge_is_asked_where_no_channel_is_listed_and_that_is_known() -> None:
    ask = asking()
    assert (ask.channels, ask.unlisted) == (("conda-forge",), True)
    assert not asking("mine").unlisted


def test_what_is_no_channel_is_not_passed_over() -> None:
    with pytest.raises(ResolveError, match=r"conda\.yaml:3: '' is no channel"):
        asking("mine", "")


def test_channels_of_one_host_are_each_asked_with_their_own_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One below another, one with a token, one that anybody may ask, one at another port."""
    web = tmp_path / "web"
    for place in ("team", "team/inner", "t/t0ken/secret", "open"):
        make_channel(web / place)
    with door(web) as (url, asked), door(web) as (other, overheard):
        with_login = url.replace("://", "://{}@")
        given = (f"{with_login.format('a:one')}/team", f"{with_login.format('b:two')}/team/inner/")
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", f"{' '.join(given)} {url}/t/t0ken/secret")
        channels = (f"{url}/team", f"{url}/team/inner", f"{url}/secret", f"{url}/open", f"{other}/team")
        packages, _ = solve(asking(*channels), tmp_path / "cache")
    assert [package.url.rpartition("/linux-64")[0] for package in packages] == [f"{url}/team"]
    said = {path.rpartition("/linux-64/")[0]: said for path, said in asked if "/linux-64/" in path}
    assert said == {"/team": basic("a:one"), "/team/inner": basic("b:two"), "/t/t0ken/secret": "", "/open": ""}
    assert overheard and {said for _, said in overheard} == {""}


@pytest.mark.parametrize("shards", [True, False])
def test_no_file_holds_a_token_even_while_its_channel_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: bool
) -> None:
    """What a process leaves that is killed is what was there at that time."""
    cache, channel = tmp_path / "cache", tmp_path / "web" / "t" / "t0ken" / "secret"
    make_channel(channel)
    if not shards:
        for path in channel.rglob("repodata_shards*"):
            path.unlink()
    found, looked = [], []

    def look(_: Door) -> bool:
        for path in cache.rglob("*"):
            looked.append(path)
            if "t0ken" in path.name or (path.is_file() and b"t0ken" in path.read_bytes()):
                found.append(path)
        return False

    with door(tmp_path / "web", first=look) as (url, _):
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", f"{url}/t/t0ken/secret")
        assert solve(asking(f"{url}/secret"), cache)[0]
    assert looked and found == []


def test_who_is_sent_on_elsewhere_takes_no_login_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_channel(tmp_path / "web")
    with door(tmp_path / "web") as (far, overheard):

        def send_on(question: Door) -> bool:
            question.send_response(302)
            question.send_header("Location", f"{far}{question.path}")
            question.end_headers()
            return True

        with door(tmp_path, first=send_on) as (near, asked):
            monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", near.replace("://", "://me:secret@"))
            assert solve(asking(near), tmp_path / "cache")[0]
    assert {said for _, said in asked} == {basic("me:secret")}
    assert overheard and {said for _, said in overheard} == {""}


def test_a_server_that_says_no_more_than_that_its_list_is_unchanged_is_asked_again(tmp_path: Path) -> None:
    """Python's own says nothing of since when."""
    make_channel(tmp_path / "web")
    with door(tmp_path / "web") as (url, asked):
        sources = channels_at([url])

        def there() -> list[str]:
            answer = files_named(["python"], "linux-64", sources, tmp_path / "cache", lambda: None)
            return [record.file_name for records in answer for record in records]

        first = there()
        asked.clear()
        time.sleep(1.1)  # by then the list is no longer new enough to be taken as it is
        assert there() == first
    assert asked


OLD = 1_600_000_000  # a file of that time is called new for a day, where its server does not say for how long


def make_old(folder: Path, when: int = OLD) -> None:
    for path in folder.rglob("repodata*"):
        os.utime(path, (when, when))


@pytest.mark.parametrize("form", ["shards", "one piece"])
def test_what_was_published_just_now_is_seen_however_new_the_list_was_called(tmp_path: Path, form: str) -> None:
    web, cache = tmp_path / "web", tmp_path / "cache"

    def publish(version: str) -> None:
        tinyconda.make_python(web, version)
        tinyconda.index(web)
        if form == "one piece":
            for path in web.rglob("repodata_shards*"):
                path.unlink()
        make_old(web)

    def say_how_long(question: Door) -> bool:
        send = question.end_headers

        def also() -> None:
            question.send_header("Cache-Control", "public, max-age=1200")
            send()

        if form == "one piece":
            question.end_headers = also  # type: ignore[method-assign]
        return False

    publish("3.11.7")
    with door(web, first=say_how_long) as (url, _):
        environment = conda_environment(channels=(url,), python="3.11")
        ask = ask_of(environment, python="3.11", glibc="2.36", architecture="amd64")
        assert [package.version for package in solve(ask, cache)[0]] == ["3.11.7"]
        publish("3.11.9")
        make_old(web, OLD + 60)
        assert [package.version for package in solve(ask, cache)[0]] == ["3.11.9"]


def test_a_list_in_one_piece_that_has_not_changed_is_not_fetched_again(tmp_path: Path) -> None:
    web = tmp_path / "web"
    make_channel(web)
    for path in web.rglob("repodata_shards*"):
        path.unlink()
    answers: list[int] = []

    def remember(question: Door) -> bool:
        send = question.send_response

        def noted(code: int, message: str | None = None) -> None:
            if question.command == "GET" and question.path.endswith(".json.zst"):
                answers.append(code)
            send(code, message)

        question.send_response = noted  # type: ignore[method-assign]
        return False

    with door(web, first=remember) as (url, _):
        first = solve(asking(url), tmp_path / "cache")
        assert 200 in answers
        answers.clear()
        assert solve(asking(url), tmp_path / "cache") == first
    assert answers and set(answers) == {304}


def test_a_server_that_is_gone_is_told_where_packages_are_chosen_anew(tmp_path: Path) -> None:
    make_channel(tmp_path / "web")
    make_old(tmp_path / "web")
    with door(tmp_path / "web") as (url, _):
        assert solve(asking(url), tmp_path / "cache")[0]
    with pytest.raises(NetworkError, match="a channel could not be reached"):
        solve(asking(url), tmp_path / "cache")
