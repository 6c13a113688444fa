"""A conda-lock.yml at its place. What was written once is kept: the models that write it take longer than all the rest.

A lock that came out of the cache is written without them: its text is in the store, under what it was made of.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import IntegrityError, StorageError
from ...oci.canonical import digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ..indexes import without_credentials
from ..types import Lock
from .extras import extras

if TYPE_CHECKING:
    from ..origin import Origin

# Raise it when the same lock is written otherwise than before.
REVISION = 4


def write_conda_lock(lock: Lock, path: Path, *, store: Store, origin: Origin | None = None) -> None:
    """Write `lock`, which `origin` determined, as a conda-lock.yml. Atomic. Raises as `lockfile.text_of`."""
    key = _key(lock, origin)
    text = _known(store, key)
    if text is None:
        from .lockfile import text_of

        text = text_of(lock, store, origin)
        with suppress(StorageError):  # not remembering it costs time alone
            store.put_key(key, {"text": store.put(text)})
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        with storage_errors(path):
            temporary.write_bytes(text)
            os.replace(temporary, path)  # noqa: PTH105 - the atomic one
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _known(store: Store, key: str) -> bytes | None:
    """What was written for this key before; None for what is not there or damaged."""
    value = store.get_key(key) or {}
    try:
        return store.read(str(value["text"]))
    except (KeyError, IntegrityError, StorageError):
        return None


def _key(lock: Lock, origin: Origin | None) -> str:
    """Of all that is written, and of the conda-lock that writes it."""
    with extras("writing conda-lock.yml"):
        version = _installed("conda-lock")
    conda = [asdict(package) for package in lock.conda]
    pip = [[p.name, p.version, without_credentials(p.url), p.sha256] for p in lock.packages]
    about = {**asdict(origin), "places": {}} if origin is not None else {}
    made_of = [REVISION, version, lock.digest, list(lock.requirements), lock.platform, conda, pip, about]
    return "conda-lock.yml:" + digest_of(made_of)


def _installed(name: str) -> str:
    """The version of an installed distribution. ModuleNotFoundError for its package if there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        raise ModuleNotFoundError(name, name=name.replace("-", "_")) from None
