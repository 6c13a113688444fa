"""An environment file that belongs to no model: what can be said of it alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .environment import read_environment
from .texts import MAX_ENVIRONMENT, Folder, UnreadableError, decode
from .types import Model, Span

STDIN = "<stdin>"


def read_alone(data: bytes, name: str = STDIN) -> Model:
    """The conda.yaml with the content `data` as a model without any file of its own; spans call it `name`.

    Nothing is read from the disk: a file that it names is one that is not there. There is no MLmodel, and no problem
    because of that.
    """
    environment, problems = read_environment(_Alone(data, name), name, Span(file=name))
    texts = {name: data.decode("utf-8", "replace")}
    return Model(
        root=Path.cwd(),
        uri="",
        mlmodel=None,
        # Given by the person: no fix can be written into it.
        environment=replace(environment, source="given"),
        files=(),
        left_out=(),
        problems=tuple(problems),
        texts=texts,
    )


class _Alone(Folder):
    """A folder that holds one file, which is at hand."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(Path.cwd())
        self._data = data
        self._name = name

    def holds(self, relative: str) -> bool:
        """Whether it is that file."""
        return relative == self._name

    def read(self, relative: str, limit: int = MAX_ENVIRONMENT) -> str:
        """The text of that file. Raises UnreadableError for another, and for what is no text within `limit` bytes."""
        if relative != self._name:
            raise UnreadableError(f"{relative} is not there: {self._name} stands alone", hint="lint the model folder")
        if len(self._data) > limit:
            raise UnreadableError(f"{self._name} is too large: the limit is {limit:,} bytes")
        return decode(self._name, self._data)
