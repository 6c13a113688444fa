"""Layers of conda packages: each package's own files, by the list that it was laid down with, and that list."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import IntegrityError
from ...oci.layer import build_layer
from ...oci.store import Store
from ...oci.tar import LayerTar
from ...oci.types import Layer
from ...resolver.conda.types import CondaPackage
from .laying import Refused, files_of, link_target, mode_of
from .staging import as_file, staged


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
    try:
        listed, name, content = files_of(as_file(package), root)
    except Refused as error:
        raise IntegrityError(str(error)) from error
    for path in listed:
        target = f"{prefix}/{path}"
        if target not in tar:  # an entry point may be that of two packages
            _write(tar, target, root / path, root, prefix)
    tar.data(f"{prefix}/{name}", content)


def _write(tar: LayerTar, target: str, path: Path, root: Path, prefix: str) -> None:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            tar.symlink(target, link_target(path, root, f"/{prefix}"))
            return
        if stat.S_ISDIR(status.st_mode):
            tar.directory(target)
            return
        with path.open("rb") as file:
            tar.file(target, file, status.st_size, mode_of(status))
    except OSError as error:
        raise IntegrityError(f"{target} was not laid down: {error.strerror or error}") from error
