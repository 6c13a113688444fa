"""Which shared libraries a base brings: what its loader finds without being told where to look."""

from __future__ import annotations

from ..model.java import JAVA
from ..oci.store import Store
from ..patterns import pattern
from .discover import environment
from .ldcache import read_cache
from .tree import LIBRARY_CACHE, Tree, read_tree
from .types import Base

# The revision of what counts as found.
REVISION = 1
_LIBRARY = pattern(r"[^/]+\.so(?:\.[^/]+)?")
_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}


def libraries_of(base: Base, store: Store) -> frozenset[str]:
    """The names by which programs ask for shared libraries (`libgomp.so.1`) that `base` has.

    Those of its ld.so.cache, and the files of the loader's own folders, of LD_LIBRARY_PATH and beside its Python;
    `libjvm.so` where there is a Java runtime in any folder. Remembered by the base's digest. Raises BaseImageError for
    a layer that cannot be read, CorruptBlobError for a damaged one.
    """
    key = f"libraries:{REVISION}:{base.digest}"
    names = (store.get_key(key) or {}).get("names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return frozenset(names)
    tree = read_tree(store, base.layers)
    found = _cached(tree) | {
        name for folder in _folders(base) for name in tree.children(folder) if _LIBRARY.fullmatch(name)
    }
    if any(path.endswith(f"/{JAVA}") and node != "d" for path, node in tree.nodes.items()):
        found.add(JAVA)
    store.put_key(key, {"names": sorted(found)})
    return frozenset(found)


def _cached(tree: Tree) -> set[str]:
    """The libraries of the loader's cache that are really there."""
    libraries = read_cache(tree.caches.get(LIBRARY_CACHE, b""))
    return {library.soname for library in libraries if tree.is_file(library.path)}


def _folders(base: Base) -> list[str]:
    triplet = _TRIPLETS.get(base.architecture, "")
    folders = ["lib", "lib64", "usr/lib", "usr/lib64", "usr/local/lib", f"{base.interpreter.home}/lib"]
    folders += [f"{folder}/{triplet}" for folder in ("lib", "usr/lib", "usr/local/lib") if triplet]
    named = environment(base.config).get("LD_LIBRARY_PATH", "").split(":")
    return [*folders, *(folder for folder in named if folder.startswith("/"))]
