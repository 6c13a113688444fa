"""What wheels and a standard library hold that Python can import, by path."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import IntegrityError, StorageError
from ...oci.dead_weight import dead_weight

if TYPE_CHECKING:
    from ...oci.wheel import WheelSource

# Not part of the standard library, though they lie in its folder.
_FOREIGN = frozenset({"site-packages", "dist-packages", "__pycache__"})
_EXTENSIONS = "lib-dynload/"


class WheelModules:
    """The .py and .so files that a wheel lays into site-packages; a context manager, open until its exit.

    `paths` are relative to site-packages, sorted. What the image leaves out as dead weight is not among them,
    unless `keep_tests`. StorageError, IntegrityError: the wheel cannot be read.
    """

    def __init__(self, wheel: WheelSource, *, keep_tests: bool) -> None:
        self._filename = wheel.filename
        try:
            self._archive = zipfile.ZipFile(wheel.path)
        except OSError as error:
            raise StorageError(f"{wheel.path} cannot be read: {error.strerror or error}") from error
        except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from error
        useless = (lambda path: False) if keep_tests else dead_weight(wheel.filename.partition("-")[0])
        self._members = {
            path: name
            for name in self._archive.namelist()
            if name.endswith((".py", ".so")) and not useless(name) and (path := _in_site_packages(name))
        }
        self.paths = tuple(sorted(self._members))

    def __enter__(self) -> WheelModules:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def read(self, path: str) -> bytes:
        """The file at `path`."""
        name = self._members[path]
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise self._damaged(f"{name}: {error}") from error

    def _damaged(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"{self._filename} cannot be read: {what}", hint="run `envbuild cache verify`, then build again"
        )


class StdlibModules:
    """The .py and .so files of the standard library in `folder`; `paths` are relative to it, sorted.

    Symbolic links are left out: they lead to configuration elsewhere in the base.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found: list[str] = []
        for top, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if name not in _FOREIGN]
            below = os.path.relpath(top, folder)
            start = "" if below == "." else below + "/"
            found += [
                start + name for name in files if name.endswith((".py", ".so")) and not Path(top, name).is_symlink()
            ]
        self.paths = tuple(sorted(found))

    def read(self, path: str) -> bytes:
        """The file at `path`. StorageError: it cannot be read."""
        file = self._folder / path
        try:
            return file.read_bytes()
        except OSError as error:
            raise StorageError(f"{file} cannot be read: {error.strerror or error}") from error


def module_name(path: str) -> tuple[str, bool]:
    """The dotted name of the module at `path`, relative to a folder of sys.path, and whether it is a package.

    `a/__init__.py` is the package `a`, `a/b.cpython-311-x86_64-linux-gnu.so` the module `a.b`.
    """
    parts = path.removeprefix(_EXTENSIONS).split("/")
    stem = parts.pop().partition(".")[0]
    return ".".join(parts if stem == "__init__" else [*parts, stem]), stem == "__init__"


def _in_site_packages(name: str) -> str:
    """Where the wheel's file `name` lands, relative to site-packages; empty if it lands elsewhere."""
    top, _, rest = name.partition("/")
    if top.endswith(".dist-info"):
        return ""
    if not top.endswith(".data"):
        return name
    scheme, _, path = rest.partition("/")
    return path if scheme in ("purelib", "platlib") else ""
