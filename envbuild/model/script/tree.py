"""A script's syntax tree, read for what it imports, which names it binds and how its functions are defined."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ..types import Span
from .branches import branches
from .types import Function, Import, Parameter, PythonTest

_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_BINDING_CALLS = frozenset({"exec", "globals", "setattr", "vars"})
_CONDITIONAL = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Match,
    ast.ExceptHandler,
)
# A node, whether a missing module is caught there, whether it is reached in any case, and on which Pythons.
_Place = tuple[ast.AST, bool, bool, tuple[PythonTest, ...]]


class Places:
    """Turns the places of nodes, which count bytes, into those of spans, which count characters."""

    def __init__(self, file: str, source: bytes) -> None:
        self._file = file
        self._lines = source.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")

    def of(self, node: ast.stmt, *, head: bool = False) -> Span:
        """The statement's first line, or of a definition only `def name`."""
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else b""
        if head:
            end: int | None = line.find(b"(", node.col_offset)
        else:
            end = node.end_col_offset if node.end_lineno == node.lineno else len(line)
        column = self._characters(line, node.col_offset) + 1
        end_column = self._characters(line, end if end and end > 0 else len(line)) + 1
        return Span(file=self._file, line=node.lineno, column=column, end_column=max(end_column, column))

    @staticmethod
    def _characters(line: bytes, size: int) -> int:
        return len(line[:size].decode("utf-8", "replace"))


def bindings(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, bool]]:
    """Each name bound at the top, the statement that does it, and whether it does so in any case; `*` for any name.

    What a function declares global counts where the code at the top names that function, by which it may be called.
    """
    functions: dict[str, list[ast.AST]] = {}
    used: list[str] = []
    waiting: list[tuple[ast.AST, bool]] = [(statement, True) for statement in reversed(tree.body)]
    while waiting:
        node, always = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node, always
            functions.setdefault(node.name, []).append(node)
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node, always
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, ast.Pass(), always
        elif isinstance(node, ast.Name):
            used.append(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BINDING_CALLS:
            yield "*", ast.Pass(), always
        if isinstance(node, ast.If):
            sides = [
                (branch.body, always and not branch.conditional and branch.python is None) for branch in branches(node)
            ]
            waiting += [(child, here) for body, here in reversed(sides) for child in reversed(body)]
            waiting.append((node.test, always))
        elif not isinstance(node, ast.Lambda):
            here = always and not isinstance(node, (ast.Try, ast.For, ast.While, ast.Match))
            waiting += [(child, here) for child in reversed(list(ast.iter_child_nodes(node)))]
    for name in _made_global(functions, used):
        yield name, ast.Pass(), False


def _made_global(functions: Mapping[str, Sequence[ast.AST]], used: Sequence[str]) -> Iterator[str]:
    """The names that functions declare global: those of the names `used`, and all that these use in turn."""
    waiting, seen = list(used), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in (inner for function in functions.get(name, ()) for inner in ast.walk(function)):
            if isinstance(node, ast.Global):
                yield from node.names
            elif isinstance(node, ast.Name):
                waiting.append(node.id)


def imports(tree: ast.Module, places: Places) -> Iterator[Import]:
    """Every module that is imported, at any depth, in no order; branches that no server takes are left out."""
    waiting: list[_Place] = [(statement, False, True, ()) for statement in tree.body]
    top = {id(statement) for statement in tree.body}
    while waiting:
        node, optional, certain, pythons = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name=alias.name, span=places.of(node), optional=optional, certain=certain, pythons=pythons)
        elif isinstance(node, ast.ImportFrom):
            yield Import(
                name="." * node.level + (node.module or ""),
                span=places.of(node),
                optional=optional,
                certain=certain,
                attributes=tuple(alias.name for alias in node.names),
                pythons=pythons,
            )
        elif isinstance(node, ast.If):
            for branch in branches(node):
                here = certain and not branch.conditional
                tests = (*pythons, branch.python) if branch.python is not None else pythons
                waiting += [(child, optional, here, tests) for child in branch.body]
        elif isinstance(node, ast.Try):
            caught = optional or any(_catches(handler.type) for handler in node.handlers)
            here = certain and caught is optional
            waiting += [(child, caught, here, pythons) for child in node.body]
            # What fails behind `else:` no handler of this `try` sees.
            waiting += [(child, optional, here, pythons) for child in node.orelse]
            waiting += [(child, caught, False, pythons) for handler in node.handlers for child in handler.body]
            waiting += [(child, optional, certain, pythons) for child in node.finalbody]
        else:
            suppressed = isinstance(node, (ast.With, ast.AsyncWith)) and any(map(_suppresses, node.items))
            called = id(node) in top and getattr(node, "name", "") in ("init", "run")
            here = certain and not (isinstance(node, _CONDITIONAL) and not called)
            waiting += [(child, optional or suppressed, here, pythons) for child in ast.iter_child_nodes(node)]


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_last_name(one) in _CAUGHT for one in kinds)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and _last_name(call.func) == "suppress" and any(map(_catches, call.args))


def _last_name(node: ast.expr) -> str:
    """`input_schema` of `input_schema`, `decorators.input_schema` and calls of them."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def function(node: ast.FunctionDef | ast.AsyncFunctionDef, places: Places) -> Function:
    """A definition as a value."""
    return Function(
        name=node.name,
        span=places.of(node, head=True),
        parameters=tuple(_parameters(node.args)),
        decorators=tuple(_last_name(decorator) for decorator in node.decorator_list),
        is_async=isinstance(node, ast.AsyncFunctionDef),
    )


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    usual = [*arguments.posonlyargs, *arguments.args]
    without = len(usual) - len(arguments.defaults)
    for index, argument in enumerate(usual):
        kind: Literal["usual", "positional-only"] = "positional-only" if index < len(arguments.posonlyargs) else "usual"
        yield Parameter(name=argument.arg, kind=kind, default=index >= without)
    if arguments.vararg is not None:
        yield Parameter(name=arguments.vararg.arg, kind="variable", default=True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(name=argument.arg, kind="keyword-only", default=default is not None)
    if arguments.kwarg is not None:
        yield Parameter(name=arguments.kwarg.arg, kind="variable", default=True)
