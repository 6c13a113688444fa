"""Which models a person means: folders, addresses, files inside of model folders, and `-` for standard input."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvbuildError, ModelError, UsageError
from ..model import is_address
from ..model.redact import redact
from ..records import dataclass

if TYPE_CHECKING:
    from ..linter.render import Unread
    from ..model.types import Model
    from ..options import Options
    from ..progress import Progress

STDIN = "-"
# What a conda.yaml alone cannot answer: the rules on MLmodel and on the files beside it.
NOT_ALONE = "EB0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A model that a person named. `source` is a path, an address, or `-`; `stray` a file that lies in no model."""

    source: str
    stray: bool = False

    @property
    def name(self) -> str:
        """What the person would call it."""
        return "<stdin>" if self.source == STDIN else self.source

    @property
    def remote(self) -> bool:
        """Whether it has to be downloaded."""
        return is_address(self.source)

    @property
    def base(self) -> str:
        """Its folder as seen from the working directory, empty where that is it; of an address the address."""
        if self.source == STDIN or self.remote:
            return "" if self.source == STDIN else self.source
        path = _plain(self.source)
        return "" if path == "." else path


def named(words: Sequence[str], *, skip: bool = False) -> list[Named]:
    """The models that `words` name, each once, in their order.

    A file stands for the model folder that it lies in, a folder for itself. With `skip` a file that lies in none is
    left out, and so is a folder without an MLmodel.
    """
    found: dict[str, Named] = {}
    for word in words:
        if word == STDIN or is_address(word):
            found.setdefault(word, Named(source=word))
            continue
        # These take what cannot be a path, as one that is too long, for a file that is not there.
        folder = _folder(word) if os.path.isfile(word) else word  # noqa: PTH113
        if skip and os.path.lexists(word) and not (folder and _is_model(Path(folder))):
            continue
        # An empty word is no path at all, and not the working directory.
        key = os.path.realpath(folder or word) if word else ""
        found.setdefault(key, Named(source=folder or word, stray=not folder))
    return list(found.values())


def read_stdin() -> Model:
    """The conda.yaml on standard input. Raises UsageError where that is a terminal nobody types on."""
    import sys

    from ..model.standalone import read_alone
    from ..model.texts import MAX_ENVIRONMENT

    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("- reads a conda.yaml from standard input, which is closed", hint="pipe a file into it")
    # One byte more than the limit tells that there is too much.
    return read_alone(sys.stdin.buffer.read(MAX_ENVIRONMENT + 1))


def stray(file: str) -> ModelError:
    """The error of a file that lies in no model folder, and of an empty name."""
    if not file:
        return ModelError(
            "the name of a model is empty", hint="name a model folder; a variable of the command may not be set"
        )
    alone = f"; `envbuild lint - < {file}` looks at a conda.yaml alone" if file.endswith((".yaml", ".yml")) else ""
    return ModelError(
        f"{file} lies in no model folder: there is no MLmodel beside or above it", hint=f"name a model folder{alone}"
    )


def load(one: Named, options: Options, shown: Progress) -> tuple[Model, Options]:
    """The model, and the options that fit it. Raises EnvbuildError."""
    from dataclasses import replace

    from .. import api

    if one.stray:
        raise stray(one.source)
    if one.source == STDIN:
        return read_stdin(), replace(options, ignore=(*options.ignore, NOT_ALONE))
    return api.load(one.source, options=options, progress=shown), options


def unread(one: Named, error: EnvbuildError, *, several: bool) -> Unread:
    """Tell an error at once, with the model that it belongs to, and give what the report says of it.

    What is wrong with the options is no model's error: it is raised again.
    """
    from ..linter.render import Unread
    from .failures import report

    if isinstance(error, UsageError):
        raise error
    if several and not one.stray and not _tells(error.message, one.name):
        error.message = f"{redact(one.name)}: {error.message}"
    code = report(error)
    return Unread(name=one.name, message=error.message, hint=error.hint, exit_code=code)


def _folder(file: str) -> str:
    """The nearest folder above a file that holds an MLmodel, as the person would write it; empty if there is none.

    The copy that a registry leaves in `metadata/` belongs to the model around it.
    """
    # Of the file itself a link stays: a model's conda.yaml may lead to one that several models share.
    beside = os.path.abspath(_plain(os.path.dirname(file) or "."))  # noqa: PTH100, PTH120
    for folder in (Path(beside), *Path(beside).parents):
        if _is_model(folder):
            whole = folder.parent if folder.name == "metadata" and _is_model(folder.parent) else folder
            return str(whole) if os.path.isabs(file) else os.path.relpath(whole)  # noqa: PTH117
    return ""


def _plain(path: str) -> str:
    """`path` without `.` and `..`. Behind a link `..` is the folder around what it leads to, so there links go too."""
    normal, real = os.path.normpath(path), os.path.realpath(path)
    if os.path.realpath(normal) == real:
        return normal
    return real if os.path.isabs(path) else os.path.relpath(real)  # noqa: PTH117


def _is_model(folder: Path) -> bool:
    return os.path.lexists(folder / "MLmodel")


def _tells(message: str, name: str) -> bool:
    """Whether an error's message says which model it is about, by its whole path and not by a word that is like it."""
    shown = redact(name if is_address(name) else str(Path(name)))
    if "/" in shown or ":" in shown:
        return re.search(rf"(?<![^\s'\"(]){re.escape(shown)}(?=[\s'\":,;)]|\.?$|\.\s)", message) is not None
    # `a`, `model` and `folder` are words of many messages.
    return message in (f"there is no model folder {shown}", f"{shown} is not a folder")
