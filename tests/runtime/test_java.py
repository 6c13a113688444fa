"""What Spark's Java is given before it starts: a name for its user, and libraries that need not lie in /tmp."""

from __future__ import annotations

import os
import pwd
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
    monkeypatch.undo()
    environment: dict[str, str] = {}
    assert java._name_user(environment) == ""
    assert environment == {}


def test_without_the_wrapper_it_says_what_is_missing_and_what_to_do(
    image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment: dict[str, str] = {}
    java.prepare(environment)
    said = capsys.readouterr().err
    assert f"Spark will fail: user {os.getuid()} has no entry in /etc/passwd" in said
    assert "without --user or runAsUser" in said
    assert environment == {}


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
