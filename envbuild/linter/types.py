"""What a rule is given and what it finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from ..model.types import Model, Span
from ..records import dataclass
from ..servers.types import Server

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of one text file of the model: `insert` after line `line` (0 is the top), or replace line `line`.

    `text` has no line ending; the file's own is used.
    """

    file: str
    line: int
    text: str
    action: Literal["insert", "replace"] = "insert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `spans` name every place that says the same; `edits` are the fix, empty where there is none."""

    code: str
    name: str
    severity: Severity
    message: str
    help: str = ""
    spans: tuple[Span, ...] = ()
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the model is judged for in this run. `python` is the minor version if it is given, else empty.

    `script_imports` are the top-level modules and dotted names that the scoring script imports; None without one.
    """

    server: Server
    python: str = ""
    inject: bool = False
    script_imports: frozenset[str] | None = None


class Rule(Protocol):
    """A rule: its code and name, and a pure check."""

    code: str
    name: str

    def check(self, model: Model, target: Target) -> Iterable[Finding]:
        """The findings of this rule, in the order of their places."""
        ...
