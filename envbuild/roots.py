"""Which modules start-up imports: the roots of the bytecode that is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import StorageError
from .model.types import Model
from .oci.canonical import digest_of
from .oci.store import Store
from .planner.types import FileEntry
from .servers.types import Server

# Raise it when the same files give other roots than before.
REVISION = 2


def import_roots(
    model: Model,
    hashes: Mapping[str, str],
    server: Server,
    scripts: tuple[FileEntry, ...],
    store: Store,
) -> tuple[str, ...]:
    """The server, the model's loader, what its pickles and its own code name, and what the scripts import; sorted.

    `hashes` are those of the model's files (hex, by path), `scripts` the files of the scoring script. Pickles
    are slow to look through, so the answer is remembered for files with the same content.
    """
    loader = model.mlmodel.loader_module if model.mlmodel is not None else ""
    named = {entry.path: entry.sha256 for entry in scripts}
    key = "roots:" + digest_of([REVISION, server.modules, loader or "", dict(hashes), named])
    match store.get_key(key):
        case {"roots": [*known]} if all(isinstance(name, str) for name in known):
            return tuple(known)
    roots = {*server.modules, *_read(model, scripts)}
    if loader:
        roots.add(loader)
    found = tuple(sorted(roots))
    with suppress(StorageError):  # not remembering it costs time alone
        store.put_key(key, {"roots": found})
    return found


def _read(model: Model, scripts: tuple[FileEntry, ...]) -> set[str]:
    from .backends.bytecode.scan import module_imports
    from .model.pickles import imported_modules

    sources: list[Path] = [model.root / file.path for file in model.files]
    sources += [file.source for file in scripts]
    found = set(imported_modules(model))
    for source in sources:
        if source.name.endswith(".py"):
            found.update(module_imports(source.read_bytes()))
    return found
