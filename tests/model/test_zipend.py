from __future__ import annotations

import io
import struct
import time
import zipfile

import pytest

from envbuild.model.pickles.reading import MAX_DIRECTORY, modules_of
from envbuild.model.pickles.zipend import directory_size


def archive(*, members: int = 1, comment: bytes = b"", extra: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number in range(members):
            file.writestr(f"m{number}.pkl", b"c" + b"numpy\narray\n." + extra)
        file.comment = comment
    return out.getvalue()


def as_large(content: bytes, *, told: int | None = None) -> bytes:
    """The archive as a writer of large ones ends it; `told` is the size that its record says."""
    size, offset = struct.unpack("<LL", content[-10:-2])
    entries = struct.unpack("<H", content[-12:-10])[0]
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, told or size, offset)
    pointer = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:-22] + record + pointer + end


@pytest.mark.parametrize("comment", [b"", b"x", b"y" * 65_535], ids=len)
def test_it_is_what_the_reader_of_the_standard_library_parses(comment: bytes) -> None:
    content = archive(members=3, comment=comment)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        expected = sum(46 + len(member.filename) for member in file.infolist())
    assert directory_size(io.BytesIO(content)) == expected


def test_it_is_told_by_the_record_of_large_archives() -> None:
    content = as_large(archive(members=2))
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["m0.pkl", "m1.pkl"]
    assert directory_size(io.BytesIO(content)) == directory_size(io.BytesIO(archive(members=2)))
    assert directory_size(io.BytesIO(as_large(archive(), told=1 << 40))) == 1 << 40


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07" * 9 + b"PK\x05\x06", b"\0" * 99])
def test_what_has_no_end_has_no_size(content: bytes) -> None:
    stream = io.BytesIO(content)
    assert directory_size(stream) == 0
    assert stream.tell() == 0


def test_an_archive_of_many_empty_members_is_not_opened() -> None:
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 14_000_000, 4, 0)
    entry = struct.pack("<4s42x", b"PK\x01\x02") + b"m"
    started = time.process_time()
    assert modules_of(io.BytesIO(b"PK\x03\x04" + entry * (14_000_000 // len(entry)) + end)) == set()
    assert time.process_time() - started < 0.5


def test_as_many_members_as_a_large_checkpoint_has_are_read() -> None:
    content = archive(members=9_000)
    assert directory_size(io.BytesIO(content)) < MAX_DIRECTORY
    assert modules_of(io.BytesIO(content)) == {"numpy"}
