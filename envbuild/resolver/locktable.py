"""A table of a lock file whose fields are checked as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class WrongError(Exception):
    """A field that is not what it should be: the text names it."""


class Table:
    """The table that is called `name`. Every method gives what a field holds, or raises WrongError for another kind."""

    def __init__(self, value: Any, name: str) -> None:
        if not isinstance(value, Mapping):
            raise WrongError(f"{name} is no table")
        self._value: Mapping[str, Any] = value
        self._name = name

    def text(self, key: str, default: str | None = None) -> str:
        """A text; `default` where there is none."""
        value = self._value.get(key, default)
        if not isinstance(value, str):
            raise WrongError(f"{self._name}.{key} is {'missing' if value is None else 'no text'}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where there is none."""
        value = self._value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise WrongError(f"{self._name}.{key} is no list of texts")
        return tuple(value)

    def strings(self, key: str) -> dict[str, str]:
        """A table of texts, empty where there is none."""
        value = self._value.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
            raise WrongError(f"{self._name}.{key} is no table of texts")
        return dict(value)

    def table(self, key: str) -> Table | None:
        """A table, None where there is none."""
        return Table(self._value[key], f"{self._name}.{key}") if key in self._value else None

    def tables(self, key: str) -> Iterator[Table]:
        """A list of tables, empty where there is none."""
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise WrongError(f"{self._name}.{key} is no list of tables")
        for number, each in enumerate(value):
            yield Table(each, f"{self._name}.{key}[{number}]")
