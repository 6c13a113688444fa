"""Environments of locked packages, kept in the cache under a key of lock and interpreter.

<cache>/environments/<hex>/                a virtual environment, or conda's with its own Python; whole or not there
<cache>/environments/<hex>/envbuild.json   what it was made of; its time is that of the last use
<cache>/environments/<hex>/pycache/        the bytecode that runs of it left
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
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
        return python_of(self.folder)

    @property
    def bytecode(self) -> Path:
        """Where its Python keeps compiled modules: beside what it imports it writes nothing."""
        return self.folder / "pycache"


def install(lock: Lock, interpreter: Interpreter, store: Store, cache: Path, progress: Progress) -> Path:
    """The folder of the environment with the very packages of `lock`, which are all in `store`.

    Where conda's are among them, Python is one of those, and `interpreter` tells its version alone. The environment is
    made aside and renamed: a run that is killed leaves none. Of two at once the second waits, and takes the first's.
    Raises CorruptBlobError for a damaged package, which is to be fetched again, IntegrityError for one of conda's that
    cannot be laid down, and StorageError.
    """
    folder = _folder(lock, interpreter, cache)
    count = len(lock.packages) + len(lock.conda)
    progress.start("install", f"Python {interpreter.version}", total=0)
    with nullcontext() if is_sound(folder) else _alone(folder, progress):
        # Looked at again: another run may have made it meanwhile.
        if is_sound(folder):
            with suppress(OSError):
                os.utime(folder / _MARKER)
            progress.done("install", Summary(count=count, noun="packages", cached=count))
            return folder
        with _aside(folder) as beside:
            _check(lock, store)
            _fill(beside, folder, lock, interpreter, store)
            marker = {
                "format": _FORMAT,
                "lock": lock.digest,
                "python": interpreter.version,
                "interpreter": str(python_of(folder)) if lock.conda else interpreter.path,
            }
            (beside / _MARKER).write_text(json.dumps(marker), encoding="utf-8")
            _put(beside, folder)
    size = sum(p.size for p in lock.packages) + sum(p.size for p in lock.conda)
    progress.done("install", Summary(count=count, noun="packages", size=size))
    return folder


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in `folder`."""
    return folder / "bin" / "python"


def is_sound(folder: Path) -> bool:
    """Whether an environment is whole, and its interpreter is still there."""
    try:
        said = json.loads((folder / _MARKER).read_bytes())
        return said["format"] == _FORMAT and python_of(folder).exists() and Path(said["interpreter"]).exists()
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


def _folder(lock: Lock, interpreter: Interpreter, cache: Path) -> Path:
    # The files of conda's packages name the place where they lie.
    place = str(cache.absolute()) if lock.conda else interpreter.path
    key = digest_of([_FORMAT, lock.digest, place, interpreter.version]).removeprefix("sha256:")
    # Short: it is in the path of every file that a traceback names.
    return cache.absolute() / FOLDER / key[:_KEY]


def _fill(beside: Path, folder: Path, lock: Lock, interpreter: Interpreter, store: Store) -> None:
    """Make the environment in the empty folder `beside`, which will be renamed to `folder`."""
    if lock.conda:
        from .condas import lay_condas

        lay_condas(lock.conda, store, beside, folder)
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
        options = ["--no-deps", "--no-index", "--offline", "--no-build"]
        if lock.conda:
            # Python's own folder is that of nobody else: what it says of itself is for those who share one.
            options.append("--break-system-packages")
        else:
            _uv(["venv", "--python", interpreter.path, "--relocatable", "--no-project", str(beside)], environment)
        if lines:
            _uv(["pip", "install", "--python", str(python_of(beside)), *options, "-r", str(listed)], environment)
    if lock.conda:
        from .condas import moved

        moved(beside, folder)


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
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    """Keep another run from making the same environment at the same moment: it would be for nothing, and no harm."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        path = folder.with_name(f".{folder.name}.lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(OSError):  # not every network file system locks
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.note("another run makes the same environment, and is waited for")
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    with storage_errors(folder):
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
