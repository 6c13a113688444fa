"""Which branch of an `if` a script takes, where that is plain to see: by a constant, or by the version of Python."""

from __future__ import annotations

import ast

from ...records import dataclass
from .types import PythonTest

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_PARTS = ("major", "minor", "micro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One side of an `if`: what is in it, on which Pythons it is taken, and whether more than that decides."""

    body: tuple[ast.stmt, ...]
    python: PythonTest | None = None
    conditional: bool = True


def branches(node: ast.If) -> list[Branch]:
    """Those sides of an `if` that may be taken when a server imports the script; a side without statements is none."""
    condition, denied = _undenied(node.test)
    taken, otherwise = tuple(node.body), tuple(node.orelse)
    if denied:
        taken, otherwise = otherwise, taken
    decided = _decided(condition)
    if decided is not None:
        found = [Branch(body=taken if decided else otherwise, conditional=False)]
    elif (test := _python_test(condition)) is not None:
        found = [
            Branch(body=taken, python=test, conditional=False),
            Branch(body=otherwise, python=_negated(test), conditional=False),
        ]
    else:
        found = [Branch(body=taken), Branch(body=otherwise)]
    return [branch for branch in found if branch.body]


def _undenied(test: ast.expr) -> tuple[ast.expr, bool]:
    """A condition without the `not`s before it, of which there may be thousands, and whether they deny it."""
    denied = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, denied = test.operand, not denied
    return test, denied


def _decided(test: ast.expr) -> bool | None:
    """What a condition always is: of constants, of `TYPE_CHECKING`, and of `__name__`, which is no `__main__`."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, (ast.Name, ast.Attribute)):
        return False if (test.id if isinstance(test, ast.Name) else test.attr) == "TYPE_CHECKING" else None
    if isinstance(test, ast.UnaryOp):
        inner, denied = _undenied(test)
        value = None if isinstance(inner, ast.UnaryOp) else _decided(inner)
        return None if value is None else value is not denied
    if isinstance(test, ast.BoolOp):
        ends = isinstance(test.op, ast.Or)
        values = [_decided(value) for value in test.values]
        return ends if ends in values else None if None in values else not ends
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.NotEq)):
        sides = (test.left, test.comparators[0])
        name = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
        if name and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides):
            return isinstance(test.ops[0], ast.NotEq)
    return None


def _python_test(test: ast.expr) -> PythonTest | None:
    """A comparison of the running Python's version with numbers; None for any other condition."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _OPERATORS:
        return None
    operator = _OPERATORS[type(test.ops[0])]
    for subject, bound, sign in (
        (test.left, test.comparators[0], operator),
        (test.comparators[0], test.left, _MIRRORED[operator]),
    ):
        part, numbers = _version_part(subject), _numbers(bound)
        # A single number of the version is compared with a number, several with a tuple.
        if part is not None and numbers and isinstance(bound, ast.Tuple) is not part[2]:
            return PythonTest(operator=sign, start=part[0], stop=part[1], bound=numbers)
    return None


def _negated(test: PythonTest) -> PythonTest:
    return PythonTest(operator=_OPPOSITE[test.operator], start=test.start, stop=test.stop, bound=test.bound)


def _version_part(node: ast.expr) -> tuple[int, int, bool] | None:
    """Begin and end of the part of `sys.version_info` that an expression gives, and whether that is one number."""
    if _is_version_info(node):
        return 0, 5, False
    if isinstance(node, ast.Attribute) and node.attr in _PARTS and _is_version_info(node.value):
        index = _PARTS.index(node.attr)
        return index, index + 1, True
    if not isinstance(node, ast.Subscript) or not _is_version_info(node.value):
        return None
    at = node.slice
    if isinstance(at, ast.Constant) and type(at.value) is int and at.value in range(3):
        return at.value, at.value + 1, True
    if isinstance(at, ast.Slice) and at.lower is None and at.step is None and isinstance(at.upper, ast.Constant):
        end = at.upper.value
        return (0, end, False) if type(end) is int and end in range(1, 4) else None
    return None


def _is_version_info(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "version_info" and isinstance(node.value, ast.Name) and node.value.id == "sys"
    return isinstance(node, ast.Name) and node.id == "version_info"


def _numbers(node: ast.expr) -> tuple[int, ...]:
    """The numbers of `(3, 11)` or `3`, at most three; empty for anything else."""
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    values = [one.value for one in elements if isinstance(one, ast.Constant) and type(one.value) is int]
    return tuple(values) if len(values) == len(elements) <= 3 else ()
