"""What is to be compiled together: the modules wanted of each wheel, of the server itself, of the base's stdlib."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...bases.rootfs import inside, interpreter_command, interpreter_environment, library_folders, rootfs
from ...errors import BaseImageError
from ...oci.canonical import digest_of, sha256_digest
from .closure import Closure, closure, everything
from .compile import Group, Toolchain, pyc_path
from .contents import StdlibModules, WheelModules

if TYPE_CHECKING:
    from ...bases.types import Base
    from ...oci.store import Store
    from ...oci.wheel import WheelSource


def groups_of(
    store: Store,
    *,
    base: Base,
    compiler: Base,
    wheels: Sequence[WheelSource],
    roots: Sequence[str],
    mode: str,
    prefix: str,
    keep_tests: bool,
    sources: Mapping[str, bytes],
) -> tuple[Toolchain, list[Group]]:
    """What compiles, and the groups that are not empty, in a fixed order. The arguments are `bytecode_layer`'s."""
    root = rootfs(base, store)
    site = f"{prefix}/lib/python{base.interpreter.minor}/site-packages"
    own = {path[len(site) + 1 :]: data for path, data in sources.items() if path.startswith(site + "/")}
    stdlib, place = _stdlib(base, root)
    content = digest_of([layer.diff_id for layer in base.layers])
    if mode == "on":
        chosen = everything(wheels, own, stdlib, keep_tests=keep_tests)
    else:
        chosen = closure(roots, wheels, own, stdlib, store, keep_tests=keep_tests, stdlib_key=content)
    toolchain = toolchain_of(compiler, root if compiler is base else rootfs(compiler, store))
    modules = StdlibModules(stdlib)
    groups = [
        *_site_groups(chosen, wheels, own, site, keep_tests),
        Group(
            title=f"the standard library of {base.name}",
            content=f"stdlib:{content}",
            folder=place,
            paths=tuple(p for p in chosen.stdlib if not (root / pyc_path(f"{place}/{p}", toolchain.tag)).exists()),
            read=lambda paths: map(modules.read, paths),
        ),
    ]
    return toolchain, [group for group in groups if group.paths]


def _site_groups(
    chosen: Closure, wheels: Sequence[WheelSource], own: Mapping[str, bytes], site: str, keep_tests: bool
) -> Iterator[Group]:
    yield Group(
        title="the server's own modules",
        content=digest_of({path: sha256_digest(own[path]) for path in chosen.sources}),
        folder=site,
        paths=chosen.sources,
        read=lambda paths: map(own.__getitem__, paths),
    )
    pairs = zip(wheels, chosen.wheels, strict=True)
    for wheel, paths in sorted(pairs, key=lambda pair: pair[0].filename):

        def read(paths: Sequence[str], wheel: WheelSource = wheel) -> Iterator[bytes]:
            with WheelModules(wheel, keep_tests=keep_tests) as modules:
                yield from map(modules.read, paths)

        yield Group(
            title=wheel.filename,
            content="wheel:" + (wheel.expected or _hash_file(wheel.path)),
            folder=site,
            paths=paths,
            read=read,
        )


def _stdlib(base: Base, root: Path) -> tuple[Path, str]:
    """The folder of the base's stdlib on this host, and its path in the image without a leading slash."""
    seen = f"{base.interpreter.home.strip('/')}/lib/python{base.interpreter.minor}".lstrip("/")
    folder = inside(root, seen)
    if folder is None or not (folder / "os.py").is_file():
        raise BaseImageError(f"{base.name} has no standard library in /{seen}", hint="build with `--bytecode off`")
    # A directory entry of a layer would replace a link, so the files go where the links lead.
    return folder, folder.relative_to(root).as_posix()


def toolchain_of(base: Base, root: Path) -> Toolchain:
    """What compiles with the Python of `base`, which is unpacked in `root`."""
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
