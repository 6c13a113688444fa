"""Where installer puts a wheel's files: into a layer."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import posixpath
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from installer.destinations import WheelDestination
from installer.records import Hash, RecordEntry
from installer.utils import Scheme

from ..errors import IntegrityError, UnsafeWheelError
from .tar import LayerTar, check_path
from .wheel_source import EntryStream, Wheel, spell_hash

if TYPE_CHECKING:
    from installer.scripts import ScriptSection

# What makes the prefix a virtual environment is not a wheel's to write.
_RESERVED = re.compile(r"pyvenv\.cfg|lib64|bin/python(\d+(\.\d+)?)?|lib/python[^/]*")
# Up to this size a file is held in memory and written with its header in one piece.
_SMALL = 1 << 20
# Scripts may need another first line, so they are held up to a larger size; beyond it they are binaries.
_SMALL_SCRIPT = 16 << 20
_SCRIPT = """\
#!{interpreter}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


class LayerDestination(WheelDestination):
    """Writes one wheel into `tar`. A path that `tar` has already is another wheel's, and is left to it."""

    def __init__(self, tar: LayerTar, source: Wheel, *, prefix: str, python: str) -> None:
        self._tar = tar
        self._source = source
        self._prefix = prefix
        self._interpreter = f"/{prefix}/bin/python"
        site = f"lib/python{python}/site-packages"
        self._folders = {
            "purelib": site,
            "platlib": site,
            "scripts": "bin",
            "data": "",
            "headers": f"include/site/python{python}/{source.distribution}",
        }
        self._written: dict[str, str] = {}  # path -> which entry of this wheel it came from
        self._records: dict[str, RecordEntry] = {}

    def write_script(self, name: str, module: str, attr: str, section: ScriptSection) -> RecordEntry:
        """The launcher of an entry point. Its text is ours, so that no release of a tool changes a layer."""
        if "/" in name:
            raise self._unsafe(f"the entry point {name!r}", "it would be outside bin")
        text = _SCRIPT.format(interpreter=self._interpreter, module=module, name=attr.split(".")[0], attribute=attr)
        return self._write("scripts", name, io.BytesIO(text.encode()), executable=True, generated=True)

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """A file of the wheel, or of the metadata that goes with it."""
        executable = is_executable or scheme == "scripts"
        return self._write(scheme, os.fspath(path), stream, executable=executable)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """RECORD: what was laid down and nothing else, by path."""
        home = f"{self._folders[scheme]}"
        rows = [
            (posixpath.relpath(path, home), f"{record.hash_}", f"{record.size}")
            for path, record in self._records.items()
        ]
        rows.append((record_file_path, "", ""))
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(sorted(rows))
        self._write(scheme, record_file_path, io.BytesIO(text.getvalue().encode()), executable=False)

    def _write(
        self, scheme: str, path: str, stream: BinaryIO, *, executable: bool, generated: bool = False
    ) -> RecordEntry:
        inside = posixpath.join(self._folders[scheme], path)
        target = f"{self._prefix}/{inside}"
        entry: object = stream
        name = entry.path if isinstance(entry, EntryStream) else path
        nothing = RecordEntry(path, None, None)
        if self._written.get(inside) == "entry point" and scheme == "scripts":
            return nothing  # as pip does: a declared entry point goes before a packed script of its name
        self._check(name, inside)
        self._written[inside] = "entry point" if generated else "file"
        if target in self._tar:
            return nothing
        try:
            record = self._put(target, path, stream, 0o755 if executable else 0o644, scheme == "scripts")
        except IntegrityError as error:
            if self._source.filename in error.message:
                raise
            raise self._unsafe(name, error.message) from None
        self._records[inside] = record
        return record

    def _check(self, name: str, inside: str) -> None:
        """Refuse what is not the wheel's own place."""
        try:
            check_path(inside)
        except IntegrityError as error:
            raise self._unsafe(name, error.message) from None
        if inside in self._written:
            raise self._unsafe(name, f"{inside} would be written twice")
        foreign = False
        site = self._folders["purelib"] + "/"
        if inside.startswith(site):
            top = inside[len(site) :].split("/")[0]
            foreign = top.endswith(".dist-info") and top != self._source.dist_info_dir
        if foreign or _RESERVED.fullmatch(inside):
            raise self._unsafe(name, f"it would replace {inside}, which is not the wheel's own")

    def _unsafe(self, name: str, why: str) -> UnsafeWheelError:
        return UnsafeWheelError(
            f"{self._source.filename}: {name} must not be laid down: {why}",
            hint="do not use this wheel; take another release of the package",
        )

    def _put(self, target: str, path: str, stream: BinaryIO, mode: int, script: bool) -> RecordEntry:
        """Write one file and tell its hash and size."""
        entry: object = stream
        if isinstance(entry, EntryStream) and entry.size > (_SMALL_SCRIPT if script else _SMALL):
            self._tar.file(target, stream, entry.size, mode)
            return RecordEntry(path, Hash("sha256", entry.sha256), entry.size)
        content = stream.read()
        if script:
            content = _with_shebang(content, self._interpreter)
        self._tar.data(target, content, mode)
        if isinstance(entry, EntryStream) and not script:
            value = entry.sha256
        else:
            value = spell_hash(hashlib.sha256(content).digest())
        return RecordEntry(path, Hash("sha256", value), len(content))


def _with_shebang(content: bytes, interpreter: str) -> bytes:
    """A packed script with the placeholder `#!python` replaced, as the wheel format asks."""
    if not content.startswith(b"#!python"):
        return content
    return f"#!{interpreter}\n".encode() + content.partition(b"\n")[2]
