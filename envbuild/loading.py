"""A model folder as a value, with all that the options put beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .model.types import Model
from .options import Options, cache_dir
from .progress import SILENT, Progress, Summary


def load(source: str | Path, *, options: Options | None = None, progress: Progress = SILENT) -> Model:
    """Read the model folder at `source`, or download it first where `source` is an address (`models:/m/1`).

    Raises ModelError for a folder that cannot be read, NetworkError for a model that cannot be had.
    """
    from .model import is_address, read

    options = options or Options()
    progress.start("read", str(source))
    # Where the cache lies is asked only where something has to be fetched: a folder is read without.
    downloads = cache_dir(options) / "downloads" if isinstance(source, str) and is_address(source) else None
    model = read(source, environment=options.environment, downloads=downloads)
    size = sum(file.size for file in model.files)
    progress.done("read", Summary(count=len(model.files), noun="files", size=size))
    if options.scoring_script is None or not options.scoring_script.is_file():
        return model
    from .model.script import read_scoring_script

    # Findings on the script show its lines as they show those of the model's files.
    script = read_scoring_script(options.scoring_script)
    return replace(model, texts={**model.texts, script.file: script.text})


def with_requirements(model: Model, options: Options) -> Model:
    """The model as if it listed what --requirement adds; its own lines stay last, where a fix adds to them."""
    if not options.requirements:
        return model
    from .model import extra_requirements

    listed = (*extra_requirements(options.requirements), *model.environment.pip)
    return replace(model, environment=replace(model.environment, pip=listed))
