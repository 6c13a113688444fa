"""What a build left: taken with care, checked for being the package that was asked for, and written anew.

The same content gives the same bytes: members in one order, of one time, with the two modes that matter.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import IntegrityError, SourceBuildError
from ...oci.disk import storage_errors
from ...patterns import pattern
from ...records import dataclass
from .sandbox import Limits

_NAMED = pattern(r"[\w.+!-]+\.whl")
_TIME = (1980, 1, 1, 0, 0, 0)
_METADATA = 4 << 20  # bytes of a METADATA that are read
_SMALL = 1 << 20
# What reading a damaged archive raises. An OSError with a number is the disk's, one without is that of bz2.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel by its file name. `name` is canonical, `pure` tells that its only tag is `py3-none-any` or its like."""

    filename: str
    name: str
    version: str
    tags: frozenset[str]

    @property
    def pure(self) -> bool:
        """Whether it runs on every Python 3 and every platform."""
        return "py3-none-any" in self.tags


@contextmanager
def taken(out: Path, limits: Limits, what: str) -> Iterator[tuple[IO[bytes], str]]:
    """The one wheel in the folder `out`, as a copy that nobody else can write, open, and its name.

    Raises SourceBuildError where there is none, one too many, one too large or none to be read, IntegrityError for what
    is no file. Nothing is followed: whoever wrote there could have laid links to files of this machine.
    """
    try:
        found = sorted(path for path in out.iterdir() if path.name.endswith(".whl"))
    except OSError as error:
        raise SourceBuildError(f"{what}: the build left a folder that cannot be read: {error.strerror}") from None
    if len(found) != 1:
        names = f": {', '.join(path.name[:80] for path in found[:3])}" if found else ""
        raise SourceBuildError(f"{what}: the build left {len(found)} wheels and should leave one{names}")
    try:
        descriptor = os.open(found[0], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise IntegrityError(f"{what}: what the build left cannot be read: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise IntegrityError(f"{what}: what the build left under the name of a wheel is no file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > limits.wheel:
            raise SourceBuildError(f"{what}: the wheel has {status.st_size} bytes, and {limits.wheel} are allowed")
        copy = out.with_name("taken")
        with storage_errors(copy), copy.open("x+b") as own:
            left = limits.wheel
            while left and (chunk := file.read(min(_SMALL, left))):
                own.write(chunk)
                left -= len(chunk)
            yield own, found[0].name


def named(filename: str, what: str) -> Wheel:
    """The wheel that a file name stands for. Raises SourceBuildError for what is none."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        if not _NAMED.fullmatch(filename):
            raise InvalidWheelFilename(f"{filename[:120]!r} is no file name")
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise SourceBuildError(f"{what}: the build left no wheel: {error}") from None
    return Wheel(filename=filename, name=str(name), version=str(version), tags=frozenset(map(str, tags)))


def check_named(file: IO[bytes], wheel: Wheel, name: str, version: str, what: str) -> None:
    """Raise IntegrityError unless `wheel`, by name and by METADATA, is the package `name`, of `version` if given."""
    from packaging.utils import canonicalize_name

    try:
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            places = [each for each in archive.namelist() if _is_info(each, "METADATA")]
            if len(places) != 1:
                raise IntegrityError(f"{what}: the build left no wheel: it has {len(places)} files METADATA")
            with archive.open(places[0]) as member:
                text = member.read(_METADATA).decode("utf-8", "replace")
    except (*DAMAGED, OSError) as error:
        raise IntegrityError(f"{what}: the build left no wheel: {error}") from None
    said: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        said.setdefault(key.strip().lower(), value.strip())
    names = {wheel.name, str(canonicalize_name(said.get("name", "")))}
    versions = {_canonical(each) for each in (wheel.version, said.get("version", ""), version) if each}
    if names != {name} or len(versions) != 1 or not said.get("version"):
        got = f"{said.get('name', '?')[:80]} {said.get('version', '?')[:40]} in {wheel.filename[:120]}"
        raise IntegrityError(
            f"{what}: the build gave another package than the one asked for: {got}",
            hint="do not trust this source: a build chooses its own name, and this one took another's",
        )


def _canonical(version: str) -> str:
    """A version as all ways to write it are compared; what is none, as it stands."""
    from packaging.utils import canonicalize_version

    try:
        return str(canonicalize_version(version))
    except ValueError:  # a number of more digits than Python reads
        return version


def rewritten(file: IO[bytes], target: Path, limit: int, what: str) -> tuple[str, int]:
    """Write the wheel to `target`, and give its sha256 (hex) and size.

    Raises IntegrityError for a damaged one, SourceBuildError for one whose files have more than `limit` bytes.
    """
    file.seek(0)
    whole = 0
    try:
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(target, "w") as out:
            members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            _check_size(sum(info.file_size for info in members.values()), limit, what)
            record = next((name for name in members if _is_info(name, "RECORD")), "")
            rows: list[tuple[str, str, str]] = []
            for name in sorted(members, key=lambda each: (".dist-info/" in each, each)):
                if name == record:
                    continue
                mode = 0o755 if (members[name].external_attr >> 16) & 0o111 else 0o644
                with archive.open(members[name]) as source, out.open(_member(name, mode), "w", force_zip64=True) as to:
                    digest, size = hashlib.sha256(), 0
                    while chunk := source.read(_SMALL):
                        digest.update(chunk)
                        size += len(chunk)
                        _check_size(whole + size, limit, what)
                        to.write(chunk)
                whole += size
                shown = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
                rows.append((name, f"sha256={shown}", str(size)))
            if record:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
                out.writestr(_member(record, 0o644), text.getvalue())
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise IntegrityError(f"{what}: the build left no sound wheel: {error}") from None
    total = hashlib.sha256()
    with target.open("rb") as written:
        while chunk := written.read(_SMALL):
            total.update(chunk)
        return total.hexdigest(), written.tell()


def _is_info(name: str, file: str) -> bool:
    """Whether a member is that file of the wheel's own description, and not of one that it carries."""
    return name.endswith(f".dist-info/{file}") and name.count("/") == 1


def _check_size(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise SourceBuildError(f"{what}: the wheel unpacks to more than {limit} bytes, which is what is allowed")


def _member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = (stat.S_IFREG | mode) << 16
    info.create_system = 3
    # Not compressed: compressors differ from machine to machine, and a layer is compressed by itself.
    info.compress_type = zipfile.ZIP_STORED
    return info
