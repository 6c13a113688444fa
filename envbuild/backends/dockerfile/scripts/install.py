"""Runs inside the build: unpack the locked wheels into an environment, as files that are the same on every machine.

install.json names the wheels of each layer, lowest first. Of two files with one path that of the later layer stays,
and inside a layer that of the later wheel. A wheel is not trusted: it writes to its own place and nowhere else.
Plain Python 3.8 or later, and the `installer` library, whose wheel lies beside this file.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import posixpath
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

BUILD = Path(__file__).resolve().parent
WHEELS = Path("/wheels")  # where fetch.py has put what it fetched
sys.path[:0] = map(str, BUILD.glob("installer-*.whl"))

from installer import install  # noqa: E402
from installer.destinations import WheelDestination  # noqa: E402
from installer.records import Hash, RecordEntry  # noqa: E402
from installer.sources import WheelFile  # noqa: E402
from installer.utils import canonicalize_name  # noqa: E402

if TYPE_CHECKING:
    from installer.scripts import ScriptSection
    from installer.sources import WheelContentElement
    from installer.utils import Scheme

# What makes the folder a virtual environment is not a wheel's to write.
RESERVED = re.compile(r"pyvenv\.cfg|lib64|bin/python(\d+(\.\d+)?)?|lib/python[^/]*")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
HASHES = ("sha256", "sha384", "sha512", "sha1", "md5", "sha224")
SCRIPT = """\
#!{interpreter}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


class Unsafe(Exception):  # noqa: N818 - never seen outside
    """A wheel is damaged, or would write where it must not."""


class Wheel(WheelFile):
    """A wheel whose names have been checked; its files come sorted by path, without those that `wanted` refuses."""

    def __init__(self, archive: zipfile.ZipFile, filename: str, wanted: Callable[[str], bool]) -> None:
        archive.filename = filename  # installer reads name and version from it
        super().__init__(archive)
        self._archive = archive
        self._wanted = wanted
        self._items = _checked_items(archive)
        name = canonicalize_name(self.distribution)
        tops = sorted({path.split("/", 1)[0] for path in self._items if "/" in path})
        data = [top for top in tops if top.endswith(".data") and canonicalize_name(top.rpartition("-")[0]) == name]
        if len(data) > 1:
            raise Unsafe(f"it has more than one data folder: {', '.join(data)}")
        self._data_dir = data[0] if data else f"{self.distribution}-{self.version}.data"

    @property
    def data_dir(self) -> str:
        """The folder `<name>-<version>.data`, as the wheel itself spells it."""
        return self._data_dir

    @property
    def dist_info_filenames(self) -> list[str]:
        """The names in the dist-info folder."""
        start = self.dist_info_dir + "/"
        return [path[len(start) :] for path in self._items if path.startswith(start)]

    def read_dist_info(self, filename: str) -> str:
        """A metadata file as text."""
        path = f"{self.dist_info_dir}/{filename}"
        if path not in self._items:
            raise Unsafe(f"it has no {path}")
        return self._archive.read(self._items[path]).decode("utf-8")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """The files to lay down."""
        own = {f"{self.dist_info_dir}/INSTALLER", f"{self.dist_info_dir}/RECORD"}
        for path, item in self._items.items():
            if path in own or not self._wanted(path) or "__pycache__" in path.split("/"):
                continue
            if path.startswith(self.data_dir + "/") and path.count("/") < 2:
                raise Unsafe(f"{path} belongs to no scheme")
            mode = item.external_attr >> 16
            with self._archive.open(item) as stream:
                yield (path, "", ""), cast("BinaryIO", stream), stat.S_ISREG(mode) and bool(mode & 0o111)

    def check_recorded(self) -> None:
        """Refuse a wheel with a file that is not what its RECORD says."""
        rows = csv.reader(self.read_dist_info("RECORD").splitlines())
        recorded = {row[0].replace("\\", "/"): row[1] for row in rows if len(row) > 1}
        for (path, _, _), stream, _ in self.get_contents():
            algorithm, _, value = recorded.get(path, "").partition("=")
            if algorithm and algorithm not in HASHES:
                raise Unsafe(f"{path} has a hash of the unknown kind {algorithm!r} in RECORD")
            if value and _hash(stream, algorithm)[0] != value.rstrip("="):
                raise Unsafe(f"{path} has another hash than RECORD says")


class Folder(WheelDestination):
    """Writes one wheel below `prefix`. A path in `taken` belongs to another wheel, and is left to it."""

    def __init__(self, prefix: str, wheel: Wheel, taken: set[str]) -> None:
        python = "python{}.{}".format(*sys.version_info[:2])
        site = f"lib/{python}/site-packages"
        self._prefix = Path(prefix)
        self._wheel = wheel
        self._taken = taken
        self._interpreter = f"{prefix}/bin/python"
        headers = f"include/site/{python}/{wheel.distribution}"
        self._folders = {"purelib": site, "platlib": site, "scripts": "bin", "data": "", "headers": headers}
        self._written: dict[str, bool] = {}  # path -> whether it is an entry point
        self._records: dict[str, RecordEntry] = {}

    def write_script(self, name: str, module: str, attr: str, section: ScriptSection) -> RecordEntry:
        """The launcher of an entry point."""
        if "/" in name:
            raise Unsafe(f"the entry point {name!r} would be outside bin")
        text = SCRIPT.format(interpreter=self._interpreter, module=module, name=attr.split(".")[0], attribute=attr)
        return self._write("scripts", name, io.BytesIO(text.encode()), executable=True, entry_point=True)

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """A file of the wheel, or of the metadata that goes with it."""
        return self._write(scheme, os.fspath(path), stream, executable=is_executable or scheme == "scripts")

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """RECORD: what was laid down and nothing else, by path."""
        home = self._folders[scheme]
        rows = [(posixpath.relpath(p, home), str(r.hash_), str(r.size)) for p, r in self._records.items()]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(sorted([*rows, (record_file_path, "", "")]))
        self._write(scheme, record_file_path, io.BytesIO(text.getvalue().encode()), executable=False)

    def _write(
        self, scheme: str, path: str, stream: BinaryIO, *, executable: bool, entry_point: bool = False
    ) -> RecordEntry:
        inside = posixpath.join(self._folders[scheme], path)
        nothing = RecordEntry(path, None, None)
        if self._written.get(inside) and scheme == "scripts":
            return nothing  # as pip does: a declared entry point goes before a packed script of its name
        self._check(path, inside)
        self._written[inside] = entry_point
        if inside in self._taken:
            return nothing
        self._taken.add(inside)
        if scheme == "scripts":
            content = stream.read()
            if content.startswith(b"#!python"):  # the placeholder of the wheel format
                content = f"#!{self._interpreter}\n".encode() + content.partition(b"\n")[2]
            stream = io.BytesIO(content)
        value, size = _put(self._prefix / inside, stream, 0o755 if executable else 0o644)
        self._records[inside] = RecordEntry(path, Hash("sha256", value), size)
        return self._records[inside]

    def _check(self, path: str, inside: str) -> None:
        """Refuse what is not the wheel's own place."""
        _check_path(inside)
        if inside in self._written:
            raise Unsafe(f"{inside} would be written twice")
        site = self._folders["purelib"] + "/"
        top = inside[len(site) :].split("/")[0] if inside.startswith(site) else ""
        if RESERVED.fullmatch(inside) or (top.endswith(".dist-info") and top != self._wheel.dist_info_dir):
            raise Unsafe(f"{path} would replace {inside}, which is not the wheel's own")


def _checked_items(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The plain files, sorted by path."""
    items: dict[str, zipfile.ZipInfo] = {}
    for item in archive.infolist():
        name = item.filename[:-1] if item.is_dir() else item.filename
        if UNPRINTABLE.search(name) or item.orig_filename != item.filename:
            raise Unsafe(f"{name!r} is not a portable path")
        _check_path(name)
        if stat.S_IFMT(item.external_attr >> 16) not in (0, stat.S_IFDIR if item.is_dir() else stat.S_IFREG):
            raise Unsafe(f"{name!r} is a link or a special file")
        twin = items.get(name)
        if twin and (twin.CRC, twin.file_size) != (item.CRC, item.file_size):
            raise Unsafe(f"{name!r} is in the archive twice, with different contents")
        if not item.is_dir():
            items[name] = item
    return {name: items[name] for name in sorted(items)}


def _check_path(path: str) -> None:
    for part in path.split("/"):
        if part in ("", ".", "..") or part.startswith(".wh.") or len(part.encode("utf-8", "replace")) > 255:
            raise Unsafe(f"{path!r} is not a path that an image layer can hold")


def _put(target: Path, stream: BinaryIO, mode: int) -> tuple[str, int]:
    """Write one file in place of whatever a lower layer has there; its hash and size."""
    _make_folder(target.parent)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    elif target.exists() or target.is_symlink():
        target.unlink()
    with target.open("xb") as out:
        found = _hash(stream, "sha256", out)
    target.chmod(mode)
    return found


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    if folder.exists() or folder.is_symlink():
        folder.unlink()
    folder.mkdir(mode=0o755)


def _hash(stream: BinaryIO, algorithm: str, out: BinaryIO | None = None) -> tuple[str, int]:
    """The hash as RECORD spells it, and the size, of what `stream` gives; a copy goes to `out`."""
    hasher, size = hashlib.new(algorithm), 0
    for chunk in iter(lambda: stream.read(1 << 20), b""):
        hasher.update(chunk)
        size += len(chunk)
        if out is not None:
            out.write(chunk)
    return base64.urlsafe_b64encode(hasher.digest()).decode("ascii").rstrip("="), size


def _wanted(given: dict[str, Any], filename: str) -> Callable[[str], bool]:
    """Tells which paths of a wheel are laid down."""
    name = re.sub(r"[-_.]+", "-", filename.partition("-")[0]).lower()
    keep = given["left_out"].get(name)
    if keep is None:
        return lambda path: True
    return lambda path: given["left_out_folder"] not in path.split("/")[1:-1] or path in keep


def _at_hand() -> dict[str, Path]:
    """Every wheel by its sha256: those that were fetched, and those that came with the context."""
    paths = [path for folder in (WHEELS, BUILD / "wheels") for path in folder.glob("*.whl")]
    found = {}
    for path in paths:
        hasher = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                hasher.update(chunk)
        found[hasher.hexdigest()] = path
    return found


def main() -> None:
    """Unpack every wheel that install.json names."""
    given = json.loads((BUILD / "install.json").read_text(encoding="utf-8"))
    os.umask(0o022)
    at_hand = _at_hand()
    for layer in given["layers"]:
        taken: set[str] = set()
        # The last wheel goes first: whatever path is taken already belongs to a wheel that wins.
        for row in reversed(layer):
            if row["sha256"] not in at_hand:
                sys.exit(f"{row['file']} is not there, or has another hash than the lock says")
            try:
                with zipfile.ZipFile(at_hand[row["sha256"]]) as archive:
                    wheel = Wheel(archive, row["file"], _wanted(given, row["file"]))
                    wheel.check_recorded()
                    install(wheel, Folder(given["prefix"], wheel, taken), {"INSTALLER": b"envbuild\n"})
            except Exception as error:
                sys.exit(f"{row['file']} must not be laid down: {error or type(error).__name__}")
    sys.stdout.write(f"{sum(map(len, given['layers']))} wheels unpacked\n")


if __name__ == "__main__":
    main()
