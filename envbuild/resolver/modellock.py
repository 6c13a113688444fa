"""What a model brings of locks of its own: uv.lock with its pyproject.toml, or requirements that were locked.

uv reads its lock out of a folder of its own, without network and without running anything of the model. The versions
are kept wherever they go with what is asked for: the server's packages are chosen beside them, for the image's
platform.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from ..model.types import Environment
from ..oci.disk import storage_errors
from .refusals import place
from .requirements import Inputs, pinned
from .target import Platform
from .types import Lock

_LOCK, _PROJECT, _LOCKED = "uv.lock", "pyproject.toml", "requirements.txt"
_SIZE = 16 << 20  # bytes
_SECONDS = 60
_SLOW = f"uv did not read it within {_SECONDS} seconds"
_ENDED = "uv was ended by the signal"
_SHOWN = 5
# What MLflow writes above requirements that it had uv lock (MLFLOW_LOCK_MODEL_DEPENDENCIES).
_HEADER = b"# Original requirements"


def with_own_lock(inputs: Inputs, environment: Environment, root: Path) -> Inputs:
    """`inputs` with the digest of the model's uv.lock, and with a note where a lock of its own counts or cannot.

    Another environment than the model's own has nothing to do with its lock.
    """
    if environment.source in ("given", "none"):
        return inputs
    if not os.path.lexists(root / _LOCK):
        return _locked_requirements(inputs, environment, root)
    digest = hashlib.sha256()
    for name in (_LOCK, _PROJECT):
        data = _read(root / name)
        if data is None:
            why = f"{_LOCK} is not honoured: {name} beside it is missing, no plain file, or larger than any lock"
            return replace(inputs, notes=(*inputs.notes, why))
        digest.update(hashlib.sha256(data).digest())
    return replace(inputs, own_lock=f"sha256:{digest.hexdigest()}")


def own_versions(root: Path, platform: Platform, cache: Path) -> tuple[dict[str, str], str]:
    """The versions of the model's uv.lock for `platform`, or why there are none. `cache` is uv's own folder.

    Raises LockFileError for one that is broken, StorageError, and ResolveError where there is no uv.
    """
    import shutil
    import tempfile

    from ..errors import LockFileError
    from .lockfaults import check_whole
    from .lockfile import read_lockfile

    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="envbuild-")
    with folder as name:
        with storage_errors(Path(name)):
            for file in (_LOCK, _PROJECT):
                shutil.copyfile(root / file, Path(name, file))
        said = _export(Path(name), cache)
        if said:
            if not is_passing(said):
                check_whole(Path(name, _LOCK), root / _LOCK, said)
            return {}, " ".join(said.split())
        try:
            return read_lockfile(Path(name, "pylock.toml")).versions(platform), ""
        except LockFileError as error:
            return {}, error.message.replace(f"{name}{os.sep}", "")


def is_uv_lock(inputs: Inputs) -> bool:
    """Whether the lock that `inputs` tell of is a uv.lock, and not locked requirements."""
    return inputs.own_lock.startswith("sha256:")


def is_passing(why: str) -> bool:
    """Whether `own_versions` may do better another time: uv was too slow, or was ended from outside."""
    return why == _SLOW or why.startswith(_ENDED)


def note_on(inputs: Inputs, versions: Mapping[str, str], why: str, lock: Lock, unbuilt: str = "") -> str:
    """What is to be said of the model's own lock once `lock` is found; `versions` are those that it has.

    `unbuilt` tells of a build that failed on the way.
    """
    name = _LOCK if is_uv_lock(inputs) else _LOCKED
    if why:
        return f"{name} is not honoured: {why}"
    if not versions:
        return f"{name} is honoured: it was locked when the model was logged, and all of it holds"
    both = {p.name: (p.version, versions[p.name]) for p in lock.packages if p.name in versions}
    other = [f"{each} is {now}, not {then}" for each, (now, then) in sorted(both.items()) if now != then]
    if not other:
        return f"{name} is honoured: {len(both)} packages have its versions"
    rest = f" and {len(other) - _SHOWN} more" if other[_SHOWN:] else ""
    cause = unbuilt or "what else is asked for does not go with the others"
    return (
        f"{name} is honoured for {len(both) - len(other)} of {len(both)} packages; {cause}: "
        f"{', '.join(other[:_SHOWN])}{rest}"
    )


def loosened(inputs: Inputs, environment: Environment, root: Path) -> tuple[Inputs, dict[str, str]]:
    """`inputs` in which only what the model was logged with holds, and the versions that its lock added to that.

    MLflow writes the requirements of the model above those that uv locked, which have the whole of what they need.
    """
    own = _originals(root)
    listed = {place(requirement.span) for requirement in environment.pip}
    added = {ask: pinned(ask.text) for ask in inputs.asks if ask.where in listed and ask.name not in own}
    left = tuple(ask for ask in inputs.asks if not added.get(ask))
    return replace(inputs, asks=left), {ask.name: version for ask, version in added.items() if version}


def _locked_requirements(inputs: Inputs, environment: Environment, root: Path) -> Inputs:
    """`inputs` that tell whether the requirements were locked when the model was logged."""
    names = _originals(root)
    if not names:
        return inputs
    loose = [each.name for each in environment.pip if not pinned(each.text.partition(";")[0].strip())]
    if loose:
        why = f"{_LOCKED} was locked, and is no lock any more: {', '.join(loose[:_SHOWN])} has no exact version"
        return replace(inputs, notes=(*inputs.notes, why))
    digest = hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()
    return replace(inputs, own_lock=f"{_LOCKED} sha256:{digest}")


def _originals(root: Path) -> frozenset[str]:
    """The names of what MLflow says that the model was logged with; empty where requirements.txt was not locked."""
    data = _read(root / _LOCKED)
    if data is None or not data.startswith(_HEADER):
        return frozenset()
    rows = data.decode("utf-8", "replace").splitlines()[1:]
    head = [row[2:] for row in takewhile(lambda row: row.startswith("# "), rows)]
    found = {
        re.sub(r"[-_.]+", "-", match[0]).lower() for row in head if (match := re.match(r"[A-Za-z0-9][\w.-]*", row))
    }
    return frozenset(found | ({"mlflow-skinny"} if "mlflow" in found else set()))


def _export(folder: Path, cache: Path) -> str:
    """Have uv write the lock of `folder` as a pylock.toml beside it; what it said where it did not."""
    import subprocess

    from .indexes import SETTINGS, without_credentials
    from .uv import clean_environment, find_uv

    command = [
        find_uv(), "export", "--frozen", "--no-dev", "--no-emit-project", "--format", "pylock.toml", "--no-header",
        "--output-file", "pylock.toml", "--quiet", "--color", "never",
        *(["--python", sys.executable] if sys.executable else []),
    ]  # fmt: skip
    environ = {name: value for name, value in clean_environment(os.environ, cache).items() if name not in SETTINGS}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**environ, "UV_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _SLOW
    if done.returncode == 0:
        return ""
    if done.returncode < 0:
        return f"{_ENDED} {-done.returncode}"
    said = without_credentials(done.stderr).replace(str(folder), ".").strip()
    return said.removeprefix("error: ") or f"uv ended with {done.returncode}"


def _read(path: Path) -> bytes | None:
    """The bytes of a plain file of bearable size; None for what is none."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _SIZE:
            return None
        return path.read_bytes()
    except OSError:
        return None
