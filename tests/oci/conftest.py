from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.wheel import WheelSource, write_wheels

MakeWheel = Callable[..., WheelSource]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """A function that writes a wheel: `files` are paths to contents, or to (contents, unix mode)."""
    serial = iter(range(1000))

    def make(
        files: Mapping[str, bytes | tuple[bytes, int]],
        *,
        name: str = "pkg",
        version: str = "1.0",
        entry_points: str = "",
        record: Mapping[str, str] | None = None,
        reverse: bool = False,
        pure: bool = True,
    ) -> WheelSource:
        info = f"{name}-{version}.dist-info"
        contents: dict[str, bytes | tuple[bytes, int]] = dict(files)
        contents.setdefault(f"{info}/METADATA", f"Name: {name}\nVersion: {version}\n".encode())
        contents.setdefault(
            f"{info}/WHEEL",
            f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: py3-none-any\n".encode(),
        )
        if entry_points:
            contents[f"{info}/entry_points.txt"] = entry_points.encode()
        rows = {path: _record_hash(_content(value)) for path, value in contents.items() if path[-1] != "/"}
        rows.update(record or {})
        contents.setdefault(f"{info}/RECORD", "".join(f"{path},{value},\n" for path, value in rows.items()).encode())
        path = tmp_path / f"wheel-{next(serial)}.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in sorted(contents, reverse=reverse):
                value = contents[entry]
                item = zipfile.ZipInfo(entry)
                item.compress_type = zipfile.ZIP_DEFLATED
                item.external_attr = (value[1] if isinstance(value, tuple) else 0o100644) << 16
                archive.writestr(item, _content(value))
        return WheelSource(path=path, filename=f"{name}-{version}-py3-none-any.whl")

    return make


@pytest.fixture
def unpack() -> Callable[..., dict[str, tuple[int, bytes]]]:
    """A function that gives the files of a layer of wheels: path -> (mode, content)."""

    def unpack(*wheels: WheelSource, keep_tests: bool = False) -> dict[str, tuple[int, bytes]]:
        files: dict[str, tuple[int, bytes]] = {}
        with tarfile.open(fileobj=io.BytesIO(wheel_tar(*wheels, keep_tests=keep_tests))) as archive:
            names = archive.getnames()
            assert len(names) == len(set(names)), "a path is there twice"
            for member in archive.getmembers():
                if not member.isdir():
                    content = archive.extractfile(member)
                    assert content is not None
                    files[member.name] = (member.mode, content.read())
        return files

    return unpack


@pytest.fixture(name="wheel_tar")
def wheel_tar_fixture() -> Callable[..., bytes]:
    """A function that gives the bytes of a layer of wheels."""
    return wheel_tar


def wheel_tar(*wheels: WheelSource, keep_tests: bool = False) -> bytes:
    out = io.BytesIO()
    tar = LayerTar(out)
    write_wheels(tar, wheels, prefix="opt/envbuild", python="3.11", keep_tests=keep_tests)
    tar.close()
    return out.getvalue()


def _content(value: bytes | tuple[bytes, int]) -> bytes:
    return value[0] if isinstance(value, tuple) else value


def _record_hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"sha256={digest}"
