"""Which files of a model may hold pickles, by their names."""

from __future__ import annotations

from collections.abc import Iterator

from .types import Model, ModelFile

_SUFFIXES = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".skops", ".pt", ".pth", ".ckpt", ".sav", ".bin")
_COMPRESSED = (".z", ".gz", ".bz2", ".xz", ".lzma")
_NO_PICKLES = (".py", ".yaml", ".yml", ".json", ".txt")


def pickled_files(model: Model) -> Iterator[ModelFile]:
    """The files that are named like pickles, and those that a flavor names, in their order."""
    flavors = model.mlmodel.flavors.values() if model.mlmodel is not None else ()
    named = {value for flavor in flavors for value in flavor.values() if isinstance(value, str)}
    for file in model.files:
        name = file.path.rsplit("/", 1)[-1].lower()
        fits = name.endswith((*_SUFFIXES, *_COMPRESSED)) or (file.path in named and not name.endswith(_NO_PICKLES))
        if file.size and fits:
            yield file
