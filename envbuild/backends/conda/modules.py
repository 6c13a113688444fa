"""What of conda's layers Python can import: they are read as a base is, and nothing of them is run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...bases.rootfs import rootfs
from ...bases.types import Base, Interpreter
from ...errors import StorageError
from ...oci.canonical import digest_of
from ...oci.store import Store
from ...oci.types import Layer
from ..bytecode.contents import WheelModules

if TYPE_CHECKING:
    from ...oci.wheel import WheelSource


def condas_python(base: Base, layers: Sequence[Layer], version: str, *, prefix: str) -> Base:
    """The `layers` of conda packages as something whose standard library can be looked into.

    `base` is what they lie on; `version` is the full version of the Python among them, `prefix` `opt/envbuild`.
    """
    home = f"/{prefix}"
    minor = ".".join(version.split(".")[:2])
    return replace(
        base,
        digest=digest_of(["conda", *(layer.diff_id for layer in layers)]),
        layers=tuple(layers),
        interpreter=Interpreter(version=version, executable=f"{home}/bin/python{minor}", home=home),
    )


def site_modules(
    python: Base, store: Store, *, prefix: str, above: Sequence[WheelSource], keep_tests: bool
) -> dict[str, bytes]:
    """The modules of conda's own Python packages, by their paths in the image. Raises as `rootfs`, and IntegrityError.

    A module that the wheels `above` lay down too is none of them: theirs is what the image has.
    """
    site = f"{prefix}/lib/python{python.interpreter.minor}/site-packages"
    folder = rootfs(python, store) / site
    hidden: set[str] = set()
    for wheel in above:
        with WheelModules(wheel, keep_tests=keep_tests) as modules:
            hidden.update(modules.paths)
    found: dict[str, bytes] = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top, name)
            inside = path.relative_to(folder).as_posix()
            if not name.endswith(".py") or path.is_symlink() or inside in hidden:
                continue
            try:
                found[f"{site}/{inside}"] = path.read_bytes()
            except OSError as error:
                raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
    return found
