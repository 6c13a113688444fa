from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envbuild.errors import IntegrityError
from envbuild.oci.canonical import EPOCH
from envbuild.oci.tar import LayerTar

_NAME = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=60
).filter(lambda name: name not in (".", "..") and not name.startswith(".wh."))
_PATH = st.lists(_NAME, min_size=1, max_size=4).map("/".join)
_ENTRY = st.tuples(_PATH, st.binary(max_size=1500), st.sampled_from([0o644, 0o755, 0o600]))


def _tar(entries: list[tuple[str, bytes, int]], *, stream: bool = False) -> tuple[bytes, dict[str, bytes]]:
    """The tar of those entries that go together, and what was written."""
    out = io.BytesIO()
    tar = LayerTar(out)
    written: dict[str, bytes] = {}
    for path, content, mode in entries:
        try:
            if stream:
                tar.file(path, io.BytesIO(content), len(content), mode)
            else:
                tar.data(path, content, mode)
        except IntegrityError:  # twice, or below a file
            continue
        written[path] = content
    tar.close()
    return out.getvalue(), written


@settings(deadline=None)
@given(st.lists(_ENTRY, max_size=12))
def test_equal_entries_give_equal_bytes_that_tarfile_reads_back(entries: list[tuple[str, bytes, int]]) -> None:
    data, written = _tar(entries)
    assert _tar(entries, stream=True) == (data, written)
    assert len(data) % 10240 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        names = [member.name for member in members]
        assert len(names) == len(set(names))
        seen = {""}
        for member in members:
            assert (member.mtime, member.uid, member.gid) == (EPOCH, 0, 0)
            assert (member.uname, member.gname) == ("", "")
            assert member.name.rpartition("/")[0] in seen, "a child comes before its parent"
            if member.isdir():
                seen.add(member.name)
        assert written == {m.name: archive.extractfile(m).read() for m in members if m.isfile()}  # type: ignore[union-attr]


def test_bytes_never_change() -> None:
    out = io.BytesIO()
    tar = LayerTar(out)
    tar.directory("tmp", 0o1777)
    tar.data("opt/envbuild/" + "long/" * 25 + "é.py", b"print()\n")
    tar.file("opt/envbuild/bin/tool", io.BytesIO(b"x" * 600), 600, 0o755)
    tar.symlink("opt/ml/model", "/var/" + "a" * 120)
    tar.close()
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    # A new value here is a new format: raise FORMAT in the planner with it.
    assert digest == "d8c1e130ae770b81746039e06d28119ffb16c4539ba211363ee4beb40aedb96b"


def test_missing_parents_are_written_once_before_the_first_child() -> None:
    out = io.BytesIO()
    tar = LayerTar(out)
    tar.data("a/b/c", b"")
    tar.data("a/b/d", b"")
    tar.directory("a/b")
    tar.close()
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        assert [(m.name, m.mode) for m in archive] == [
            ("a", 0o755),
            ("a/b", 0o755),
            ("a/b/c", 0o644),
            ("a/b/d", 0o644),
        ]


def test_a_file_beyond_eight_gigabytes_has_its_size_in_the_extended_header() -> None:
    class Zeros(io.RawIOBase):
        def __init__(self, size: int) -> None:
            self.left = size

        def read(self, size: int = -1) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    class Head:
        def __init__(self) -> None:
            self.kept = b""

        def write(self, data: bytes) -> None:
            if len(self.kept) < 4096:
                self.kept += data[:4096]
            elif len(self.kept) >= 4096:
                raise StopIteration

    size = 8**11 + 5
    head = Head()
    with pytest.raises(StopIteration):
        LayerTar(head).file("big", Zeros(size), size)  # type: ignore[arg-type]
    with tarfile.open(fileobj=io.BytesIO(head.kept)) as archive:
        assert archive.next().size == size  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a/.", ".wh.a", "a/.wh..wh..opq", "a\0b", "x" * 256],
)
def test_unfit_paths_are_refused(path: str) -> None:
    out = io.BytesIO()
    tar = LayerTar(out)
    for write in (
        lambda: tar.data(path, b""),
        lambda: tar.directory(path),
        lambda: tar.symlink(path, "x"),
        lambda: tar.file(path, io.BytesIO(), 0),
    ):
        with pytest.raises(IntegrityError):
            write()
    assert out.getvalue() == b"", "something was written"


def test_a_path_cannot_come_twice() -> None:
    tar = LayerTar(io.BytesIO())
    tar.data("a/b", b"")
    with pytest.raises(IntegrityError, match="twice"):
        tar.data("a/b", b"")
    with pytest.raises(IntegrityError, match="twice"):
        tar.symlink("a", "b")
    with pytest.raises(IntegrityError, match="twice"):
        tar.directory("a", 0o700)


def test_nothing_is_written_below_a_link_or_a_file() -> None:
    tar = LayerTar(io.BytesIO())
    tar.symlink("lib", "usr/lib")
    with pytest.raises(IntegrityError, match="not a directory"):
        tar.data("lib/evil.so", b"")


@pytest.mark.parametrize("announced", [3, 5])
def test_a_file_must_have_the_size_that_was_announced(announced: int) -> None:
    with pytest.raises(IntegrityError, match="announced"):
        LayerTar(io.BytesIO()).file("a", io.BytesIO(b"four"), announced)


def test_a_name_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(IntegrityError, match="UTF-8"):
        LayerTar(io.BytesIO()).data("caf\udce9", b"")
