"""A scoring script and its code folder, read without running anything."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from ...errors import UsageError
from ..types import Problem, Span
from .tree import Places, bindings, function, imports
from .types import ScoringScript

# A larger script is not looked into: its tree would take hundreds of bytes for each of the script's.
MAX_BYTES = 256 << 10
# What is never part of a program's code.
LEFT_OUT = frozenset({".git", ".env", ".netrc", "__pycache__", ".DS_Store", "mlruns", ".venv", ".ipynb_checkpoints"})


def read_scoring_script(path: Path, code: Path | None = None) -> ScoringScript:
    """Read the script at `path`, which lies in the folder `code` or stands alone.

    Raises `UsageError` where there is no such file; what is wrong inside of it is the script's `problem`.
    """
    if not path.is_file():
        raise UsageError(f"{path} is not a file", hint="--scoring-script names a Python file with init() and run()")
    try:
        with path.open("rb") as stream:
            source = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="make it readable") from None
    return parse_script(str(path), source, modules={path.stem, *_modules_in(path.parent, code)})


def parse_script(file: str, source: bytes, *, modules: Collection[str] = ()) -> ScoringScript:
    """The script `file` with the content `source`; `modules` are those that lie beside it."""
    text, beside = source.decode("utf-8-sig", "replace"), frozenset(modules)
    if len(source) > MAX_BYTES:
        problem = Problem(code="EB322", message=f"it is larger than {MAX_BYTES >> 10} KiB", span=Span(file=file))
        return ScoringScript(file=file, text="", problem=problem, beyond=True, modules=beside)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        beyond = not isinstance(error, (SyntaxError, ValueError))
        return ScoringScript(file=file, text=text, problem=_problem(error, file), beyond=beyond, modules=beside)
    places = Places(file, source)
    bound = list(bindings(tree))
    names = Counter(name for name, _, _ in bound)
    return ScoringScript(
        file=file,
        text=text,
        imports=tuple(sorted(imports(tree, places), key=lambda i: (i.span.line, i.span.column))),
        bound=frozenset(names) - {"*"},
        functions=tuple(
            function(node, places)
            for name, node, always in bound
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and always and names[name] == 1
        ),
        open="*" in names,
        modules=beside,
    )


def _problem(error: BaseException, file: str) -> Problem:
    if isinstance(error, SyntaxError) and error.lineno:
        column = max(error.offset or 1, 1)
        ends_here = error.end_lineno == error.lineno and error.end_offset is not None
        end = error.end_offset if ends_here and error.end_offset is not None else column + 1
        span = Span(file=file, line=error.lineno, column=column, end_column=max(end, column + 1))
        return Problem(code="EB322", message=str(error.msg), span=span)
    reason = "it is nested too deeply" if isinstance(error, (RecursionError, MemoryError)) else str(error)
    return Problem(code="EB322", message=reason, span=Span(file=file))


def _modules_in(beside: Path, code: Path | None) -> Iterator[str]:
    """The top-level modules in the code folder, and in the script's own: both can be imported from."""
    for folder in (code, beside) if code is not None else ():
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            name, _, suffix = entry.name.partition(".")
            if name.isidentifier() and entry.name not in LEFT_OUT and (entry.is_dir() or suffix.endswith(("py", "so"))):
                yield name
