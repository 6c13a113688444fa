"""Which modules a start imports: the closure of static imports from a few roots, over wheels and stdlib."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...oci.canonical import digest_of, sha256_digest
from . import SCAN_REVISION, scan
from .contents import StdlibModules, WheelModules, module_name
from .supplement import START, supplement, supplement_text

if TYPE_CHECKING:
    from ...oci.store import Store
    from ...oci.wheel import WheelSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """The .py files that are reached, sorted: for each wheel in the given order, of the sources, of the stdlib.

    Paths are relative to site-packages, those of `stdlib` to its folder.
    """

    wheels: tuple[tuple[str, ...], ...]
    sources: tuple[str, ...]
    stdlib: tuple[str, ...]


def closure(
    roots: Sequence[str],
    wheels: Sequence[WheelSource],
    extra_sources: Mapping[str, bytes],
    stdlib: Path,
    store: Store,
    *,
    keep_tests: bool = False,
    stdlib_key: str = "",
) -> Closure:
    """The files that importing the modules `roots` reads, as far as their text shows it.

    `extra_sources` are modules beside the wheels' (path in site-packages -> source), which win over them; of two
    wheels with one path the later wins; the stdlib in the folder `stdlib` wins over all. A root that nobody has
    is passed over. Nothing is executed. What a wheel imports is remembered in `store` by the wheel's hash, what
    the stdlib imports by `stdlib_key`, a name of its content; without one it is read again.
    """
    lasting = bool(stdlib_key) and all(wheel.expected for wheel in wheels)
    key = "closure:" + digest_of(
        {
            "scan": SCAN_REVISION,
            "supplement": sha256_digest(supplement_text().encode()),
            "roots": sorted(roots),
            "wheels": [[wheel.filename, wheel.expected] for wheel in wheels],
            "sources": {path: sha256_digest(data) for path, data in extra_sources.items()},
            "stdlib": stdlib_key,
            "keep_tests": keep_tests,
        }
    )
    if lasting and (known := _from_json(store.get_key(key), len(wheels))):
        return known
    with ExitStack() as opened:
        shelves = [
            _Shelf(opened.enter_context(WheelModules(wheel, keep_tests=keep_tests)), store, wheel.expected)
            for wheel in wheels
        ]
        shelves.append(_Shelf(_Sources(extra_sources), store, ""))
        shelves.append(_Shelf(StdlibModules(stdlib), store, stdlib_key and f"stdlib:{stdlib_key}"))
        reached = _walk([*supplement().get(START, ()), *roots], shelves)
    for shelf in shelves:
        shelf.remember()
    found = Closure(wheels=tuple(reached[: len(wheels)]), sources=reached[-2], stdlib=reached[-1])
    if lasting:
        store.put_key(key, {"wheels": found.wheels, "sources": found.sources, "stdlib": found.stdlib})
    return found


def everything(
    wheels: Sequence[WheelSource], extra_sources: Mapping[str, bytes], stdlib: Path, *, keep_tests: bool
) -> Closure:
    """Every .py file, of what `closure` takes; a path that lies in two places belongs to the one that wins."""
    taken = set(extra_sources)
    parts: list[tuple[str, ...]] = []
    for wheel in reversed(wheels):
        with WheelModules(wheel, keep_tests=keep_tests) as modules:
            parts.append(tuple(path for path in modules.paths if path.endswith(".py") and path not in taken))
        taken.update(parts[-1])
    return Closure(
        wheels=tuple(reversed(parts)),
        sources=tuple(sorted(path for path in extra_sources if path.endswith(".py"))),
        stdlib=tuple(path for path in StdlibModules(stdlib).paths if path.endswith(".py")),
    )


def _walk(roots: Iterable[str], shelves: Sequence[_Shelf]) -> list[tuple[str, ...]]:
    """From `roots` along every import; the .py files reached on each shelf, sorted."""
    places: dict[str, tuple[int, str]] = {}
    packages: set[str] = set()  # with or without an __init__
    for number, shelf in enumerate(shelves):
        for path in shelf.paths:
            name, _ = module_name(path)
            if name not in places or places[name][0] != number or _rank(path) > _rank(places[name][1]):
                places[name] = (number, path)
            while name := name.rpartition(".")[0]:
                if name in packages:
                    break
                packages.add(name)
    reached: list[set[str]] = [set() for _ in shelves]
    seen: set[str] = set()
    todo = list(roots)
    while todo:
        wanted = todo.pop()
        if wanted.endswith(".*"):
            todo += [name for name in places if name.rpartition(".")[0] == wanted[:-2]]
            continue
        parts = wanted.split(".")
        for depth in range(1, len(parts) + 1):
            name = ".".join(parts[:depth])
            if name in seen:
                continue
            place = places.get(name)
            if place is None and name not in packages and name not in supplement():
                break
            seen.add(name)
            todo += supplement().get(name, ())
            if place is not None and place[1].endswith(".py"):
                reached[place[0]].add(place[1])
                todo += shelves[place[0]].imports(place[1])
    return [tuple(sorted(paths)) for paths in reached]


def _rank(path: str) -> tuple[bool, bool]:
    """Of files for one name in one folder Python takes the package, then the compiled module."""
    return module_name(path)[1], path.endswith(".so")


class _Modules(Protocol):
    @property
    def paths(self) -> Sequence[str]: ...

    def read(self, path: str) -> bytes: ...


class _Sources:
    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self.paths = tuple(sorted(sources))
        self.read = sources.__getitem__


class _Shelf:
    """A place with modules, and what they import as far as it is known. Nothing is remembered without a key."""

    def __init__(self, modules: _Modules, store: Store, key: str) -> None:
        self.paths = modules.paths
        self._read = modules.read
        self._store = store
        self._key = key and f"imports:{SCAN_REVISION}:{key}"
        self._known: dict[str, Any] = (store.get_key(self._key) if key else None) or {}
        self._at_first = len(self._known)

    def imports(self, path: str) -> Sequence[str]:
        """What the file at `path` imports."""
        names = self._known.get(path)
        if not isinstance(names, str):
            module, package = module_name(path)
            names = " ".join(scan.module_imports(self._read(path), module, package=package))
            self._known[path] = names
        return names.split()

    def remember(self) -> None:
        """Note what was found out anew."""
        if self._key and len(self._known) > self._at_first:
            self._store.put_key(self._key, self._known)


def _from_json(value: Mapping[str, Any] | None, count: int) -> Closure | None:
    match value:
        case {"wheels": [*wheels], "sources": [*sources], "stdlib": [*stdlib]} if len(wheels) == count:
            return Closure(
                wheels=tuple(tuple(map(str, paths)) for paths in wheels),
                sources=tuple(map(str, sources)),
                stdlib=tuple(map(str, stdlib)),
            )
    return None
