"""What may be replaced: an empty folder, or a context that envbuild wrote earlier and nobody edited.

A listing in the context names every file, so that what a person added (`build/ca.pem`, notes) is told from what
was written, and an edited file from one that was not.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...errors import UsageError
from .types import Context

MARKER = ".envbuild-context.json"


def listing(context: Context) -> str:
    """The paths of a context, with the sha256 of those that are text, which a person might edit."""
    files = {
        entry.path: hashlib.sha256(entry.text.encode()).hexdigest() if entry.text is not None else ""
        for entry in context.entries
    }
    return json.dumps({"about": "Files that envbuild wrote here.", "files": files}, indent=1, sort_keys=True) + "\n"


def refuse_to_replace(folder: Path, *, force: bool) -> None:
    """UsageError if `folder` holds something that must not be replaced."""
    folder = folder.absolute()
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        what = "a link" if folder.is_symlink() else "a file"
        raise UsageError(f"{folder} is {what}, not a folder", hint="name another folder for the context")
    if Path.cwd().is_relative_to(folder):
        raise UsageError(f"{folder} is the working directory, which cannot be replaced", hint="name a folder in it")
    if not any(folder.iterdir()):
        return
    known = _known(folder)
    if known is None:
        raise UsageError(
            f"{folder} is not empty, and holds no build context of envbuild",
            hint="name an empty folder or one that does not exist yet",
        )
    if force:
        return
    edited = sorted(path for path, sha256 in known.items() if sha256 and _differs(folder / path, sha256))
    if edited:
        more = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
        raise UsageError(
            f"{folder / edited[0]}{more} was edited since envbuild wrote it",
            hint="--force replaces it; changes that shall last belong in a template, see --templates",
        )


def keep_own_files(folder: Path, working: Path) -> None:
    """Copy what a person added to the context in `folder` into the new one in `working`."""
    import shutil

    known = _known(folder) if folder.is_dir() else None
    if known is None:
        return
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        new = working / name
        if name in known or name == MARKER or new.exists() or new.is_symlink():
            continue
        if path.is_symlink() or path.is_file():
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new, follow_symlinks=False)


def _known(folder: Path) -> dict[str, str] | None:
    """The listing of an earlier context; None where there is none that can be read."""
    try:
        match json.loads((folder / MARKER).read_bytes()):
            case {"files": dict(files)}:
                return {str(path): str(sha256) for path, sha256 in files.items()}
    except (OSError, ValueError, RecursionError):
        pass
    return None


def _differs(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() != sha256
    except FileNotFoundError:
        return False
    except OSError:
        return True
