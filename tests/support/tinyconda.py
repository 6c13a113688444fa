"""Conda packages of a few bytes, made with tarfile and zipfile, and channels of them, indexed by rattler."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

PLACEHOLDER = "/opt/placeholder_" + "x" * 238
"""The prefix that packages are built for, as long as conda's own: what names it is rewritten when they are laid."""
_ARCHITECTURES = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)


def make_package(
    channel: Path,
    name: str,
    version: str = "1.0",
    *,
    build: str = "0",
    depends: Sequence[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    links: Mapping[str, str] | None = None,
    subdir: str = "linux-64",
    noarch: str = "",
    entry_points: Sequence[str] = (),
    form: str = "tar.bz2",
    executable: Sequence[str] = (),
    site_packages: str = "",
    called_files: Sequence[str] = (),
    build_number: int = 0,
) -> Path:
    """Write a package into the folder of its platform in `channel`, and give its path.

    Text files that name PLACEHOLDER are marked as such. A `noarch` of `python` has its modules below site-packages/.
    `form` is `tar.bz2` or `conda`. Its own list calls those of `links` that are `called_files` files, to be rewritten.
    """
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    links = dict(links or {})
    index = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": build_number,
        "depends": list(depends),
        "subdir": "noarch" if noarch else subdir,
        "license": "MIT",
        "timestamp": 1_700_000_000_000,
        **({"noarch": noarch} if noarch else {"arch": _ARCHITECTURES[subdir], "platform": "linux"}),
        **({"python_site_packages_path": site_packages} if site_packages else {}),
    }
    rows = [_path(path, data) for path, data in sorted(contents.items())]
    rows += [{"_path": path, "path_type": "softlink", "sha256": _sha256(b""), "size_in_bytes": 0} for path in links]
    for row in rows:
        if row["_path"] in called_files:
            row |= {"path_type": "hardlink", "prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
    info: dict[str, bytes] = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": rows}).encode(),
        "info/files": "".join(f"{row['_path']}\n" for row in rows).encode(),
    }
    if noarch == "python":
        link = {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
        info["info/link.json"] = json.dumps(link).encode()
    folder = channel / str(index["subdir"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{build}.{form}"
    if form == "conda":
        _write_conda(path, info, contents, links, executable)
    else:
        with tarfile.open(path, "w:bz2") as tar:
            _fill(tar, {**info, **contents}, links, executable)
    return path


def make_python(channel: Path, version: str = "3.11.7", *, subdir: str = "linux-64") -> Path:
    """A `python` that is one by name only: an executable that says its version, and a module."""
    minor = ".".join(version.split(".")[:2])
    return make_package(
        channel,
        "python",
        version,
        files={
            f"bin/python{minor}": f"#!/bin/sh\n# {PLACEHOLDER}/lib\necho Python {version}\n",
            f"lib/python{minor}/os.py": "# the operating system\n",
            f"lib/python{minor}/__pycache__/os.cpython-311.pyc": b"\0bytecode",
        },
        links={"bin/python": f"python{minor}", "bin/python3": f"python{minor}"},
        executable=[f"bin/python{minor}"],
        site_packages=f"lib/python{minor}/site-packages",
        subdir=subdir,
    )


def make_module(channel: Path, name: str, version: str = "1.0", *, depends: Sequence[str] = ("python",)) -> Path:
    """A Python package for every platform, that says its version, with the metadata that pip leaves."""
    stem = name.replace("-", "_")
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return make_package(
        channel,
        name,
        version,
        build="pyh0",
        depends=depends,
        noarch="python",
        files={
            f"site-packages/{stem}/__init__.py": f"__version__ = {version!r}\n",
            f"site-packages/{stem}-{version}.dist-info/METADATA": metadata,
            f"site-packages/{stem}-{version}.dist-info/INSTALLER": "conda",
        },
    )


def index(channel: Path) -> str:
    """Write the repodata of all packages of `channel`, and give its address."""
    from rattler.index import index_fs

    (channel / "noarch").mkdir(parents=True, exist_ok=True)
    asyncio.run(index_fs(channel))
    return channel.as_uri()


def date_packages(channel: Path, days: Mapping[str, str]) -> None:
    """Rewrite the repodata of `channel`: packages are of these days, by the beginnings of their file names.

    An empty day is none; what is not named is of 2020.
    """
    for folder in (channel / "noarch", channel / "linux-64"):
        for name in ("repodata_shards.msgpack.zst", "repodata.json.zst"):
            (folder / name).unlink(missing_ok=True)
        path = folder / "repodata.json"
        document = json.loads(path.read_text())
        for kind in ("packages", "packages.conda"):
            for name, row in document[kind].items():
                day = next((day for start, day in days.items() if name.startswith(start)), "2020-01-01")
                row.pop("indexed_timestamp", None)
                row.pop("timestamp", None)
                if day:
                    row["timestamp"] = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)
        path.write_text(json.dumps(document))


def _path(path: str, data: bytes) -> dict[str, object]:
    row: dict[str, object] = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": _sha256(data),
        "size_in_bytes": len(data),
    }
    if PLACEHOLDER.encode() in data:
        row["prefix_placeholder"] = PLACEHOLDER
        row["file_mode"] = "binary" if b"\0" in data else "text"
    return row


def _fill(
    tar: tarfile.TarFile, files: Mapping[str, bytes], links: Mapping[str, str], executable: Sequence[str]
) -> None:
    for name, data in files.items():
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(data), 0o755 if name in executable else 0o644, 1_700_000_000
        tar.addfile(member, io.BytesIO(data))
    for name, target in links.items():
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mtime = tarfile.SYMTYPE, target, 1_700_000_000
        tar.addfile(member)


def _write_conda(
    path: Path,
    info: Mapping[str, bytes],
    files: Mapping[str, bytes],
    links: Mapping[str, str],
    executable: Sequence[str],
) -> None:
    import zstandard

    stem = path.name.removesuffix(".conda")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("metadata.json", _ZIP_TIME), json.dumps({"conda_pkg_format_version": 2}))
        for kind, content, also in (("pkg", files, links), ("info", info, {})):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as tar:
                _fill(tar, content, also, executable)
            member = zipfile.ZipInfo(f"{kind}-{stem}.tar.zst", _ZIP_TIME)
            archive.writestr(member, zstandard.ZstdCompressor().compress(out.getvalue()))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_real_python(channel: Path) -> Path:
    """A `python` that runs: this interpreter's, without what tests can do without, found by its place."""
    import sysconfig

    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = Path(sys.base_prefix)
    needless = {"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages", "__pycache__"}
    program = (home / "bin" / f"python{minor}").read_bytes()
    files: dict[str, bytes] = {f"bin/python{minor}": _beside(program, f"{home}/lib")}
    standard = home / "lib" / f"python{minor}"
    for path in sorted(standard.rglob("*")):
        inside = path.relative_to(standard)
        if path.is_file() and needless.isdisjoint(inside.parts) and not inside.parts[0].startswith("config-"):
            files[f"lib/python{minor}/{inside.as_posix()}"] = path.read_bytes()
    shared = sysconfig.get_config_var("INSTSONAME") or ""
    if shared.endswith((".so", ".so.1.0")) and (home / "lib" / shared).is_file():
        files[f"lib/{shared}"] = (home / "lib" / shared).read_bytes()
    return make_package(
        channel,
        "python",
        ".".join(map(str, sys.version_info[:3])),
        files=files,
        links={"bin/python": f"python{minor}", "bin/python3": f"python{minor}"},
        executable=[f"bin/python{minor}"],
        site_packages=f"lib/python{minor}/site-packages",
        form="conda",
    )


def make_native(channel: Path, name: str = "tiny-native") -> Path:
    """A library that no Python package brings: this machine's libz, under the name libtiny.so.1."""
    import pytest

    maps = Path("/proc/self/maps")
    __import__("zlib")  # has it loaded where it is no part of the interpreter
    found = re.search(r"(/\S+/libz\.so[\d.]*)$", maps.read_text() if maps.exists() else "", re.MULTILINE)
    if found is None:
        pytest.skip("this machine's Python has libz inside of it")
    return make_package(channel, name, files={"lib/libtiny.so.1": Path(found[1]).read_bytes()}, form="conda")


def make_caller(channel: Path, name: str = "tiny-numbers", *, native: str = "tiny-native") -> Path:
    """A Python package whose `native()` asks the library of `make_native` for its version."""
    stem = name.replace("-", "_")
    code = (
        "import ctypes\nimport os\nimport sys\n\n\ndef native():\n"
        "    library = ctypes.CDLL(os.path.join(sys.prefix, 'lib', 'libtiny.so.1'))\n"
        "    library.zlibVersion.restype = ctypes.c_char_p\n"
        "    return library.zlibVersion().decode()\n"
    )
    return make_package(
        channel,
        name,
        "2.0",
        build="pyh0",
        depends=("python", native),
        noarch="python",
        entry_points=[f"{name} = {stem}:native"],
        files={
            f"site-packages/{stem}/__init__.py": code,
            f"site-packages/{stem}-2.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n",
            f"site-packages/{stem}-2.0.dist-info/INSTALLER": "conda",
        },
    )


def _beside(program: bytes, folder: str) -> bytes:
    """`program` looks for its libraries in ../lib, as conda's own do, where it was linked to look into `folder`."""
    new = b"$ORIGIN/../lib"
    old = folder.encode()
    return program.replace(old + b"\0", new.ljust(len(old), b"\0") + b"\0") if len(old) >= len(new) else program
