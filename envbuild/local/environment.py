"""Virtual environments of locked wheels, kept in the cache under a key of lock and interpreter.

<cache>/environments/<hex>/                a virtual environment, whole or not there
<cache>/environments/<hex>/envbuild.json   what it was made of; its time is that of the last use
<cache>/environments/<hex>/pycache/        the bytecode that runs of it left
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError
from ..oci.canonical import digest_of
from ..oci.disk import storage_errors
from ..oci.store import Store
from ..progress import Progress, Summary
from ..records import dataclass
from ..resolver.types import Lock
from ..resolver.uv import clean_environment, find_uv
from .host import Interpreter

FOLDER = "environments"
"""Its folder in the cache."""
_MARKER = "envbuild.json"
# Raise it when equal locks would be installed otherwise than before.
_FORMAT = 1
_KEY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The packages of `lock`, installed for `interpreter`. `anew` tells why it is not the image's lock, or is empty."""

    folder: Path
    interpreter: Interpreter
    lock: Lock
    anew: str = ""

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        return self.folder / "bin" / "python"

    @property
    def bytecode(self) -> Path:
        """Where its Python keeps compiled modules: beside what it imports it writes nothing."""
        return self.folder / "pycache"


def install(lock: Lock, interpreter: Interpreter, store: Store, cache: Path, progress: Progress) -> Path:
    """The folder of the environment with the very wheels of `lock`, which are all in `store`.

    It is made aside and renamed: a run that is killed leaves none. Raises CorruptBlobError for a damaged wheel, which
    is to be fetched again, and StorageError.
    """
    key = digest_of([_FORMAT, lock.digest, interpreter.path, interpreter.version]).removeprefix("sha256:")
    # Short: it is in the path of every file that a traceback names.
    folder = cache / FOLDER / key[:_KEY]
    count = len(lock.packages)
    progress.start("install", f"Python {interpreter.version}", total=0)
    if is_sound(folder):
        with suppress(OSError):
            os.utime(folder / _MARKER)
        progress.done("install", Summary(count=count, noun="packages", cached=count))
        return folder
    with _aside(folder) as beside:
        _check(lock, store)
        _fill(beside, lock, interpreter, store, cache)
        marker = {
            "format": _FORMAT,
            "lock": lock.digest,
            "python": interpreter.version,
            "interpreter": interpreter.path,
        }
        (beside / _MARKER).write_text(json.dumps(marker), encoding="utf-8")
        _put(beside, folder)
    progress.done("install", Summary(count=count, noun="packages", size=sum(p.size for p in lock.packages)))
    return folder


def is_sound(folder: Path) -> bool:
    """Whether an environment is whole, and its interpreter is still there."""
    try:
        said = json.loads((folder / _MARKER).read_bytes())
        return said["format"] == _FORMAT and (folder / "bin" / "python").exists() and Path(said["interpreter"]).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def remove_unsound(cache: Path) -> list[str]:
    """Remove the environments that cannot run any more, and give their names, sorted."""
    removed = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for entry in sorted((cache / FOLDER).iterdir()):
            # What begins with a dot is being made, or was left by a dead run and goes when it is old.
            if not entry.name.startswith(".") and not is_sound(entry):
                with storage_errors(entry):
                    _remove(entry)
                removed.append(f"{FOLDER}/{entry.name}")
    return removed


def _fill(beside: Path, lock: Lock, interpreter: Interpreter, store: Store, cache: Path) -> None:
    # In the same file system, so that uv links instead of copying; it goes when the work is done.
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=".wheels-") as name:
        wheels = Path(name)
        lines = []
        for package in lock.packages:
            file = wheels / package.filename
            file.symlink_to(store.blob(f"sha256:{package.sha256}").absolute())
            lines.append(f"{package.name} @ {file.as_uri()}\n")
        listed = wheels / "requirements.txt"
        listed.write_text("".join(lines), encoding="utf-8")
        environment = clean_environment(os.environ, wheels / "uv")
        _uv(["venv", "--python", interpreter.path, "--relocatable", "--no-project", str(beside)], environment)
        options = ["--no-deps", "--no-index", "--offline", "--no-build"]
        if lines:
            _uv(
                ["pip", "install", "--python", str(beside / "bin" / "python"), *options, "-r", str(listed)], environment
            )


def _uv(arguments: list[str], environment: dict[str, str]) -> None:
    command = [find_uv(), *arguments, "--quiet", "--color", "never"]
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise StorageError(
            "the locked packages could not be installed:\n" + done.stderr.strip(),
            hint="`envbuild cache verify` removes what is damaged; `envbuild cache prune` frees space",
        )


def _check(lock: Lock, store: Store) -> None:
    for package in lock.packages:
        for _ in store.stream(f"sha256:{package.sha256}"):
            pass


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        yield beside
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}", hint="free some space") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(beside: Path, folder: Path) -> None:
    if folder.exists() and not is_sound(folder):
        _remove(folder)
    try:
        beside.rename(folder)
    except OSError:
        # Another run was faster, and made the same.
        if not is_sound(folder):
            raise


def _remove(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    doomed = folder.with_name(f".{os.urandom(8).hex()}")
    folder.rename(doomed)
    shutil.rmtree(doomed)
