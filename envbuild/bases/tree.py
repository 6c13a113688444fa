"""What an image's layers hold when they lie over each other, read from their tars without unpacking them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from ..errors import BaseImageError
from ..oci.store import Store
from ..oci.types import Layer
from .links import follow
from .unpack import clean_parts, entries, open_layer

_ENTRIES = 2_000_000
_MOST_TEXT = 256 << 20
_LARGEST = 256 << 20
_LARGEST_TEXT = 64 << 20
LIBRARY_CACHE = "etc/ld.so.cache"
_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."

_LIBC = re.compile(r"libc\.so\.6|libc-2\.\d+\.so")
_PYTHON = re.compile(r"python3?(\.\d+)?|libpython3\.\d+\.so(\.[\d.]+)?")
_DPKG = re.compile(r"var/lib/dpkg/status(\.d/[^/]+(?<!\.md5sums))?")
_GLIBC_VERSION = re.compile(rb"GNU C Library [^\n]{0,80}?version (\d+\.\d+)")
_PATCHLEVEL = re.compile(r"(?:.*/)?include/python3\.\d+/patchlevel\.h")
_DEFINED_VERSION = re.compile(rb'#define\s+PY_VERSION\s+"(3\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\+?"')
# PY_VERSION stands alone in the binary, as a C string; a linker may have made it the end of another.
_PYTHON_VERSION = re.compile(rb"\x00(3\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\+?\x00")


@dataclass(slots=True)
class Tree:
    """Paths (no leading slash) and what is there: `d` a folder, `f` a file, else the target of a link after `l`.

    `facts` are the version numbers found inside the files that matter, by path; `dpkg` the texts of the
    package database; `caches` the loader's list of libraries, etc/ld.so.cache.
    """

    nodes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    dpkg: dict[str, str] = field(default_factory=dict)
    caches: dict[str, bytes] = field(default_factory=dict)

    def resolve(self, path: str) -> str | None:
        """The real path of `path` with every link followed; None if there is nothing."""

        def probe(place: str) -> str | None:
            node = self.nodes.get(place)
            return node if node is None else node[1:] if node.startswith("l") else ""

        return follow(path, probe)

    def is_file(self, path: str) -> bool:
        """Whether `path` leads to a regular file."""
        real = self.resolve(path)
        return real is not None and self.nodes.get(real) == "f"

    def children(self, folder: str) -> list[str]:
        """The names in a folder, sorted; empty where there is none."""
        real = self.resolve(folder)
        if real is None:
            return []
        prefix = real + "/" if real else ""
        names = (path[len(prefix) :] for path in self.nodes if path.startswith(prefix))
        return sorted(name for name in names if name and "/" not in name)


def read_tree(store: Store, layers: Sequence[Layer]) -> Tree:
    """The files of the layers, lowest first, with whiteouts applied. Raises BaseImageError."""
    tree = Tree()
    for layer in layers:
        _overlay(tree, store, layer)
    return tree


def _overlay(tree: Tree, store: Store, layer: Layer) -> None:
    upper = Tree()
    removed: set[str] = set()
    emptied: set[str] = set()
    texts = sum(map(len, tree.dpkg.values()))
    with open_layer(store, layer) as tar:
        for parts, member in entries(tar, layer):
            folder, path, name = "/".join(parts[:-1]), "/".join(parts), parts[-1]
            if name == _OPAQUE:
                emptied.add(folder)
                continue
            if name.startswith(_WHITEOUT):
                removed.add(f"{folder}/{name.removeprefix(_WHITEOUT)}".lstrip("/"))
                continue
            _imply_folders(upper, tree, folder)
            if member.isdir():
                upper.nodes[path] = "d"
            elif member.issym():
                upper.nodes[path] = "l" + member.linkname
            elif member.islnk():
                source = "/".join(clean_parts(member.linkname) or ())
                upper.nodes[path] = (upper.nodes.get(source) or tree.nodes.get(source)) or "f"
                fact = upper.facts.get(source) or tree.facts.get(source)
                if fact:
                    upper.facts[path] = fact
            elif member.isfile():
                upper.nodes[path] = "f"
                content = tar.extractfile(member) if member.size <= _LARGEST else None
                if content is not None:
                    _notice(upper, path, name, content, member.size)
            texts += len(upper.dpkg.get(path, ""))
            if len(upper.nodes) + len(tree.nodes) > _ENTRIES or texts > _MOST_TEXT:
                raise BaseImageError(f"it has more than {_ENTRIES} entries, or {_MOST_TEXT} bytes of package lists")
    _hide(tree, upper, removed, emptied)
    tree.nodes.update(upper.nodes)
    tree.facts.update(upper.facts)
    tree.dpkg.update(upper.dpkg)
    tree.caches.update(upper.caches)


def _imply_folders(upper: Tree, lower: Tree, folder: str) -> None:
    """A tar need not list the folders that its files lie in."""
    while folder and folder not in upper.nodes:
        if folder not in lower.nodes:
            upper.nodes[folder] = "d"
        folder = folder.rpartition("/")[0]


def _notice(tree: Tree, path: str, name: str, content: IO[bytes], size: int) -> None:
    """Remember what a file says of versions, if it is one of those that do."""
    pattern = None
    if _LIBC.fullmatch(name):
        pattern = _GLIBC_VERSION
    elif _PYTHON.fullmatch(name):
        pattern = _PYTHON_VERSION
    elif name == "patchlevel.h" and _PATCHLEVEL.fullmatch(path) and size <= _LARGEST_TEXT:
        pattern = _DEFINED_VERSION
    elif _DPKG.fullmatch(path) and size <= _LARGEST_TEXT:
        tree.dpkg[path] = content.read().decode("utf-8", "replace")
    elif path == LIBRARY_CACHE and size <= _LARGEST_TEXT:
        tree.caches[path] = content.read()
    if pattern is not None:
        found = pattern.search(content.read())
        if found:
            tree.facts[path] = found.group(1).decode()


def _hide(tree: Tree, upper: Tree, removed: set[str], emptied: set[str]) -> None:
    """Take out of the lower layers what the upper one hides: by whiteouts, and by files in the place of folders."""
    for path, node in upper.nodes.items():
        if node != "d" and tree.nodes.get(path) == "d":
            removed.add(path)
    if not removed and not emptied:
        return
    for path in list(tree.nodes):
        if path in removed or any(above in removed or above in emptied for above in _above(path)):
            for table in (tree.nodes, tree.facts, tree.dpkg, tree.caches):
                table.pop(path, None)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
    yield ""
