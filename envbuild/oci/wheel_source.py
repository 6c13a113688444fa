"""Reading a wheel that is not to be trusted: its names are checked first, its contents as they stream by.

The zip directory is read by `zipfile`; the entries are inflated by isal, which gives the same bytes as zlib in half
the time. No whole wheel and no large file is ever held in memory.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from installer.sources import WheelContentElement, WheelFile
from installer.utils import canonicalize_name
from isal import isal_zlib

from ..errors import IntegrityError, UnsafeWheelError
from .tar import check_path

# Declared as an instance in isal's stubs, it is a class.
inflate_error = cast("type[Exception]", isal_zlib.error)

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1
_CHUNK = 1 << 20
# WHEEL, RECORD and the like are read whole. The largest RECORD known is a few megabytes.
_LARGEST_METADATA = 64 << 20
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")


class EntryStream:
    """One file of a wheel, inflated while it is read, once.

    `path` is its place in the wheel, `size` what the zip directory declares. Reading beyond the last byte checks
    size, CRC and the hash that RECORD gives; `sha256` (as RECORD spells it) is known then. IntegrityError: they
    differ.
    """

    def __init__(self, wheel: str, file: BinaryIO, item: zipfile.ZipInfo, expected: str) -> None:
        self._where = f"{wheel}: {item.filename}"
        self._file = file
        self._item = item
        self._expected = expected
        self._hash = hashlib.sha256()
        self._other = _other_hash(expected, self._where)
        self._crc = 0
        self._got = 0
        self._raw_left = item.compress_size
        self._inflate = isal_zlib.decompressobj(-15) if item.compress_type == zipfile.ZIP_DEFLATED else None
        self._tail = b""
        self._checked = False
        self._position = _content_offset(file, item, self._where)
        self.path = item.filename
        self.size = item.file_size
        self.sha256 = ""

    def read(self, size: int = -1) -> bytes:
        """The next bytes: at most `size` of them, or all if it is negative; empty at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if self._checked or not size:
            return b""
        # One byte more than declared is asked for, so that an entry that inflates further is found out.
        data = self._next(min(size, self.size - self._got + 1))
        if not data:
            self._check()
            return b""
        self._got += len(data)
        if self._got > self.size:
            raise UnsafeWheelError(
                f"{self._where} inflates beyond the {self.size} bytes that the archive declares",
                hint="the wheel was made to mislead; do not use it",
            )
        self._hash.update(data)
        self._crc = isal_zlib.crc32(data, self._crc)
        if self._other is not None:
            self._other.update(data)
        return data

    def _next(self, size: int) -> bytes:
        """More content, empty only at the end."""
        if not self._inflate:
            return self._raw(size)
        while not self._inflate.eof:
            raw = self._tail or self._raw(_CHUNK)
            data = self._inflate.decompress(raw, size)
            self._tail = self._inflate.unconsumed_tail
            if data or not raw:
                return data
        return b""

    def _raw(self, size: int) -> bytes:
        self._file.seek(self._position)
        data = self._file.read(min(size, self._raw_left))
        self._position += len(data)
        self._raw_left = self._raw_left - len(data) if data else 0
        return data

    def _check(self) -> None:
        self._checked = True
        self.sha256 = spell_hash(self._hash.digest())
        if self._got != self.size or self._crc != self._item.CRC:
            raise IntegrityError(f"{self._where} is damaged: size or checksum differ from the archive's directory")
        algorithm, _, value = self._expected.partition("=")
        found = self.sha256 if self._other is None else spell_hash(self._other.digest())
        if value and value.rstrip("=") != found:
            raise IntegrityError(
                f"{self._where} has the {algorithm} hash {found}, but RECORD says {value}",
                hint="the wheel was changed after it was made; take another release of the package",
            )


class Wheel(WheelFile):
    """An installer source over an open zip whose names have been checked.

    UnsafeWheelError: an entry would leave its place or is no plain file. IntegrityError: it cannot be read.
    """

    def __init__(self, archive: zipfile.ZipFile, filename: str, leave_out: Callable[[str], bool]) -> None:
        archive.filename = filename  # installer reads name and version from it; the file itself is named by hash
        super().__init__(archive)
        self.filename = filename
        self._file = cast("BinaryIO", archive.fp)
        self._leave_out = leave_out
        self._items = _checked_items(archive, filename)
        self._data_dir = self._find_data_dir()

    @property
    def dist_info_filenames(self) -> list[str]:
        """The names in the dist-info folder."""
        start = self.dist_info_dir + "/"
        return [item.filename[len(start) :] for item in self._items if item.filename.startswith(start)]

    @property
    def data_dir(self) -> str:
        """The folder `<name>-<version>.data`, as the wheel itself spells it."""
        return self._data_dir

    def _find_data_dir(self) -> str:
        tops = {item.filename.split("/", 1)[0] for item in self._items if "/" in item.filename}
        found = sorted(top for top in tops if top.endswith(".data") and "-" in top)
        name = canonicalize_name(self.distribution)
        mine = [top for top in found if canonicalize_name(top.rsplit("-", 1)[0]) == name]
        if len(mine) > 1:
            raise UnsafeWheelError(f"{self.filename} has more than one data folder: {', '.join(mine)}")
        return mine[0] if mine else f"{self.distribution}-{self.version}.data"

    def read_dist_info(self, filename: str) -> str:
        """A metadata file as text."""
        path = f"{self.dist_info_dir}/{filename}"
        for item in self._items:
            if item.filename == path:
                if item.file_size > _LARGEST_METADATA:
                    raise UnsafeWheelError(f"{self.filename}: {path} is {item.file_size} bytes long")
                return EntryStream(self.filename, self._file, item, "").read().decode("utf-8")
        raise IntegrityError(f"{self.filename} has no {path}", hint="the file is not a complete wheel")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """The files to lay down, sorted by path, whatever their order in the zip."""
        recorded = self._recorded()
        own = {f"{self.dist_info_dir}/INSTALLER", f"{self.dist_info_dir}/RECORD"}
        for item in self._items:
            path = item.filename
            if path in own or self._leave_out(path) or "__pycache__" in path.split("/"):
                continue
            if path.startswith(self.data_dir + "/") and path.count("/") < 2:
                raise UnsafeWheelError(f"{self.filename}: {path} belongs to no scheme")
            stream = EntryStream(self.filename, self._file, item, recorded.get(path, ""))
            mode = item.external_attr >> 16
            executable = stat.S_ISREG(mode) and bool(mode & 0o111)
            yield (path, "", ""), cast("BinaryIO", stream), executable

    def _recorded(self) -> dict[str, str]:
        """Path -> `algorithm=value`, as RECORD has it."""
        rows = csv.reader(self.read_dist_info("RECORD").splitlines())
        return {row[0].replace("\\", "/"): row[1] for row in rows if len(row) > 1}


def _checked_items(archive: zipfile.ZipFile, filename: str) -> list[zipfile.ZipInfo]:
    """The plain files, sorted by path."""
    entries = archive.infolist()
    if sum(item.compress_size for item in entries) > os.fstat(cast("BinaryIO", archive.fp).fileno()).st_size:
        raise UnsafeWheelError(
            f"{filename} has entries that share their bytes",
            hint="the wheel was made to fill the disk; do not use it",
        )
    items: dict[str, zipfile.ZipInfo] = {}
    for item in entries:
        where = f"{filename}: {item.filename!r}"
        name = item.filename[:-1] if item.is_dir() else item.filename
        try:
            if _UNPRINTABLE.search(name) or item.orig_filename != item.filename:
                raise IntegrityError("the name is not a portable path")
            check_path(name)
        except IntegrityError as error:
            raise UnsafeWheelError(
                f"{where} must not be in a wheel: {error.message}",
                hint="do not use this wheel; take another release of the package",
            ) from None
        kind = stat.S_IFMT(item.external_attr >> 16)
        if kind not in (0, stat.S_IFDIR if item.is_dir() else stat.S_IFREG):
            raise UnsafeWheelError(
                f"{where} is a link or a special file, which must not be in a wheel",
                hint="do not use this wheel; take another release of the package",
            )
        if item.is_dir():
            continue
        if item.flag_bits & _ENCRYPTED or item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise IntegrityError(f"{where} is encrypted or compressed in a way that wheels do not use")
        twin = items.get(name)
        if twin and (twin.CRC, twin.file_size) != (item.CRC, item.file_size):
            raise UnsafeWheelError(f"{where} is in the archive twice, with different contents")
        items[name] = item
    return [items[name] for name in sorted(items)]


def _content_offset(file: BinaryIO, item: zipfile.ZipInfo, where: str) -> int:
    """Where the compressed bytes begin. The local header must agree with the directory on the name."""
    file.seek(item.header_offset)
    head = file.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size or not head.startswith(b"PK\x03\x04"):
        raise IntegrityError(f"{where} is damaged: it has no header")
    fields: tuple[int, ...] = _LOCAL_HEADER.unpack(head)[1:]
    flags, name_size, extra_size = fields[1], fields[-2], fields[-1]
    name = file.read(name_size).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    if name != item.orig_filename:
        raise UnsafeWheelError(f"{where} is named {name!r} in its own header")
    return item.header_offset + _LOCAL_HEADER.size + name_size + extra_size


def _other_hash(expected: str, where: str) -> hashlib._Hash | None:
    """A hash object if RECORD uses another algorithm than SHA-256."""
    algorithm = expected.partition("=")[0]
    if algorithm in ("", "sha256"):
        return None
    if algorithm not in ("sha384", "sha512", "sha1", "md5", "sha224"):
        raise IntegrityError(f"{where} has a hash of the unknown kind {algorithm!r} in RECORD")
    return hashlib.new(algorithm, usedforsecurity=False)


def spell_hash(digest: bytes) -> str:
    """A hash as RECORD spells it."""
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
