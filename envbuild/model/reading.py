"""From a path or an address to a `Model`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ModelError, UsageError
from ..patterns import pattern
from .environment import read_environment, read_given, read_others
from .mlmodel import read_mlmodel
from .requirement import InvalidRequirementError, parse_requirement
from .texts import Folder
from .types import Environment, MLmodel, Model, Problem, Requirement, Span
from .walk import walk

_ADDRESS = pattern(r"[A-Za-z][A-Za-z0-9+.-]+:")
ADDED = "--requirement"
"""The file that spans of added requirements name, which is none."""
_ENV_KEY = "flavors.python_function.env"


def is_address(source: str) -> bool:
    """Whether `source` is an address and no path. What is there is a path, though its name begins like an address."""
    return bool(_ADDRESS.match(source)) and not os.path.lexists(source)


def read(source: str | Path, *, environment: Path | None = None, downloads: Path | None = None) -> Model:
    """The model at `source`: a folder, or an address that MLflow can download (`models:/`, `runs:/`, `s3://`...).

    What is wrong in its files stands in `Model.problems`. `environment` is a conda.yaml or requirements file that takes
    the place of the model's own. A download goes to a new folder inside `downloads` (a temporary folder if
    None), which the caller removes. Raises ModelError for a path that is no folder or holds something unsafe,
    NetworkError for a store that does not answer, UsageError for an environment file that is not there.
    """
    uri = ""
    if isinstance(source, str) and is_address(source):
        from .remote import download, local_path

        local = local_path(source)
        if local is None:
            uri, source = source, download(source, downloads)
        else:
            source = local
    model = _read_folder(Path(source), environment)
    if not uri:
        return model
    from .redact import redact

    return replace(model, uri=redact(uri))


def extra_requirements(specs: Sequence[str]) -> tuple[Requirement, ...]:
    """The requirements given beside the model, as `--requirement` takes them. Raises UsageError."""
    found = []
    for number, spec in enumerate(specs, 1):
        text = spec.strip()
        span = Span(file=ADDED, line=number, column=1, end_column=len(text) + 1)
        try:
            found.append(parse_requirement(text, _always(span)))
        except InvalidRequirementError as error:
            raise UsageError(
                f"--requirement {text!r} is not a requirement: {error.message}",
                hint=error.hint or "write it as in a requirements file: NAME==VERSION",
            ) from None
    return tuple(found)


def with_texts(model: Model, texts: Mapping[str, str]) -> Model:
    """`model`, a local folder, as it would be read if its files had these texts, by the names that spans use.

    Nothing is written. An environment file from outside the model stays as it is.
    """
    folder = Folder(model.root)
    folder.texts.update(model.texts)
    folder.texts.update(texts)
    mlmodel, problems = read_mlmodel(folder)
    environment, others, more = model.environment, model.others, list[Problem]()
    if environment.source != "given":
        environment, others, more = _own_environment(folder, mlmodel)
    return replace(
        model,
        mlmodel=mlmodel,
        environment=environment,
        others=others,
        problems=(*problems, *more),
        texts=folder.texts,
    )


def _own_environment(
    folder: Folder, mlmodel: MLmodel | None
) -> tuple[Environment, tuple[Environment, ...], list[Problem]]:
    declared = mlmodel.flavors.get("python_function", {}).get("env") if mlmodel else None
    place = mlmodel.spans.get(_ENV_KEY) if mlmodel else None
    environment, problems = read_environment(folder, declared, place or Span(file="MLmodel"))
    others, aside = read_others(folder, declared, environment)
    return environment, others, problems + aside


def _always(span: Span) -> Callable[[int, int], Span]:
    return lambda _start, _end: span


def _read_folder(path: Path, given: Path | None) -> Model:
    if not os.path.lexists(path):
        raise ModelError(f"there is no model folder {path}", hint="name the folder that holds MLmodel")
    if not path.is_dir():
        hint = "name the folder that holds it" if path.name == "MLmodel" else "name the folder that holds MLmodel"
        raise ModelError(f"{path} is not a folder", hint=hint)
    folder = Folder(path)
    files, left_out = walk(folder.root)
    mlmodel, problems = read_mlmodel(folder)
    others: tuple[Environment, ...] = ()
    if given is None:
        environment, others, more = _own_environment(folder, mlmodel)
        texts = folder.texts
    else:
        environment, more, read_texts = read_given(given)
        texts = {**folder.texts, **read_texts}
    return Model(
        root=folder.root,
        uri="",
        mlmodel=mlmodel,
        environment=environment,
        files=files,
        left_out=left_out,
        problems=(*problems, *more),
        others=others,
        texts=texts,
    )
