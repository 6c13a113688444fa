"""A person's scoring script: checked and placed with its code folder. Never run here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .errors import UsageError
from .model.script import LEFT_OUT
from .planner import Script
from .planner.layers import code_path
from .planner.types import FileEntry


def read_script(script: Path, code: Path | None) -> Script:
    """The script and the files of its code folder, by their places in the image, sorted by path.

    Without a folder the script is alone. Raises `UsageError` where it is missing, lies outside its code folder, or
    the folder holds something that is no file.
    """
    if not script.is_file():
        raise UsageError(f"{script} is not a file", hint="--scoring-script names a Python file with init() and run()")
    if code is None:
        return Script(entry=script.name, files=(_entry(script, script.name),))
    if not code.is_dir():
        raise UsageError(f"{code} is not a folder", hint="--code names the folder that holds the scoring script")
    root = code.resolve()
    try:
        entry = script.resolve().relative_to(root).as_posix()
    except ValueError:
        raise UsageError(
            f"{script} does not lie in {code}", hint="--code names the folder that holds the scoring script"
        ) from None
    files = [_entry(path, path.relative_to(root).as_posix()) for path in _walk(root)]
    return Script(entry=entry, files=tuple(sorted(files, key=lambda file: file.path)))


def _walk(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(names):
            path = Path(folder) / name
            if name in LEFT_OUT:
                continue
            if not path.resolve().is_relative_to(root):
                raise UsageError(f"{path} is a link that leaves the code folder", hint="copy the file into it")
            if not path.is_file():
                raise UsageError(f"{path} is neither a file nor a folder", hint="remove it from the code folder")
            found.append(path)
    return found


def _entry(source: Path, relative: str) -> FileEntry:
    data = source.read_bytes()
    return FileEntry(
        path=code_path(relative),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        mode=0o644,
        source=source.resolve(),
    )
