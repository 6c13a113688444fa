"""Files that a person names: links, modes, descriptors, and names of any length."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from envbuild.cli.files import check_target, is_stdout, write_atomically
from envbuild.errors import StorageError, UsageError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_link_stays_and_what_it_leads_to_is_written() -> None:
    Path("below").mkdir()
    Path("below/target").write_text("before")
    Path("middle").symlink_to("below/target")
    Path("link").symlink_to(Path("middle").absolute())
    check_target("--output-file", Path("link"))
    write_atomically(Path("link"), "after")
    assert Path("below/target").read_text() == "after"
    assert Path("link").is_symlink()
    assert Path("middle").is_symlink()
    assert names("below") == ["target"]


def test_a_link_in_a_linked_folder_leads_from_where_the_folder_is() -> None:
    Path("a/b").mkdir(parents=True)
    Path("a/b/link").symlink_to("../target")
    Path("short").symlink_to("a/b")
    write_atomically(Path("short/link"), "x")
    assert Path("a/target").read_text() == "x"
    write_atomically(Path("short/../other"), "x")
    assert Path("a/other").read_text() == "x"


def test_a_link_to_a_file_that_is_not_there_makes_it() -> None:
    Path("link").symlink_to("target")
    write_atomically(Path("link"), "x")
    assert Path("target").read_text() == "x"
    assert Path("link").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_keeps_its_mode(mode: int) -> None:
    Path("file").write_text("before")
    Path("file").chmod(mode)
    write_atomically(Path("file"), "after")
    assert Path("file").read_text() == "after"
    assert stat.S_IMODE(Path("file").stat().st_mode) == mode


def test_a_new_file_has_the_mode_of_any_other() -> None:
    before = os.umask(0o027)
    try:
        write_atomically(Path("file"), "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("file").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_owner_stays_theirs() -> None:
    Path("file").write_text("before")
    os.chown("file", 12345, 23456)
    write_atomically(Path("file"), "after")
    found = Path("file").stat()
    assert (found.st_uid, found.st_gid, Path("file").read_text()) == (12345, 23456, "after")


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127])
def test_a_name_may_be_as_long_as_a_name_can_be(name: str) -> None:
    check_target("--output-file", Path(name))
    write_atomically(Path(name), "x")
    assert names() == [name]


def test_what_no_file_can_be_is_told_before_the_work() -> None:
    Path("folder").mkdir()
    Path("one").symlink_to("two")
    Path("two").symlink_to("one")
    Path("away").symlink_to("none/x")
    for name, says in {
        "folder": "is a folder",
        ".": "is a folder",
        "none/x": "there is no folder none",
        "away": f"there is no folder {Path.cwd()}/none",
        "one": "too many levels of symbolic links",
        "b" * 256: "file name too long",
        "/dev/fd/987": "bad file descriptor",
    }.items():
        with pytest.raises(UsageError) as caught:
            check_target("--output-file", Path(name))
        assert caught.value.message.startswith(f"--output-file {name}")
        assert caught.value.message.endswith(says)
        assert caught.value.hint


def test_an_open_descriptor_is_written_to_where_it_stands() -> None:
    with Path("file").open("wb") as stream:
        stream.write(b"before\n")
        stream.flush()
        for name in (f"/dev/fd/{stream.fileno()}", f"/proc/self/fd/{stream.fileno()}"):
            check_target("--output-file", Path(name))
            write_atomically(Path(name), "x\n")
        stream.write(b"after\n")
    assert Path("file").read_bytes() == b"before\nx\nx\nafter\n"
    assert names() == ["file"]


def test_a_pipe_is_written_to() -> None:
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    reading = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_target("--output-file", Path("link"))
        write_atomically(Path("link"), "x")
        assert os.read(reading, 10) == b"x"
    finally:
        os.close(reading)
    assert Path("pipe").is_fifo()
    assert Path("link").is_symlink()


def test_what_cannot_be_replaced_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("before")

    def fail(self: Path, target: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="file cannot be written: no space left on device"):
        write_atomically(Path("file"), "after")
    assert Path("file").read_text() == "before"
    assert names() == ["file"]


def test_half_a_character_is_its_escape() -> None:
    write_atomically(Path("file"), "ä\udcff")
    assert Path("file").read_bytes() == "ä\\udcff".encode()


@pytest.mark.parametrize(("name", "is_one"), [("-", True), ("/dev/stdout", True), ("/dev/stderr", False), ("x", False)])
def test_stdout_has_several_names(name: str, is_one: bool) -> None:
    assert is_stdout(Path(name)) is is_one
