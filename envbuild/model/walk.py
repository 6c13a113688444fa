"""The files of a model folder that go into its image, and those that stay out, and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import ModelError
from .ignore import Pattern, ignored_by, parse_patterns
from .texts import Folder, UnreadableError, split_lines
from .types import LeftOut, ModelFile

MAX_FILES = 200_000
IGNORE_FILE = ".envbuildignore"

ALWAYS_LEFT_OUT = {
    ".DS_Store": "a desktop's own notes",
    ".env": "may hold secrets",
    ".git": "version control",
    ".netrc": "may hold secrets",
    "__pycache__": "compiled by another interpreter",
    "mlruns": "a tracking store",
    IGNORE_FILE: "tells what to leave out",
}

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def walk(root: Path) -> tuple[tuple[ModelFile, ...], tuple[LeftOut, ...]]:
    """The regular files below `root` (a real path) and what is left out, both sorted by path.

    A symbolic link to a file or folder inside is followed. Raises ModelError for a link that leads out of the folder or
    nowhere, for a FIFO, socket or device, for what cannot be read, and for a name that is not UTF-8.
    """
    files: list[ModelFile] = []
    left_out: list[LeftOut] = []
    patterns = _patterns(root)
    for entry in _entries(root, root, "", (str(root),), patterns, left_out):
        files.append(entry)
        if len(files) > MAX_FILES:
            raise ModelError(
                f"{root} holds more than {MAX_FILES:,} files", hint=f"leave some out: name them in {IGNORE_FILE}"
            )
    return tuple(sorted(files, key=lambda f: f.path)), tuple(sorted(left_out, key=lambda f: f.path))


def _patterns(root: Path) -> tuple[Pattern, ...]:
    folder = Folder(root)
    if not folder.holds(IGNORE_FILE):
        return ()
    try:
        return parse_patterns(split_lines(IGNORE_FILE, folder.read(IGNORE_FILE)))
    except UnreadableError as error:
        raise ModelError(error.message, hint=error.hint or f"mend or remove {IGNORE_FILE}") from None


def _entries(
    root: Path,
    folder: Path,
    prefix: str,
    above: tuple[str, ...],
    patterns: tuple[Pattern, ...],
    left_out: list[LeftOut],
) -> Iterator[ModelFile]:
    try:
        with os.scandir(folder) as listing:
            found = sorted(listing, key=lambda e: e.name)
    except OSError as error:
        raise _refused(prefix or str(root), error) from error
    for entry in found:
        path = prefix + entry.name
        _check_name(path)
        real = Path(entry.path)
        try:
            if entry.is_symlink():
                why = _reason(path, patterns, folder=False)
                real = real if why else _inside(root, path, entry.path)
                # A link may not bring in by another name what stays out by its own.
                why = why or _reason(real.relative_to(root).as_posix(), patterns, folder=real.is_dir())
            else:
                why = ""
            status = os.lstat(real)
        except OSError as error:
            raise _refused(path, error) from error
        is_folder = stat.S_ISDIR(status.st_mode)
        why = why or _reason(path, patterns, folder=is_folder)
        if why:
            left_out.append(LeftOut(path=path + ("/" if is_folder else ""), why=why))
        elif is_folder:
            if str(real) in above:
                raise ModelError(
                    f"{path} is a symbolic link to a folder that holds it",
                    hint=f"remove it, or name it in {IGNORE_FILE}",
                )
            yield from _entries(root, real, path + "/", (*above, str(real)), patterns, left_out)
        elif stat.S_ISREG(status.st_mode):
            if not os.access(real, os.R_OK):
                raise ModelError(f"cannot read {path}: permission denied", hint="make the file readable for this user")
            yield ModelFile(path=path, size=status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))
        else:
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
            raise ModelError(
                f"{path} is {kind}, which no image can hold", hint=f"remove it, or name it in {IGNORE_FILE}"
            )


def _reason(path: str, patterns: tuple[Pattern, ...], *, folder: bool) -> str:
    """Why `path` stays out, judged by every part of it; empty where it goes in. The root MLmodel always goes in."""
    if path == "MLmodel":
        return ""
    parts = path.split("/")
    for count, part in enumerate(parts, 1):
        if part in ALWAYS_LEFT_OUT:
            return ALWAYS_LEFT_OUT[part]
        line = ignored_by(patterns, "/".join(parts[:count]), folder=folder or count < len(parts))
        if line:
            return f"{IGNORE_FILE}: {line}"
    return ""


def _inside(root: Path, path: str, link: str) -> Path:
    real = Path(os.path.realpath(link))
    if not real.is_relative_to(root):
        raise ModelError(
            f"{path} is a symbolic link that leads out of the model folder, to {str(Path(link).readlink())!r}",
            hint=f"copy what it leads to into the folder, or name it in {IGNORE_FILE}",
        )
    if not os.path.lexists(real) or real.is_symlink():
        raise ModelError(
            f"{path} is a symbolic link that leads nowhere, to {str(Path(link).readlink())!r}",
            hint=f"remove it, or name it in {IGNORE_FILE}",
        )
    return real


def _check_name(path: str) -> None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise ModelError(
            f"the name of {os.fsencode(path)!r} is not UTF-8", hint="rename the file: an image's names are UTF-8"
        ) from None


def _refused(path: str, error: OSError) -> ModelError:
    return ModelError(f"cannot read {path}: {error.strerror}", hint="make it readable for this user")
