"""Layers of conda packages: each package's own files, by the list that it was laid down with, and that list."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import IntegrityError
from ...oci.canonical import canonical_json
from ...oci.layer import build_layer
from ...oci.store import Store
from ...oci.tar import LayerTar
from ...oci.types import Layer
from ...resolver.conda.types import CondaPackage
from .staging import staged

# What tells of this machine or of the day: where a package was found, unpacked and listed, and how it was linked.
_NOT_OURS = ("channel", "extracted_package_dir", "indexed_timestamp", "link", "package_tarball_full_path", "url")


def conda_layers(
    store: Store,
    layers: Sequence[Sequence[CondaPackage]],
    packages: Sequence[CondaPackage],
    *,
    prefix: str,
    done: Callable[[int, Layer], None],
) -> None:
    """Write a layer for each of `layers`, whose packages are all among `packages`, below `prefix` (`opt/envbuild`).

    `done` is called with the index of each as it is in the store. All packages are laid down together: where Python's
    own packages go depends on the Python among them, and of two files at one path one gives way. Raises IntegrityError
    or StorageError.
    """
    with staged(packages, store, prefix=prefix) as root:
        for index, listed in enumerate(layers):

            def write(tar: LayerTar, listed: Sequence[CondaPackage] = listed) -> None:
                for package in sorted(listed, key=lambda package: package.name):
                    _write_package(tar, package, root, prefix)

            done(index, build_layer(store, write))


def _write_package(tar: LayerTar, package: CondaPackage, root: Path, prefix: str) -> None:
    name = f"conda-meta/{package.name}-{package.version}-{package.build}.json"
    try:
        record = json.loads((root / name).read_bytes())
        listed = sorted(path for path in map(str, record["files"]) if not _is_bytecode(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{package.filename} was laid down without its list of files: {error}") from error
    for path in listed:
        target = f"{prefix}/{path}"
        if target not in tar:  # an entry point may be that of two packages
            _write(tar, target, root / path, root, prefix)
    tar.data(f"{prefix}/{name}", canonical_json(_record(record, package)) + b"\n")


def _write(tar: LayerTar, target: str, path: Path, root: Path, prefix: str) -> None:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            tar.symlink(target, os.readlink(path).replace(str(root), f"/{prefix}"))  # noqa: PTH115 - a text
            return
        if stat.S_ISDIR(status.st_mode):
            tar.directory(target)
            return
        with path.open("rb") as file:
            tar.file(target, file, status.st_size, 0o755 if status.st_mode & 0o111 else 0o644)
    except OSError as error:
        raise IntegrityError(f"{target} was not laid down: {error.strerror or error}") from error


def _record(record: dict[str, Any], package: CondaPackage) -> dict[str, Any]:
    """The list of a package without what tells of this machine; an address must be there, and says the name alone."""
    kept = {key: value for key, value in record.items() if key not in _NOT_OURS}
    # Where two packages have a file at one path, their order is another each time.
    kept["files"] = sorted(path for path in map(str, record["files"]) if not _is_bytecode(path))
    rows = [row for row in record.get("paths_data", {}).get("paths", []) if not _is_bytecode(str(row.get("_path")))]
    kept["paths_data"] = {"paths_version": 1, "paths": sorted(rows, key=lambda row: str(row.get("_path")))}
    kept["url"] = f"file:///{package.subdir}/{package.filename}"
    kept["channel"] = None
    return kept


def _is_bytecode(path: str) -> bool:
    """Whether Python made the file from another: it holds that one's time, which no file of a layer keeps."""
    return path.endswith(".pyc") and "/__pycache__/" in f"/{path}"
