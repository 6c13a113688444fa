"""What Spark's Java is given before it starts: a name for its user, and libraries that need not lie in /tmp."""

from __future__ import annotations

import os
import pwd
import stat
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from envbuild.runtime import java


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The /usr of an image with pyspark, whose user has no entry and whose /tmp anything may be loaded from."""

    def nobody(number: int) -> None:
        raise KeyError(number)

    (tmp_path / "site" / "pyspark").mkdir(parents=True)
    (tmp_path / "site" / "pyspark" / "__init__.py").touch()
    (tmp_path / "tmp").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(java, "TEMPORARY", str(tmp_path / "tmp"))
    monkeypatch.setattr(java, "LIBRARIES", tmp_path / "usr")
    return tmp_path / "usr"


def library(image: Path, name: str) -> str:
    path = image / "lib" / "x86_64-linux-gnu" / name
    path.parent.mkdir(parents=True)
    path.touch()
    return str(path)


def test_a_user_without_an_entry_gets_one_of_its_own(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapper = library(image, "libnss_wrapper.so")
    environment = {"HOME": "/home/of/it", "LD_PRELOAD": "/lib/other.so"}
    java.prepare(environment)
    assert environment["LD_PRELOAD"] == f"{wrapper} /lib/other.so"
    assert environment["NSS_WRAPPER_GROUP"] == "/etc/group"
    text = Path(environment["NSS_WRAPPER_PASSWD"]).read_text()
    assert text.startswith(Path("/etc/passwd").read_text())
    own = f"user{os.getuid()}:x:{os.getuid()}:{os.getgid()}::/home/of/it:/usr/sbin/nologin"
    assert text.splitlines()[-1] == own
    assert capsys.readouterr().err == ""
    before = dict(environment)
    java.prepare(environment)
    assert environment == before


def test_a_user_with_an_entry_keeps_it(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library(image, "libnss_wrapper.so")
    monkeypatch.setattr(pwd, "getpwuid", lambda number: SimpleNamespace(pw_uid=number))
    environment: dict[str, str] = {}
    java.prepare(environment)
    assert (environment, capsys.readouterr().err) == ({}, "")


def test_without_the_wrapper_it_says_what_is_missing_and_what_to_do(
    image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment: dict[str, str] = {}
    java.prepare(environment)
    said = capsys.readouterr().err
    assert f"Spark would fail here: user {os.getuid()} has no entry in /etc/passwd" in said
    assert "without --user or runAsUser" in said
    assert environment == {}


def test_names_in_any_encoding_are_kept_as_they_are(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(image, "libnss_wrapper.so")
    passwd = image.parent / "passwd"
    passwd.write_bytes(b"j\xfcrgen:x:1000:1000:J\xfcrgen:/home/j:/bin/sh")
    monkeypatch.setattr(java, "PASSWD", passwd)
    environment = {"HOME": os.fsdecode(b"/home/\xfc")}
    java.prepare(environment)
    first, own = Path(environment["NSS_WRAPPER_PASSWD"]).read_bytes().splitlines()
    assert first == passwd.read_bytes()
    assert own.endswith(b"::/home/\xfc:/usr/sbin/nologin")


def start(image: Path, **variables: str) -> Path:
    environment = dict(variables)
    java.prepare(environment)
    return Path(environment["NSS_WRAPPER_PASSWD"])


def test_each_start_takes_the_same_file(image: Path) -> None:
    library(image, "libnss_wrapper.so")
    first = start(image)
    written = first.stat()
    assert start(image) == first
    assert (first.stat().st_ino, first.stat().st_mode) == (written.st_ino, stat.S_IFREG | 0o600)
    assert start(image, HOME="/another") == first
    assert b":/another:" in first.read_bytes()
    assert list(first.parent.iterdir()) == [first]


@pytest.mark.parametrize("kind", ["mode", "link", "second name", "pipe", "folder"])
def test_what_others_can_write_is_never_taken_for_ones_own(image: Path, kind: str, tmp_path: Path) -> None:
    library(image, "libnss_wrapper.so")
    place = start(image)
    other = tmp_path / "of-another"
    if kind == "mode":
        place.chmod(0o666)
    elif kind == "second name":
        os.link(place, other)
    else:
        place.rename(other)
        if kind == "link":
            place.symlink_to(other)
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            place.mkdir()
    found = start(image)
    assert (found == place) is (kind != "folder")
    status = found.lstat()
    assert (status.st_mode, status.st_nlink, status.st_uid) == (stat.S_IFREG | 0o600, 1, os.getuid())
    assert found.read_text().splitlines()[-1].startswith(f"user{os.getuid()}:")


@pytest.mark.parametrize("broken", ["find_spec", "_name_user", "_load_libraries"])
def test_nothing_that_goes_wrong_keeps_a_server_from_starting(
    broken: str, image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(given: object) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(java, broken, fails)
    java.prepare({})
    assert capsys.readouterr().err.endswith("cannot be seen to: ValueError: no such luck\n")
    monkeypatch.setattr(sys, "stderr", SimpleNamespace())
    java.prepare({})


def test_where_no_entry_can_be_written_it_says_so(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library(image, "libnss_wrapper.so")
    monkeypatch.setattr(tempfile, "tempdir", str(image / "none"))
    environment: dict[str, str] = {}
    java.prepare(environment)
    assert "none can be written to" in capsys.readouterr().err
    assert environment == {}


def test_a_tmp_without_libraries_is_no_hindrance_where_the_image_has_them(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp = java.TEMPORARY
    monkeypatch.setattr(os, "statvfs", lambda place: SimpleNamespace(f_flag=os.ST_NOEXEC if place == tmp else 0))
    environment = {"NSS_WRAPPER_PASSWD": "of the person", "JAVA_TOOL_OPTIONS": "-Xmx1g"}
    java.prepare(environment)
    said = capsys.readouterr().err
    assert "is mounted with noexec, and Spark loads libraries from there" in said
    assert f"--tmpfs {tmp}:exec" in said
    assert environment["JAVA_TOOL_OPTIONS"] == "-Xmx1g"
    library(image, "jni/libsnappyjava.so")
    java.prepare(environment)
    assert environment["JAVA_TOOL_OPTIONS"] == f"{' '.join(java.NOTHING_LOADED)} -Xmx1g"
    assert capsys.readouterr().err == ""


def test_an_image_without_pyspark_is_left_alone(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    environment: dict[str, str] = {}
    java.prepare(environment)
    assert (environment, capsys.readouterr().err) == ({}, "")
