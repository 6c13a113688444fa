"""A context as a folder, or as a tar for an engine. Either way modes and times are the same on every machine."""

from __future__ import annotations

import os
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from ...errors import IntegrityError
from ...oci.canonical import EPOCH
from ...oci.disk import storage_errors
from .earlier import MARKER, keep_own_files, listing, refuse_to_replace
from .reading import chunks_of, size_of
from .types import Context, Entry

_BLOCK = tarfile.BLOCKSIZE


def write_folder(context: Context, folder: Path, *, force: bool = False) -> int:
    """Write `context` to `folder`, all of it or nothing, and give the bytes written.

    The folder may be missing or empty, or hold an earlier context: files that a person added to it stay. One that
    was edited is replaced only with `force`, anything else never: UsageError. StorageError: it cannot be written.
    CorruptBlobError, ModelError: a file is not what was planned.
    """
    folder = folder.absolute()
    refuse_to_replace(folder, force=force)
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        working = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        working.mkdir()
    try:
        size = sum(_write(entry, working) for entry in context.entries)
        with storage_errors(folder):
            (working / MARKER).write_text(listing(context), encoding="utf-8")
            _settle(working)
            keep_own_files(folder, working)
            _exchange(working, folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return size


def stream_tar(context: Context) -> Iterator[bytes]:
    """`context` as a plain tar in pieces of at most about a mebibyte, the same bytes for the same context.

    Raises as `write_folder` does, in the middle: the receiver must throw away what it got.
    """
    folders: set[str] = set()
    total = 0
    for entry in context.entries:
        parts = entry.path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent not in folders:
                folders.add(parent)
                block = _header(parent, tarfile.DIRTYPE, 0o755)
                total += len(block)
                yield block
        if entry.target is not None:
            block = _header(entry.path, tarfile.SYMTYPE, 0o777, target=entry.target)
            total += len(block)
            yield block
            continue
        size = size_of(entry)
        block = _header(entry.path, tarfile.REGTYPE, entry.mode, size=size)
        yield block
        yield from chunks_of(entry)
        if size % _BLOCK:
            yield bytes(-size % _BLOCK)
        total += len(block) + size + -size % _BLOCK
    end = 2 * _BLOCK
    yield bytes(end + -(total + end) % tarfile.RECORDSIZE)


def _header(path: str, kind: bytes, mode: int, *, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, size, target, EPOCH
    try:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
    except UnicodeEncodeError:
        raise IntegrityError(f"{path!r} is not valid UTF-8", hint="rename the file") from None


def _write(entry: Entry, root: Path) -> int:
    path = root / entry.path
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.target is not None:
            path.symlink_to(entry.target)
            return 0
        with path.open("xb") as out:
            for chunk in chunks_of(entry):
                out.write(chunk)
        path.chmod(entry.mode)
    return size_of(entry)


def _settle(root: Path) -> None:
    """Modes of folders whatever the umask, and one time for everything: COPY takes both over."""
    for top, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(Path(top, name), (EPOCH, EPOCH), follow_symlinks=False)
        Path(top).chmod(0o755)
        os.utime(top, (EPOCH, EPOCH))


def _exchange(working: Path, folder: Path) -> None:
    """Put `working` in the place of `folder`; what was there is moved aside first, and back if that fails."""
    aside = None
    if folder.exists():
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        folder.rename(aside)
    try:
        working.rename(folder)
    except OSError:
        if aside is not None:
            aside.rename(folder)
        raise
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True)
