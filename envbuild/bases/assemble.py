"""From locked .debs to one layer: unpacked straight into a deterministic tar, with what scripts would have made."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase

from ..errors import BaseImageError
from ..oci.elf import read_dynamic
from ..oci.layer import build_layer
from ..oci.store import Store
from ..oci.tar import LayerTar
from ..oci.types import Layer
from ..threads import pool
from . import keystore, skeleton
from .alternatives import Alternative, declared, general_names
from .deb import Control, Deb, Entry
from .ldcache import Library, write_cache
from .lock import BaseLock, LockedPackage
from .suites import ARCHITECTURES, SUITES, left_out

_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_ALWAYS_MERGED = ("bin", "lib", "sbin")
_WORLD_WRITABLE = 0o1777
# Inflated packages that are held at a time: the largest has some 15 MB.
_AHEAD = 3


def assemble_layer(lock: BaseLock, store: Store) -> Layer:
    """The layer of a base whose .debs are in the store.

    Raises CorruptBlobError for a damaged .deb, BaseImageError for one that cannot be read or that would
    overwrite another's file.
    """
    return build_layer(store, lambda tar: _Assembly(tar, lock).write(store))


def merged(path: str) -> str:
    """`path` as it lies in a merged /usr: `usr/lib/x` for `lib/x`."""
    return "usr/" + path if path.partition("/")[0] in _MERGED else path


def merged_target(path: str, target: str) -> str:
    """The target of a symbolic link that was shipped at `path`, for the place where `merged` puts it."""
    if merged(path) == path or target.startswith("/") or ".." not in target.split("/"):
        return target
    pointed = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target)).lstrip("/")
    return posixpath.relpath("/" + merged(pointed), "/" + posixpath.dirname(merged(path)))


def _opened(packages: Sequence[LockedPackage], store: Store) -> Iterator[tuple[LockedPackage, Deb]]:
    """The packages in order, inflated by threads a little ahead of their use."""

    def load(package: LockedPackage) -> Deb:
        return Deb(store.read(f"sha256:{package.sha256}"), f"{package.name} {package.version}")

    with pool(_AHEAD) as threads:
        waiting: deque[tuple[LockedPackage, Future[Deb]]] = deque()
        for package in packages:
            waiting.append((package, threads.submit(load, package)))
            if len(waiting) > _AHEAD:
                first, task = waiting.popleft()
                yield first, task.result()
        for first, task in waiting:
            yield first, task.result()


class _Assembly:
    """The state of one run: what was written, and what later files are made of."""

    def __init__(self, tar: LayerTar, lock: BaseLock) -> None:
        self._tar = tar
        self._lock = lock
        self._python = SUITES[lock.suite].python
        _, _, self._machine, self._flags = ARCHITECTURES[lock.architecture]
        self._folders: set[str] = set()
        self._owners: dict[str, str] = {}
        self._certificates: dict[str, bytes] = {}
        self._library_conf: dict[str, bytes] = {}
        self._sonames: dict[str, str] = {}
        self._links: dict[str, str] = {}

    def write(self, store: Store) -> None:
        # base-files first: it alone gives the modes of /tmp, /root and others.
        packages = sorted(self._lock.packages, key=lambda p: (p.name != "base-files", p.name))
        controls = [(package, *self._package(package, deb)) for package, deb in _opened(packages, store)]
        for name in _MERGED:
            if name in _ALWAYS_MERGED or f"usr/{name}" in self._folders:
                self._folder(f"usr/{name}")
                self._tar.symlink(name, f"usr/{name}")
        for path, content in skeleton.files().items():
            self._file(path, content, 0o644, "envbuild")
        for path, target in skeleton.links(self._python).items():
            self._link(path, target, "envbuild")
        scripts = [control.postinst for package, control, _ in controls if package.name in self._lock.whole]
        said = [one for script in scripts for one in declared(script)]
        usual = [Alternative(link=merged(o.link), target=merged(o.target), priority=o.priority) for o in said]
        for path, target in general_names(usual, self._owners).items():
            self._link(path, posixpath.relpath("/" + target, "/" + posixpath.dirname(path)), "envbuild")
            if target in self._sonames:
                self._sonames[path] = self._sonames[target]
        self._file("etc/ssl/certs/ca-certificates.crt", skeleton.ca_bundle(self._certificates), 0o644, "envbuild")
        if any(package.name == keystore.PACKAGE for package in packages):
            self._file(keystore.PATH, keystore.keystore(self._certificates), 0o644, "envbuild")
        self._file("etc/ld.so.cache", write_cache(self._libraries(), self._flags), 0o644, "envbuild")
        for package, control, paths in sorted(controls, key=lambda item: item[0].name):
            where = f"var/lib/dpkg/status.d/{package.name}"
            sums = {merged(path): md5 for path, md5 in control.md5sums.items()}
            self._file(where, skeleton.status(control.text), 0o644, "envbuild")
            self._file(f"{where}.md5sums", skeleton.md5sums(sums, paths), 0o644, "envbuild")

    def _package(self, package: LockedPackage, deb: Deb) -> tuple[Control, list[str]]:
        """Write one package; returns its control files and the paths of its regular files."""
        written = []
        whole = package.name in self._lock.whole
        for entry in deb.entries():
            path = merged(entry.path)
            if entry.kind == "file":
                self._notice(path, entry.content)
            out = not path or left_out(path, self._python, whole=whole)
            if not out and self._entry(path, entry, package.name, whole=whole):
                written.append(path)
        return deb.control(), written

    def _entry(self, path: str, entry: Entry, owner: str, *, whole: bool) -> bool:
        """Write one entry; whether it was a regular file."""
        if entry.kind == "directory":
            self._folder(path, entry.mode)
        elif entry.kind == "symlink":
            if entry.path not in _MERGED:
                self._link(path, merged_target(entry.path, entry.target), owner)
        elif entry.kind == "hardlink":
            target = merged(entry.target)
            if left_out(target, self._python, whole=whole):
                raise BaseImageError(f"{owner} links {path} to {target}, which the base leaves out")
            self._link(path, posixpath.relpath("/" + target, "/" + posixpath.dirname(path)), owner)
        else:
            self._file(path, entry.content, entry.mode, owner)
            return True
        return False

    def _notice(self, path: str, content: bytes) -> None:
        """Keep what generated files are made of."""
        folder, _, name = path.rpartition("/")
        if path.startswith("usr/share/ca-certificates/") and name.endswith(".crt"):
            self._certificates[path] = content
        elif folder == "etc/ld.so.conf.d" and name.endswith(".conf"):
            self._library_conf[path] = content
        elif fnmatchcase(name, "lib*.so*") or fnmatchcase(name, "ld-*.so*"):
            library = read_dynamic(lambda: (content,))
            if library is not None and library.machine == self._machine:
                self._sonames[path] = library.soname or name

    def _libraries(self) -> Iterable[Library]:
        """What ldconfig would list, under the folder's first name: /lib/... for what lies in /usr/lib/..."""
        for path, target in self._links.items():
            # The loader has a second name, which on arm64 lies in a folder that is searched too.
            if self._sonames.get(target) == posixpath.basename(path):
                self._sonames[path] = self._sonames[target]
        names: dict[str, str] = {}
        for folder in skeleton.library_folders(self._library_conf):
            names.setdefault(merged(folder[1:]), folder)
        # Of one name, the folder that is searched first comes first.
        for searched in names:
            for path in sorted(self._sonames):
                folder, _, file = path.rpartition("/")
                if folder == searched and path in self._owners:
                    soname = self._sonames[path]
                    shown = soname if f"{folder}/{soname}" in self._owners else file
                    yield Library(soname=soname, path=f"{names[folder]}/{shown}")

    def _folder(self, path: str, mode: int = 0o755) -> None:
        """A folder and its parents, once; only /tmp and its like keep a special mode."""
        if path in self._folders:
            return
        parent = posixpath.dirname(path)
        if parent:
            self._folder(parent)
        self._folders.add(path)
        self._tar.directory(path, mode & _WORLD_WRITABLE)

    def _file(self, path: str, content: bytes, mode: int, owner: str) -> None:
        self._claim(path, owner)
        self._tar.data(path, content, mode & 0o755)

    def _link(self, path: str, target: str, owner: str) -> None:
        self._claim(path, owner)
        whole = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target)).lstrip("/")
        if posixpath.dirname(whole) != posixpath.dirname(path):
            self._links[path] = merged(whole)
        self._tar.symlink(path, target)

    def _claim(self, path: str, owner: str) -> None:
        if path in self._owners or path in self._folders:
            raise BaseImageError(f"{path} comes from {owner} and from {self._owners.get(path, 'a folder')}")
        self._owners[path] = owner
        parent = posixpath.dirname(path)
        if parent:
            self._folder(parent)
