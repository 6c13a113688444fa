"""What a scoring script says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ...records import dataclass
from ..types import Problem, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTest:
    """A script's comparison of `sys.version_info[start:stop]`, or of one number of it, with `bound`."""

    operator: str
    bound: tuple[int, ...]
    start: int = 0
    stop: int = 5

    def holds(self, python: str) -> bool | None:
        """Whether it holds on that Python (`3.11`, `3.11.7`); None where so much of a version does not tell."""
        numbers = [int(part) for part in python.split(".")[:3] if part.isdecimal()]
        if len(numbers) < 2:
            return None
        said = {self._compares((*numbers, *rest)) for rest in ([()] if len(numbers) > 2 else [(0,), (999,)])}
        return said.pop() if len(said) == 1 else None

    def _compares(self, version: tuple[int, ...]) -> bool:
        info = (*version, "final", 0)[self.start : self.stop]
        return {
            "<": info < self.bound,
            "<=": info <= self.bound,
            ">": info > self.bound,
            ">=": info >= self.bound,
            "==": info == self.bound,
            "!=": info != self.bound,
        }[self.operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A module that is imported, by its dotted name as written (`.helper` for a relative one).

    `optional` tells that its absence is caught. `certain` tells that it is imported whenever the script starts or
    answers: at the top, in `init` or in `run`, and under no condition but those of `pythons`, which all must hold.
    """

    name: str
    span: Span
    optional: bool
    certain: bool
    attributes: tuple[str, ...] = ()
    pythons: tuple[PythonTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function."""

    name: str
    kind: Literal["usual", "positional-only", "keyword-only", "variable"]
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function defined at the top of the script; `decorators` are the last parts of their names."""

    name: str
    span: Span
    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...]
    is_async: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringScript:
    """A scoring script. `file` is its path as given, by which its spans name it, and `text` its content.

    `problem` tells why it could not be read; then all else is empty. `beyond` tells that it is larger or deeper than
    what is read here, and may well be sound. `bound` are the names that exist at the top once it is imported,
    `functions` those of them that are functions defined once, under no condition. `open` tells that other names may
    exist, too (`from x import *`). `modules` are the top-level modules that the script and its code folder bring along.
    """

    file: str
    text: str
    problem: Problem | None = None
    beyond: bool = False
    imports: tuple[Import, ...] = ()
    bound: frozenset[str] = frozenset()
    functions: tuple[Function, ...] = ()
    open: bool = False
    modules: frozenset[str] = frozenset()

    def function(self, name: str) -> Function | None:
        """The function of that name; None where it is not known as one."""
        return next((function for function in self.functions if function.name == name), None)

    def imports_on(self, python: str) -> Iterator[Import]:
        """The imports as they are on a Python (`3.11`, `3.11.7`); one is not certain where that does not decide it."""
        for imported in self.imports:
            said = [test.holds(python) for test in imported.pythons]
            if False not in said:
                yield replace(imported, certain=False) if None in said else imported

    def imports_module(self, name: str) -> bool:
        """Whether the module `name` or one inside of it is imported anywhere."""
        asked = {i.name for i in self.imports} | {f"{i.name}.{a}" for i in self.imports for a in i.attributes}
        return any(module == name or module.startswith(name + ".") for module in asked)
