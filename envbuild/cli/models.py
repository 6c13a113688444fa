"""Which models a person means: folders, addresses, files inside of model folders, and `-` for standard input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, UsageError
from ..patterns import pattern
from ..records import dataclass

if TYPE_CHECKING:
    from ..model.types import Model

STDIN = "-"
_ADDRESS = pattern(r"[A-Za-z][A-Za-z0-9+.-]+:")


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
        return bool(_ADDRESS.match(self.source))

    @property
    def base(self) -> str:
        """Its folder as seen from the working directory, empty where that is it; of an address the address."""
        if self.source == STDIN or self.remote:
            return "" if self.source == STDIN else self.source
        path = os.path.normpath(self.source)
        return "" if path == "." else path


def named(words: Sequence[str], *, skip: bool = False) -> list[Named]:
    """The models that `words` name, each once, in their order.

    A file stands for the model folder that it lies in, a folder for itself. With `skip` a file that lies in none is
    left out, and so is a folder without an MLmodel.
    """
    found: dict[str, Named] = {}
    for word in words:
        path = Path(word)
        if word == STDIN or _ADDRESS.match(word):
            found.setdefault(word, Named(source=word))
            continue
        # These take what cannot be a path, as one that is too long, for a file that is not there.
        folder = _folder(path) if os.path.isfile(word) else word  # noqa: PTH113
        if skip and os.path.lexists(word) and not (folder and _is_model(Path(folder))):
            continue
        found.setdefault(os.path.realpath(folder or word), Named(source=folder or word, stray=not folder))
    return list(found.values())


def stray(file: str) -> ModelError:
    """The error of a file that lies in no model folder."""
    alone = f"; `envbuild lint - < {file}` looks at a conda.yaml alone" if file.endswith((".yaml", ".yml")) else ""
    return ModelError(
        f"{file} lies in no model folder: there is no MLmodel beside or above it", hint=f"name a model folder{alone}"
    )


def _folder(file: Path) -> str:
    """The nearest folder above a file that holds an MLmodel, as the person would write it; empty if there is none.

    The copy that a registry leaves in `metadata/` belongs to the model around it.
    """
    for folder in file.absolute().parents:
        if _is_model(folder):
            whole = folder.parent if folder.name == "metadata" and _is_model(folder.parent) else folder
            return str(whole) if file.is_absolute() else os.path.relpath(whole)
    return ""


def _is_model(folder: Path) -> bool:
    return os.path.lexists(folder / "MLmodel")


def read_stdin() -> Model:
    """The conda.yaml on standard input. Raises UsageError where that is a terminal nobody types on."""
    import sys

    from ..model.standalone import read_alone
    from ..model.texts import MAX_ENVIRONMENT

    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("- reads a conda.yaml from standard input, which is closed", hint="pipe a file into it")
    # One byte more than the limit tells that there is too much.
    return read_alone(sys.stdin.buffer.read(MAX_ENVIRONMENT + 1))
