"""Conda packages in an environment of this machine: laid down in one folder, and written for another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..backends.conda.laying import Refused, files_of, link_target
from ..backends.conda.staging import as_file, lay
from ..errors import IntegrityError
from ..oci.store import Store
from ..resolver.conda.types import CondaPackage


def lay_condas(packages: Sequence[CondaPackage], store: Store, beside: Path, folder: Path) -> None:
    """Lay `packages`, which are in `store`, down in the empty folder `beside`, which will be renamed to `folder`.

    What names the prefix, in texts and in compiled files, names `folder`. The lists in conda-meta are those of an
    image. Raises as `lay`.
    """
    lay(packages, store, beside, prefix=str(folder))
    for package in packages:
        try:
            listed, name, content = files_of(as_file(package), beside)
        except Refused as error:
            raise IntegrityError(str(error)) from error
        (beside / name).write_bytes(content)
        for path in listed:
            _point(beside / path, beside, folder)


def moved(beside: Path, folder: Path) -> None:
    """Have the commands that wheels brought into `beside` start the Python of `folder`, which it is renamed to."""
    new = os.fsencode(folder)
    for path in sorted((beside / "bin").iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(2) != b"#!":
                continue
        data = found = path.read_bytes()
        for place in {beside, beside.resolve()}:
            found = found.replace(os.fsencode(place), new)
        if found != data:
            _rewrite(path, found)


def _point(path: Path, beside: Path, folder: Path) -> None:
    """Lead a link into `beside` to the same place in `folder`."""
    if path.is_symlink():
        target = link_target(path, beside, str(folder))
        if target != str(path.readlink()):
            path.unlink()
            path.symlink_to(target)


def _rewrite(path: Path, data: bytes) -> None:
    # A new file: the old one may be linked from elsewhere.
    mode = path.stat().st_mode & 0o777
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)
