"""One wheel looked through without unpacking it: names from its directory, METADATA, and the heads of its ELF files."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from ..oci.elf import MACHINES, Dynamic, read_dynamic
from ..patterns import pattern
from .types import LockedPackage, WheelContents

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CHUNK, _RAW = 1 << 18, 1 << 16
_ENCRYPTED = 1
_LARGEST_METADATA = 16 << 20
_LIBRARY = pattern(r"[^/]+\.so(?:\.[0-9A-Za-z_.-]+)?")
_COMPILED = pattern(r"\.(?:abi3|cpython-(?P<version>3\d+)[a-z]*(?:-[\w-]+)?)\Z")
# A library for another C library than the image's is never loaded in it.
_OTHER_LIBC = ("libc.musl-", "ld-musl-")
_GLIBC = frozenset({"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1"})


def read_wheel(path: Path, package: LockedPackage, *, python: str, machine: str) -> WheelContents | None:
    """What the wheel at `path` holds for `python` (`3.11.2`) on `machine` (`x86_64`); None where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name: item for item in archive.infolist() if not (name := item.filename).endswith("/")}
            libraries = _libraries(archive, names, MACHINES.get(machine, 0))
            requires = _requires(archive, names)
        size = path.stat().st_size
    except (OSError, zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, EOFError):
        return None
    digits = "".join(python.split(".")[:2])
    modules = {name: module for name in names if (module := module_of(name, digits))}
    carried = {asked: name for name, found in libraries.items() for asked in (found.soname, name.rpartition("/")[2])}
    carried.pop("", None)
    return WheelContents(
        name=package.name,
        version=package.version,
        modules=frozenset(modules.values()),
        requires=requires,
        needed=frozenset(a for found in libraries.values() for a in found.needed if a not in carried),
        provided=frozenset(carried),
        askers=tuple(sorted(_askers(libraries, carried, modules))),
        size=size,
    )


def _askers(
    libraries: Mapping[str, Dynamic], carried: Mapping[str, str], modules: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Pairs of a library that the wheel lacks, and a file that cannot be loaded without it.

    Such a file is a compiled module, or a library that no other of the wheel asks for: what these ask for, directly or
    through the wheel's own libraries, the loader must find.
    """
    inside = {name: [carried[a] for a in found.needed if a in carried] for name, found in libraries.items()}
    asked_for = {other for name, others in inside.items() for other in others if other != name}
    for root in libraries:
        if root not in modules and root in asked_for:
            continue
        missing: set[str] = set()
        reached, waiting = {root}, [root]
        while waiting:
            name = waiting.pop()
            missing.update(a for a in libraries[name].needed if a not in carried and not _of_glibc(a))
            new = [other for other in inside[name] if other not in reached]
            reached.update(new)
            waiting += new
        yield from ((library, root) for library in missing)


def _of_glibc(library: str) -> bool:
    """Whether any system with glibc has it: those are not worth a line for each of hundreds of files."""
    return library in _GLIBC or library.startswith("ld-linux")


def module_of(name: str, digits: str) -> str:
    """The dotted name of the module that a wheel's file is for Python `digits` (`311`); empty if it is none.

    `a/__init__.py` is the package `a`, `a/b.cpython-311-x86_64-linux-gnu.so` the module `a.b`.
    """
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix not in ("py", "so", "pyc"):
        return ""
    parts = stem.split("/")
    if parts[0].endswith((".data", ".dist-info")):
        if parts[0].endswith(".dist-info") or len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
            return ""
        parts = parts[2:]
    if suffix == "so" and "." in parts[-1]:
        built_for = _COMPILED.search(parts[-1])
        if built_for is None or built_for["version"] not in (None, digits):
            return ""
        parts[-1] = parts[-1][: built_for.start()]
    if parts[-1] == "__init__":
        parts.pop()
    return (
        ".".join(parts) if parts and all(part.isidentifier() for part in parts) and "__pycache__" not in parts else ""
    )


def _libraries(archive: zipfile.ZipFile, names: Mapping[str, zipfile.ZipInfo], machine: int) -> dict[str, Dynamic]:
    """The shared libraries among the files, by path."""
    found: dict[str, Dynamic] = {}
    file = cast("BinaryIO", archive.fp)
    for name, item in names.items():
        if ".so" not in name or not _LIBRARY.fullmatch(name.rpartition("/")[2]):
            continue
        dynamic = read_dynamic(partial(_inflated, file, item))
        if dynamic is None or dynamic.machine != machine:
            continue
        if not any(asked.startswith(_OTHER_LIBC) for asked in dynamic.needed):
            found[name] = dynamic
    return found


def _inflated(file: BinaryIO, item: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of one entry, in pieces, by isal: as far as they are asked for, at most what the directory says."""
    from isal import isal_zlib

    file.seek(item.header_offset)
    head = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    usual = item.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not item.flag_bits & _ENCRYPTED
    if head[0] != b"PK\x03\x04" or not usual:
        raise zipfile.BadZipFile(f"{item.filename} has no header, or is packed in a way that wheels do not use")
    position = item.header_offset + _LOCAL_HEADER.size + head[-2] + head[-1]
    inflate = isal_zlib.decompressobj(-15) if item.compress_type == zipfile.ZIP_DEFLATED else None
    raw_left, left, tail = item.compress_size, item.file_size, b""
    while left > 0:
        raw = tail
        if not raw and raw_left:
            file.seek(position)
            raw = file.read(min(_RAW, raw_left))
            position, raw_left = position + len(raw), raw_left - len(raw)
        try:
            data = inflate.decompress(raw, _CHUNK) if inflate else raw
        except cast("type[Exception]", isal_zlib.error) as error:  # declared as an instance in isal's stubs
            raise zipfile.BadZipFile(f"{item.filename} cannot be inflated: {error}") from error
        tail = inflate.unconsumed_tail if inflate else b""
        if not data and (not raw or (inflate and inflate.eof)):
            return
        left -= len(data)
        if data:
            yield data


def _requires(archive: zipfile.ZipFile, names: Mapping[str, zipfile.ZipInfo]) -> tuple[str, ...]:
    """The Requires-Dist lines of METADATA as they are written."""
    paths = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
    if not paths or names[paths[0]].file_size > _LARGEST_METADATA:
        raise zipfile.BadZipFile("the wheel has no METADATA")
    text = b"".join(_inflated(cast("BinaryIO", archive.fp), names[paths[0]]))
    if zlib.crc32(text) != names[paths[0]].CRC:
        raise zipfile.BadZipFile("METADATA is damaged")
    found = []
    for line in text.decode("utf-8", "replace").splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        if key.lower() == "requires-dist":
            found.append(value.strip())
    return tuple(found)
