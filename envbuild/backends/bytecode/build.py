"""The layer of .pyc files that lies behind the wheels."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...bases.rootfs import inside, interpreter_command, interpreter_environment, library_folders, rootfs
from ...errors import BaseImageError, CorruptBlobError, EnvbuildError
from ...oci.canonical import digest_of, sha256_digest
from ...oci.layer import build_layer, layer_from_key, remember_layer
from .closure import Closure, closure, everything
from .compile import Group, Toolchain, compile_groups
from .contents import StdlibModules, WheelModules
from .records import unpack

if TYPE_CHECKING:
    from ...bases.types import Base
    from ...oci.store import Store
    from ...oci.tar import LayerTar
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
) -> Layer:
    """The layer with the bytecode of `wheels`, of `sources` and of the base's stdlib, remembered under `plan_key`.

    `startup` compiles what importing the modules `roots` imports, `on` compiles everything. `prefix` and the
    paths of `sources` have no leading slash; sources outside of the prefix's site-packages are passed over, and
    so are stdlib modules of which the base has a .pyc itself. EnvbuildError: the interpreter failed.
    """
    known = layer_from_key(store, plan_key)
    if known is not None:
        return known
    possible, why = can_compile(base)
    if not possible:
        raise EnvbuildError(f"no bytecode can be made: {why}", hint="build with `--bytecode off`")
    root = rootfs(base, store)
    site = f"{prefix}/lib/python{base.interpreter.minor}/site-packages"
    own = {path[len(site) + 1 :]: data for path, data in sources.items() if path.startswith(site + "/")}
    stdlib, stdlib_place = _stdlib(base, root)
    content = digest_of([layer.diff_id for layer in base.layers])
    if mode == "on":
        chosen = everything(wheels, own, stdlib, keep_tests=keep_tests)
    else:
        chosen = closure(roots, wheels, own, stdlib, store, keep_tests=keep_tests, stdlib_key=content)
    toolchain = _toolchain(base, root)
    groups = [
        *_site_groups(chosen, wheels, own, site, keep_tests),
        _stdlib_group(chosen, base, root, stdlib, stdlib_place, content, toolchain.tag),
    ]
    layer = _write([group for group in groups if group.paths], toolchain, store)
    remember_layer(store, plan_key, layer)
    return layer


def _write(groups: Sequence[Group], toolchain: Toolchain, store: Store) -> Layer:
    """Compile what is not remembered, and lay all of it into one tar. Damaged blobs are made anew, once."""
    dropped: set[str] = set()
    while True:
        digests = compile_groups(groups, toolchain, store)

        def write(tar: LayerTar, digests: Sequence[str] = digests) -> None:
            for digest in digests:
                for path, content in unpack(store.read(digest)):
                    tar.data(pyc_path(path, toolchain.tag), content)

        try:
            return build_layer(store, write)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            store.drop(error.digest)


def pyc_path(path: str, tag: str) -> str:
    """Where Python looks for the bytecode of the source at `path`."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _site_groups(
    chosen: Closure, wheels: Sequence[WheelSource], own: Mapping[str, bytes], site: str, keep_tests: bool
) -> Iterator[Group]:
    yield Group(
        title="the server's own modules",
        content=digest_of({path: sha256_digest(own[path]) for path in chosen.sources}),
        folder=site,
        paths=chosen.sources,
        read=lambda paths: [own[path] for path in paths],
    )
    pairs = zip(wheels, chosen.wheels, strict=True)
    for wheel, paths in sorted(pairs, key=lambda pair: pair[0].filename):

        def read(paths: Sequence[str], wheel: WheelSource = wheel) -> list[bytes]:
            with WheelModules(wheel, keep_tests=keep_tests) as modules:
                return [modules.read(path) for path in paths]

        yield Group(
            title=wheel.filename,
            content="wheel:" + (wheel.expected or _hash_file(wheel.path)),
            folder=site,
            paths=paths,
            read=read,
        )


def _stdlib_group(chosen: Closure, base: Base, root: Path, stdlib: Path, place: str, content: str, tag: str) -> Group:
    modules = StdlibModules(stdlib)
    return Group(
        title=f"the standard library of {base.name}",
        content=f"stdlib:{content}",
        folder=place,
        paths=tuple(path for path in chosen.stdlib if not (root / pyc_path(f"{place}/{path}", tag)).exists()),
        read=lambda paths: [modules.read(path) for path in paths],
    )


def _stdlib(base: Base, root: Path) -> tuple[Path, str]:
    """The folder of the base's stdlib on this host, and its path in the image without a leading slash."""
    seen = f"{base.interpreter.home.strip('/')}/lib/python{base.interpreter.minor}".lstrip("/")
    folder = inside(root, seen)
    if folder is None or not (folder / "os.py").is_file():
        raise BaseImageError(f"{base.name} has no standard library in /{seen}", hint="build with `--bytecode off`")
    # A directory entry of a layer would replace a link, so the files go where the links lead.
    return folder, folder.relative_to(root).as_posix()


def _toolchain(base: Base, root: Path) -> Toolchain:
    minor = base.interpreter.minor
    executable = inside(root, base.interpreter.executable)
    libraries = [file for folder in library_folders(root) for file in folder.glob(f"libpython{minor}*.so*")]
    files = {_hash_file(file) for file in [executable, *libraries] if file is not None and file.is_file()}
    return Toolchain(
        command=tuple(interpreter_command(base, root)),
        environment=tuple(sorted(interpreter_environment(base, root).items())),
        identity=digest_of([base.interpreter.version, sorted(files)]),
        tag=f"cpython-{minor.replace('.', '')}",
    )


def _hash_file(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()
