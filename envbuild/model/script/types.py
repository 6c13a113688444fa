"""What a scoring script says of itself."""

from __future__ import annotations

from typing import Literal

from ...records import dataclass
from ..types import Problem, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A module that is imported, by its dotted name as written (`.helper` for a relative one).

    `optional` tells that its absence is caught. `certain` tells that it is imported whenever the script starts or
    answers: at the top, in `init` or in `run`, and under no condition.
    """

    name: str
    span: Span
    optional: bool
    certain: bool
    attributes: tuple[str, ...] = ()


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

    def imports_module(self, name: str) -> bool:
        """Whether the module `name` or one inside of it is imported anywhere."""
        asked = {i.name for i in self.imports} | {f"{i.name}.{a}" for i in self.imports for a in i.attributes}
        return any(module == name or module.startswith(name + ".") for module in asked)
