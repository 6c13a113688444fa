"""What a model and its scoring script import, remembered for files with the same content."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace

from .errors import StorageError
from .model.imports import Imported, model_imports, python_files
from .model.pickled_files import pickled_files
from .model.types import Model, ModelFile, Pickle
from .oci.canonical import digest_of
from .oci.store import Store
from .options import Options
from .resolver.whole import imported_tops

# Raise it when the same files give other imports than before.
_REVISION = 1


def imports_of(model: Model, options: Options, store: Store) -> tuple[Imported, ...]:
    """Every import that says whether mlflow-skinny is enough. Raises ModelError for a file that cannot be read."""
    from .model.content import hash_files, is_known
    from .model.pickles import CACHE_REVISION
    from .planner.layers import LARGE_FILE

    wanted = {*python_files(model), *(file.path for file in pickled_files(model))}
    files = tuple(file for file in model.files if file.path in wanted)
    large = [file for file in files if file.size >= LARGE_FILE and not is_known(model, file, store.root)]
    if large:
        # Their hashes are worked out while their layers are written.
        return _read(model, options, store)
    hashes = hash_files(replace(model, files=files), store.root)
    tops = sorted(imported_tops())
    # MLmodel names the loader and where the code lies; which syntax is read is this Python's.
    read_as = [_REVISION, CACHE_REVISION, list(sys.version_info[:2]), tops]
    key = "imports:" + digest_of([*read_as, model.texts.get("MLmodel", ""), hashes, _script(options)])
    with suppress(KeyError, TypeError):
        return tuple(Imported(name=row["name"], where=row["where"]) for row in (store.get_key(key) or {})["imports"])
    found = _read(model, options, store)
    with suppress(StorageError):  # not remembering it costs time alone
        store.put_key(key, {"imports": [asdict(one) for one in found]})
    return found


def scan_known(model: Model, store: Store) -> tuple[Pickle, ...]:
    """What the model's pickles say, each file's remembered by its content: the same on a slow machine as on a fast one.

    Raises ModelError for one that cannot be read.
    """
    from .model.pickles import scan

    return scan(model, cache=lambda file, read: _pickles_of(model, store, file, read), seconds=float("inf"))


def _pickles_of(
    model: Model, store: Store, file: ModelFile, read: Callable[[], tuple[Pickle, ...]]
) -> tuple[Pickle, ...]:
    """What `file` holds, by the hash of its content."""
    from .model.content import hash_files, is_known
    from .model.pickles import CACHE_REVISION, from_json, to_json
    from .planner.layers import LARGE_FILE

    if file.size >= LARGE_FILE and not is_known(model, file, store.root):
        # It gets a layer of its own, and its hash is worked out while that is written; what it holds is remembered
        # the next time.
        return read()
    content = hash_files(replace(model, files=(file,)), store.root)[file.path]
    key = f"pickles:{CACHE_REVISION}:{content}"
    with suppress(KeyError, TypeError, AttributeError):
        return from_json((store.get_key(key) or {})["pickles"], file.path)
    found = read()
    with suppress(StorageError):  # not remembering it costs time alone
        store.put_key(key, {"pickles": to_json(found)})
    return found


def _read(model: Model, options: Options, store: Store) -> tuple[Imported, ...]:
    return model_imports(
        model, scan_known(model, store), tops=imported_tops(), script=options.scoring_script, code=options.code
    )


def _script(options: Options) -> list[list[str]]:
    """What the scoring script and its folder hold: the name and the hash of each file."""
    if options.scoring_script is None:
        return []
    from .scripts import read_script

    script = read_script(options.scoring_script, options.code)
    return [[script.entry, ""], *([file.path, file.sha256] for file in script.files if file.path.endswith(".py"))]
