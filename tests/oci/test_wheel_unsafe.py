from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import EnvbuildError, IntegrityError, UnsafeWheelError
from envbuild.oci.store import Store
from envbuild.oci.wheel import WheelSource, build_wheel_layers

Make = Callable[..., WheelSource]
Unpack = Callable[..., dict[str, tuple[int, bytes]]]

_LINK = 0o120777


@pytest.mark.parametrize(
    "path",
    [
        "../evil.py",
        "pkg/../../evil.py",
        "/etc/passwd",
        "//etc/passwd",
        "pkg//a.py",
        "pkg/./a.py",
        "C:/evil.py",
        "pkg\\..\\evil.py",
        "pkg/a\nb.py",
        ".wh.pkg",
        "pkg/.wh..wh..opq",
        "pkg/../dir/",
        "pkg-1.0.data/data/../../../evil",
        "pkg-1.0.data/scripts/../../evil",
        "pkg-1.0.data/data/pyvenv.cfg",
        "pkg-1.0.data/data/bin/python3.11",
        "pkg-1.0.data/scripts/python",
        "pkg-1.0.data/scripts",
        "pkg-1.0.data/purelib/other-2.0.dist-info/RECORD",
        "pkg-1.0.data/data/lib/python3.11/site-packages/other-2.0.dist-info/METADATA",
        "pkg/" + "x" * 256,
    ],
)
def test_a_wheel_cannot_leave_its_place(make_wheel: Make, unpack: Unpack, path: str) -> None:
    wheel = make_wheel({"pkg/__init__.py": b"", path: b"evil" if path[-1] != "/" else b""})
    with pytest.raises(UnsafeWheelError) as caught:
        unpack(wheel)
    assert wheel.filename in caught.value.message
    assert repr(path)[1:-1].split("\\n")[0] in caught.value.message


@pytest.mark.parametrize("mode", [_LINK, 0o010644, 0o020644, 0o140644])
def test_links_and_special_files_are_refused(make_wheel: Make, unpack: Unpack, mode: int) -> None:
    wheel = make_wheel({"pkg/link": (b"/etc/passwd", mode)})
    with pytest.raises(UnsafeWheelError, match="pkg/link"):
        unpack(wheel)


def test_a_link_that_calls_itself_a_folder_is_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"pkg/link/": (b"", _LINK)})
    with pytest.raises(UnsafeWheelError, match="pkg/link"):
        unpack(wheel)


@pytest.mark.parametrize("name", ["../evil", "/bin/evil", "python3", "..", "a/b"])
def test_an_entry_point_stays_in_bin(make_wheel: Make, unpack: Unpack, name: str) -> None:
    wheel = make_wheel({}, entry_points=f"[console_scripts]\n{name} = pkg:main\n")
    with pytest.raises(UnsafeWheelError, match=r"pkg-1\.0"):
        unpack(wheel)


@pytest.mark.parametrize("value", ["pkg", "pkg:main;import os", "pkg:", "%(x)s", "pkg:a\nb = c"])
def test_an_entry_point_that_is_no_reference_is_refused(make_wheel: Make, unpack: Unpack, value: str) -> None:
    wheel = make_wheel({}, entry_points=f"[console_scripts]\ntool = {value}\n")
    with pytest.raises(IntegrityError, match=r"pkg-1\.0"):
        unpack(wheel)


@pytest.mark.parametrize(
    "recorded", ["sha256=AAAA", "sha512=AAAA", "md5=AAAA", "sha256=" + "A" * 43, "whirlpool9=AAAA"]
)
@pytest.mark.parametrize("size", [5, 3_000_000])
def test_content_must_be_what_record_says(make_wheel: Make, unpack: Unpack, recorded: str, size: int) -> None:
    wheel = make_wheel({"pkg/a.py": os.urandom(size)}, record={"pkg/a.py": recorded})
    with pytest.raises(IntegrityError, match=r"pkg-1\.0.*pkg/a\.py"):
        unpack(wheel)


def test_other_hashes_in_record_are_understood(make_wheel: Make, unpack: Unpack) -> None:
    import base64
    import hashlib

    value = base64.urlsafe_b64encode(hashlib.sha512(b"x").digest()).decode().rstrip("=")
    wheel = make_wheel({"pkg/a.py": b"x"}, record={"pkg/a.py": f"sha512={value}"})
    assert any(path.endswith("pkg/a.py") for path in unpack(wheel))


def _patch(wheel: WheelSource, entry: str, *, size: int | None = None, crc: int | None = None) -> None:
    """Change what the zip's central directory declares of one entry."""
    data = bytearray(wheel.path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(entry.encode()))
    if crc is not None:
        struct.pack_into("<L", data, at + 16, crc)
    if size is not None:
        struct.pack_into("<L", data, at + 24, size)
    wheel.path.write_bytes(data)


@pytest.mark.parametrize("size", [10_000, 5_000_000])
def test_an_entry_that_inflates_beyond_its_size_is_refused(make_wheel: Make, unpack: Unpack, size: int) -> None:
    wheel = make_wheel({"pkg/bomb": bytes(size)})
    _patch(wheel, "pkg/bomb", size=size - 1)
    with pytest.raises(UnsafeWheelError, match=r"pkg-1\.0.*pkg/bomb.*beyond"):
        unpack(wheel)


@pytest.mark.parametrize("change", [{"size": 101}, {"size": 3_000_000}, {"crc": 1}])
def test_an_entry_that_differs_from_the_directory_is_damaged(
    make_wheel: Make, unpack: Unpack, change: dict[str, int]
) -> None:
    wheel = make_wheel({"pkg/a.py": bytes(100)})
    _patch(wheel, "pkg/a.py", **change)
    with pytest.raises(IntegrityError, match=r"pkg-1\.0.*pkg/a\.py"):
        unpack(wheel)


def test_a_name_that_differs_in_the_local_header_is_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"pkg/aaa.py": b"x"})
    data = wheel.path.read_bytes()
    wheel.path.write_bytes(data.replace(b"pkg/aaa.py", b"pkg/bbb.py", 1))
    with pytest.raises(UnsafeWheelError, match=r"pkg/aaa\.py.*pkg/bbb\.py"):
        unpack(wheel)


def test_entries_that_share_their_bytes_are_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({f"pkg/{number}.py": os.urandom(4000) for number in range(3)})
    with zipfile.ZipFile(wheel.path, "a") as archive:
        kernel = archive.getinfo("pkg/0.py")
        for number in range(50):
            twin = zipfile.ZipInfo(f"pkg/twin{number}.py")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(twin, field, getattr(kernel, field))
            archive.filelist.append(twin)
        archive._didModify = True  # type: ignore[attr-defined]  # there is no public way to write such a zip
    with pytest.raises(UnsafeWheelError, match="share"):
        unpack(wheel)


def test_a_path_twice_with_other_contents_is_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"pkg/a.py": b"1"})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(wheel.path, "a") as archive:
        archive.writestr("pkg/a.py", b"2")
    with pytest.raises(UnsafeWheelError, match=r"pkg/a\.py.*twice"):
        unpack(wheel)
    both = make_wheel({"pkg/a.py": b"1", "pkg-1.0.data/purelib/pkg/a.py": b"1"})
    with pytest.raises(UnsafeWheelError, match=r"pkg/a\.py.*twice"):
        unpack(both)


def test_a_file_that_is_also_a_folder_is_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"pkg/a": b"1", "pkg/a/b": b"2"})
    with pytest.raises(IntegrityError, match=r"pkg-1\.0.*pkg/a"):
        unpack(wheel)


def _not_a_zip(path: Path) -> None:
    path.write_bytes(b"<html>not found</html>")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        at = archive.getinfo("pkg/a.py").header_offset + 30 + len("pkg/a.py")
    data[at : at + 200] = b"\xff" * 200
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_not_a_zip, _cut_off, _garbled])
def test_a_damaged_file_is_an_integrity_error(make_wheel: Make, unpack: Unpack, damage: Callable[[Path], None]) -> None:
    wheel = make_wheel({"pkg/a.py": os.urandom(1000)})
    damage(wheel.path)
    with pytest.raises(IntegrityError, match=r"pkg-1\.0"):
        unpack(wheel)


@pytest.mark.parametrize(
    "files",
    [
        {"pkg-1.0.dist-info/WHEEL": b""},
        {"pkg-1.0.dist-info/WHEEL": b"\xff\xfe"},
        {"pkg-1.0.dist-info/WHEEL": b"Wheel-Version: 9.0\n"},
        {"pkg-2.0.dist-info/METADATA": b""},
        {"pkg-1.0.data/nowhere/a": b""},
        {"pkg-1.0.dist-info/entry_points.txt": b"no section"},
        {"pkg-1.0.data/data/a": b"", "PKG-2.data/data/b": b""},
    ],
)
def test_broken_metadata_is_an_integrity_error(make_wheel: Make, unpack: Unpack, files: dict[str, Any]) -> None:
    wheel = make_wheel(files)
    with pytest.raises(IntegrityError, match=r"pkg-1\.0"):
        unpack(wheel)


def test_a_wheel_without_record_or_with_another_name_is_refused(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"pkg/a.py": b""})
    with pytest.raises(IntegrityError, match=r"other-1\.0"):
        unpack(WheelSource(path=wheel.path, filename="other-1.0-py3-none-any.whl"))
    with pytest.raises(IntegrityError, match="nonsense"):
        unpack(WheelSource(path=wheel.path, filename="nonsense.zip"))
    with zipfile.ZipFile(wheel.path, "w") as archive:
        archive.writestr("pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    with pytest.raises(IntegrityError, match="RECORD"):
        unpack(wheel)


def test_nothing_of_an_unsafe_wheel_reaches_the_store(make_wheel: Make, store: Store) -> None:
    big = make_wheel({"a/first.bin": os.urandom(3_000_000), "z/last.py": b"x"}, record={"z/last.py": "sha256=A"})
    with pytest.raises(EnvbuildError):
        build_wheel_layers(store, [("key", [big])], prefix="opt/envbuild", python="3.11", keep_tests=False)
    assert list((store.root / "blobs/sha256").iterdir()) == list((store.root / "tmp").iterdir()) == []
    assert store.key_files() == []
