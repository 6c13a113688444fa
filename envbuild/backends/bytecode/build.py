"""The layer of .pyc files that lies behind the wheels: whether there can be one, and making it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import BaseImageError, EnvbuildError

if TYPE_CHECKING:
    from ...bases.types import Base
    from ...oci.store import Store
    from ...oci.types import Layer
    from ...oci.wheel import WheelSource

_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def can_compile(base: Base, root: Path | None = None) -> tuple[bool, str]:
    """Whether the base's own Python can run on this host, and if not, why.

    Its loader and its executable are looked for if `root`, the unpacked base, is given.
    """
    if platform.system() != "Linux":
        return False, f"bytecode is made by the base's own Python, which does not run on {platform.system()}"
    machine = platform.machine()
    if _MACHINES.get(machine, machine) != base.architecture:
        return False, f"the base's Python is for {base.architecture}, this machine is {machine}"
    if not base.interpreter.executable:
        return False, "the base has no Python that could compile"
    if not base.glibc:
        return False, "the base has no glibc (musl?), so its Python cannot be run on this host"
    if root is not None:
        from ...bases.rootfs import interpreter_command

        try:
            interpreter_command(base, root)
        except BaseImageError as error:
            return False, error.message
    return True, ""


def bytecode_layer(
    store: Store,
    plan_key: str,
    *,
    base: Base,
    wheels: Sequence[WheelSource],
    roots: Sequence[str],
    mode: Literal["startup", "on"],
    prefix: str,
    keep_tests: bool,
    sources: Mapping[str, bytes],
    compiler: Base | None = None,
) -> Layer:
    """The layer with the bytecode of `wheels`, of `sources` and of the base's stdlib, remembered under `plan_key`.

    The Python of `compiler` makes it, by default that of `base`.

    `startup` compiles what importing the modules `roots` imports, `on` compiles everything. `prefix` and the
    paths of `sources` have no leading slash; sources outside of the prefix's site-packages are passed over, and
    so are stdlib modules of which the base has a .pyc itself. EnvbuildError: the interpreter failed.
    """
    from ...oci.layer import layer_from_key, remember_layer

    known = layer_from_key(store, plan_key)
    if known is not None:
        return known
    compiler = compiler or base
    possible, why = can_compile(compiler)
    if not possible:
        raise EnvbuildError(f"no bytecode can be made: {why}", hint="build with `--bytecode off`")
    # Only now, since a run that changes nothing asks can_compile too.
    from .groups import groups_of
    from .writing import write_layer

    toolchain, groups = groups_of(
        store,
        base=base,
        compiler=compiler,
        wheels=wheels,
        roots=roots,
        mode=mode,
        prefix=prefix,
        keep_tests=keep_tests,
        sources=sources,
    )
    layer = write_layer(groups, toolchain, store)
    remember_layer(store, plan_key, layer)
    return layer
