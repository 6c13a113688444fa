"""Wheels become layers: each is unpacked straight into a tar, without an interpreter, a venv or root.

The layout is that of a virtual environment at `prefix`: modules in lib/pythonX.Y/site-packages, scripts in bin.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CorruptBlobError, IntegrityError, StorageError
from .layer import build_layer, remember_layer
from .store import Store
from .tar import LayerTar
from .types import Layer

_HEX = re.compile(r"[0-9a-f]{64}")
_INSTALLER = b"envbuild\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSource:
    """A wheel on disk. `path` may be a blob, named by hash; `filename` is the wheel's real name.

    `sha256` is hex; if it is empty and `path` is named by a hash, that is meant.
    """

    path: Path
    filename: str
    sha256: str = ""

    @property
    def expected(self) -> str:
        """The hash that the file must have, in hex; empty if none is known."""
        return self.sha256 or (self.path.name if _HEX.fullmatch(self.path.name) else "")


def write_wheels(tar: LayerTar, wheels: Sequence[WheelSource], *, prefix: str, python: str, keep_tests: bool) -> None:
    """Unpack `wheels` into `tar`, below `prefix` (`opt/envbuild`), for Python `python` (`3.11`).

    Where two wheels have the same path, the later one's file is laid down, and the earlier one's RECORD does
    not list it. Test folders of the packages in facts/dead_weight.json are left out, unless `keep_tests`.

    CorruptBlobError: a wheel has not the hash that its name or `sha256` says. UnsafeWheelError: it would write
    where it must not. IntegrityError: it is damaged, or contradicts its RECORD.
    """
    # The last wheel goes first: whatever path is taken already belongs to a wheel that wins.
    for wheel in reversed(wheels):
        _write_wheel(tar, wheel, prefix=prefix, python=python, keep_tests=keep_tests)


def write_wheel_layer(
    store: Store, key: str, wheels: Sequence[WheelSource], *, prefix: str, python: str, keep_tests: bool
) -> Layer:
    """One layer of `wheels`, in the store and remembered under `key`."""

    def write(tar: LayerTar) -> None:
        write_wheels(tar, wheels, prefix=prefix, python=python, keep_tests=keep_tests)

    layer = build_layer(store, write)
    remember_layer(store, key, layer)
    return layer


def build_wheel_layers(
    store: Store,
    jobs: Sequence[tuple[str, Sequence[WheelSource]]],
    *,
    prefix: str,
    python: str,
    keep_tests: bool,
    on_done: Callable[[str, Layer], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, Layer]:
    """Build a layer for each job (layer key, wheels); layers by key, in the order of the jobs.

    Large work is spread over worker processes, since unpacking holds the interpreter's lock. `on_done` is
    called as each layer is done, from any thread; `meanwhile` from this one, once, beside the processes or after
    the layers. Errors are its own and those of `write_wheels`, and StorageError if the
    disk is full or a worker is killed; layers that were done by then stay in the store.
    """
    from .wheel_pool import Task, run_tasks

    tasks = [Task(key=key, wheels=tuple(wheels)) for key, wheels in jobs]
    settings = {"prefix": prefix, "python": python, "keep_tests": keep_tests}
    done: dict[str, Layer] = {}

    def finished(key: str, layer: Layer) -> None:
        done[key] = layer
        if on_done:
            on_done(key, layer)

    run_tasks(store, tasks, settings, finished, meanwhile)
    return {key: done[key] for key, _ in jobs}


def _write_wheel(tar: LayerTar, wheel: WheelSource, *, prefix: str, python: str, keep_tests: bool) -> None:
    from configparser import Error as EntryPointsError

    from installer import install
    from installer.exceptions import InstallerError
    from installer.records import InvalidRecordEntry

    from .dead_weight import dead_weight
    from .wheel_destination import LayerDestination
    from .wheel_source import Wheel, inflate_error

    _check_hash(wheel)
    name = wheel.filename.partition("-")[0]
    leave_out = (lambda path: False) if keep_tests else dead_weight(name)
    try:
        with zipfile.ZipFile(wheel.path) as archive:
            source = Wheel(archive, wheel.filename, leave_out)
            destination = LayerDestination(tar, source, prefix=prefix, python=python)
            install(source, destination, {"INSTALLER": _INSTALLER})
    except OSError as error:
        raise StorageError(f"{wheel.path} cannot be read: {error.strerror or error}") from error
    except (
        *(zipfile.BadZipFile, struct.error, inflate_error, EOFError, NotImplementedError),
        # installer's own, and what it lets through for metadata that is not what it should be
        *(InstallerError, InvalidRecordEntry, EntryPointsError, ValueError),
        *(AssertionError, AttributeError, KeyError, IndexError),
    ) as error:
        raise IntegrityError(
            f"{wheel.filename} is not a complete wheel: {str(error) or type(error).__name__}",
            hint="take another release of the package, or have it built anew",
        ) from error


def _check_hash(wheel: WheelSource) -> None:
    """A damaged wheel must not become an image, even where the zip format would not notice."""
    if not wheel.expected:
        return
    hasher = hashlib.sha256()
    try:
        with wheel.path.open("rb", buffering=0) as file:
            while chunk := file.read(1 << 20):
                hasher.update(chunk)
    except FileNotFoundError:
        raise CorruptBlobError("sha256:" + wheel.expected) from None
    except OSError as error:
        raise StorageError(f"{wheel.path} cannot be read: {error.strerror or error}") from error
    if hasher.hexdigest() != wheel.expected:
        raise CorruptBlobError("sha256:" + wheel.expected)
