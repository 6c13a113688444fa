"""A base unpacked on the host, so that its own interpreter can run there without root or an engine."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

from ..errors import BaseImageError, StorageError
from ..oci.store import Store
from .links import follow
from .types import Base

_LOADERS = {
    "amd64": ("lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
    "arm64": ("lib/ld-linux-aarch64.so.1", "usr/lib/ld-linux-aarch64.so.1"),
}
_MACHINES = {"amd64": ("x86_64", "AMD64"), "arm64": ("aarch64", "arm64")}
_BUILT_IN = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")


def host_architecture() -> str:
    """The architecture, as images name it, whose programs this machine runs; empty where it runs none of Linux."""
    machine = platform.machine() if platform.system() == "Linux" else ""
    return next((name for name, machines in _MACHINES.items() if machine in machines), "")


def rootfs(base: Base, store: Store, *, anew: bool = False) -> Path:
    """The folder under the store that holds the unpacked base; made on the first call, as one atomic step.

    Whiteouts are applied, owners and devices are not: it is for reading and for the interpreter. No entry can
    leave the folder: absolute links become relative ones inside it. `anew` puts another in its place, where it turned
    out to be damaged; other runs may go on with the old one. Raises CorruptBlobError, StorageError, BaseImageError.
    """
    final = _place(base, store)
    if final.is_dir() and not anew:
        with suppress(OSError):
            os.utime(final)
        return final
    from .unpack import unpack_layer

    try:
        with store.temporary() as folder:
            working = folder / "root"
            working.mkdir()
            for layer in base.layers:
                unpack_layer(store, layer, working)
            final.parent.mkdir(parents=True, exist_ok=True)
            if anew:
                with suppress(FileNotFoundError):
                    os.utime(final, follow_symlinks=False)
                    final.rename(store.root / "tmp" / f"old-{os.urandom(8).hex()}")  # `cache prune` takes it later
            try:
                working.rename(final)
            except OSError:
                if not final.is_dir():  # else another run was first, with the same content
                    raise
    except OSError as error:
        raise StorageError(
            f"{final} cannot be written: {error.strerror or error}",
            hint="free some space, or choose another folder for the cache",
        ) from error
    return final


def interpreter_command(base: Base, root: Path) -> list[str]:
    """The start of a command line that runs the base's Python on this host; `root` is what `rootfs` gave.

    The base's own loader starts it with the base's own libraries. Nothing of the environment is needed; pass
    `-I` or `interpreter_environment` to keep this host's PYTHON variables away.
    Raises BaseImageError where it cannot run: another system or architecture, a base without glibc's loader.
    """
    if base.architecture != host_architecture():
        raise BaseImageError(
            f"the interpreter of a linux/{base.architecture} base cannot run on {platform.system()} "
            f"{platform.machine()}"
        )
    found = [inside(root, name) for name in _LOADERS[base.architecture]]
    loader = next((path for path in found if path is not None and path.is_file()), None)
    if loader is None:
        raise BaseImageError(f"{base.name} has no {_LOADERS[base.architecture][0]}")
    executable = inside(root, base.interpreter.executable)
    if executable is None or not executable.is_file():
        raise BaseImageError(f"{base.name} has no {base.interpreter.executable}")
    folders = library_folders(root)
    # -B: nothing may be written below the root, whose content is what other runs rely on.
    return [str(loader), "--library-path", ":".join(map(str, folders)), str(executable), "-B"]


def interpreter_environment(base: Base, root: Path) -> dict[str, str]:
    """A whole environment for that command: the base's home, a fixed hash seed, no user site, nothing of this host."""
    return {
        "PYTHONHOME": str(root / base.interpreter.home.lstrip("/")),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "LC_ALL": "C.UTF-8",
        "PATH": "/nonexistent",
    }


def library_folders(root: Path) -> list[Path]:
    """The folders of `/etc/ld.so.conf` below `root`, includes followed, then glibc's own; those that exist."""
    names = [*_configured(root, "/etc/ld.so.conf", depth=4), *_BUILT_IN]
    found = [path for name in names if (path := inside(root, name)) is not None and path.is_dir()]
    return list(dict.fromkeys(found))


def _place(base: Base, store: Store) -> Path:
    return store.root / "rootfs" / base.digest.removeprefix("sha256:")


def _configured(root: Path, name: str, *, depth: int) -> list[str]:
    path = inside(root, name)
    if path is None or not path.is_file() or not depth:
        return []
    names: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("include "):
            pattern = text.removeprefix("include ").strip()
            pattern = pattern if pattern.startswith("/") else "/etc/" + pattern
            folder = inside(root, pattern.rpartition("/")[0])
            for file in sorted(folder.glob(pattern.rpartition("/")[2])) if folder is not None else ():
                inner = f"/{folder.relative_to(root)}/{file.name}" if folder is not None else ""
                names += _configured(root, inner, depth=depth - 1)
        elif text.startswith("/"):
            names.append(text)
    return names


def inside(root: Path, name: str) -> Path | None:
    """The real path of `name` with every link followed as if `root` were `/`; None if there is none or a loop."""

    def probe(path: str) -> str | None:
        place = root / path
        if place.is_symlink():
            return str(place.readlink())
        return "" if place.exists() else None

    real = follow(name, probe)
    return None if real is None else root / real
