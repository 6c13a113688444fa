"""What the readers of environment files gather before it is frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from .redact import redact
from .texts import Folder
from .types import CondaDependency, Line, Problem, PythonPin, Requirement, Span

MAX_PROBLEMS = 50
# An environment lists some hundred packages. Each costs every rule a look, and nobody waits for a hundred thousand.
MAX_ENTRIES = 2_000


class TooManyProblemsError(Exception):
    """A file has so many problems that reading on helps nobody."""


@dataclass(slots=True, kw_only=True)
class Collected:
    """The growing parts of an Environment, and the folder that its files lie in."""

    folder: Folder
    python: PythonPin | None = None
    pip: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    conda: list[CondaDependency] = field(default_factory=list)
    channels: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    # Each file with what it was read as: requirements, or constraints (True). And those being read as the second.
    roles: set[tuple[str, bool]] = field(default_factory=set)
    again: set[str] = field(default_factory=set)

    def count(self, span: Span) -> None:
        """Count a line or an item of a list; raises TooManyProblemsError, and notes why, after MAX_ENTRIES."""
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            hint = "list the packages that the model needs: what they need themselves is found"
            self.problem(f"more than {MAX_ENTRIES:,} entries: what follows is not read", span, hint=hint)
            raise TooManyProblemsError

    def problem(self, message: str, span: Span, *, hint: str = "", code: str = "EB101") -> None:
        """Note a problem, once; raises TooManyProblemsError after MAX_PROBLEMS."""
        problem = Problem(code=code, message=redact(message), help=redact(hint), span=span)
        if problem in self.problems:
            return
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise TooManyProblemsError

    def line(self, text: str, span: Span) -> None:
        """Keep a line that is no requirement. Of a file that is read as both, the first reading kept it."""
        if span.file not in self.again:
            self.lines.append(Line(text=text, span=span))

    def enter(self, label: str, *, constraints: bool = False) -> bool:
        """Note that a file is read, as requirements or as constraints; False where it was read as the same before."""
        if (label, constraints) in self.roles:
            return False
        self.roles.add((label, constraints))
        if label not in self.files:
            self.files.append(label)
        return True

    def leave(self, label: str, *, constraints: bool) -> None:
        """Take back that a file is read, which could not be."""
        self.roles.discard((label, constraints))
        if (label, not constraints) not in self.roles:
            self.files.remove(label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a logical line: from `offset` on it stands at `line` and `column`, for `length` characters."""

    offset: int
    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    """A logical line and where its pieces stand in the file `file`."""

    file: str
    text: str
    pieces: tuple[Piece, ...]
    last_line: int
    open_ended: bool = False

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`, of its first physical line only."""
        piece = self.pieces[0]
        for candidate in self.pieces:
            if candidate.offset <= start and (candidate.length or candidate.offset == start):
                piece = candidate
        column = piece.column + max(0, start - piece.offset)
        stop = min(column + max(1, end - start), piece.column + piece.length)
        return Span(file=self.file, line=piece.line, column=column, end_column=max(stop, column + 1))

    def strip(self, start: int = 0, end: int | None = None) -> tuple[str, int]:
        """`text[start:end]` without white space around it, and its offset."""
        part = self.text[start:end]
        return part.strip(), start + len(part) - len(part.lstrip())
