"""What a pickle names: followed through its opcodes just far enough to know the texts on the stack."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...patterns import pattern
from .arrays import Dtype, array_of
from .opcodes import (
    BUILD,
    FRAME,
    GETS,
    GLOBAL,
    INST,
    MEMOIZE,
    PROTO,
    PUTS,
    REDUCE,
    SETITEMS,
    STACK_GLOBAL,
    Argument,
    DamagedPickleError,
    Walker,
)

MAX_NAMES = 5_000
MAX_NAME = 200
# How many texts and globals are remembered for later: what is fetched again after so many is not known.
MAX_MEMO = 200_000

_NAME = pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_VERSION = pattern(r"\d[\w.+!-]{0,40}", re.ASCII)
# The keys under which libraries write their version into an object's state.
VERSION_KEYS = {"_sklearn_version": "scikit-learn"}
# What makes functions of code objects: cloudpickle, dill, and what is built upon them.
_CODE = frozenset({"_make_function", "_make_skel_func", "_create_function", "_create_code"})
_BY_NAME = frozenset((GLOBAL, INST))
_CODE_GLOBALS = frozenset({"types.CodeType", "marshal.loads"})
# What cloudpickle and dill call with the name of a module or of a type.
_CALLS = {
    "subimport": "cloudpickle.subimport",
    "_builtin_type": "cloudpickle._builtin_type",
    "_import_module": "dill._dill._import_module",
}
# XGBoost's own form (UBJSON) ends with `"version": [3, 2, 0]}`.
_XGBOOST = pattern(rb"\x07version\[#L\x00{7}\x03[iU](.)[iU](.)[iU](.)\}+$", re.DOTALL)
_DTYPES = frozenset({"numpy.dtype", "numpy.core.multiarray.dtype", "numpy._core.multiarray.dtype"})
# Look at the clock once in so many opcodes.
_OFTEN = 1 << 14


class Global:
    """A global on the stack, by its full name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Names:
    """What one pickle, or several behind one another, name."""

    def __init__(self) -> None:
        self.globals: set[str] = set()
        self.modules: set[str] = set()
        self.versions: dict[str, str] = {}
        self.protocol = 0
        self.code = False

    def fetched(self, module: str, name: str) -> None:
        """Take in a global; what can be none is passed over."""
        if not _NAME.fullmatch(module):
            return
        self.imported(module)
        full = f"{module}.{name}"
        if len(full) <= 2 * MAX_NAME and len(self.globals) < MAX_NAMES:
            self.globals.add(full)
        self.code = self.code or name in _CODE or full in _CODE_GLOBALS

    def imported(self, module: str) -> None:
        """Take in a module."""
        if len(module) <= MAX_NAME and len(self.modules) < MAX_NAMES and _NAME.fullmatch(module):
            self.modules.add(module)

    def wrote(self, distribution: str, version: str) -> None:
        """Take in the version that a library wrote down; the first counts."""
        if _VERSION.fullmatch(version):
            self.versions.setdefault(distribution, version)


def follow(walker: Walker, found: Names, *, inside: bool = False) -> None:
    """Walk one pickle and take in what it names; `inside` another there is no third.

    DamagedPickleError where it ends too soon, is none or costs too much.
    """
    state = _State(found)
    budget = walker.source.budget
    for code, argument in walker.opcodes():
        budget.opcodes -= 1
        if not budget.opcodes % _OFTEN and budget.is_spent:
            raise DamagedPickleError("this pickle is too long")
        if code == MEMOIZE:
            state.memoize(state.memoized)
        elif code in PUTS:
            state.memoize(_number(argument))
        elif code in GETS:
            state.push(state.memo.get(_number(argument)))
        elif code == STACK_GLOBAL:
            state.fetch(state.before, state.last)
        elif code in _BY_NAME:
            module, _, name = str(argument).partition(" ")
            state.fetch(module, name)
        elif code == REDUCE:
            state.reduce()
        elif code == BUILD:
            if state.array is not None and state.previous == SETITEMS and not inside:
                _step_over(state.array, walker, found)
                state.array = None
            state.push(None)
        elif code == PROTO:
            found.protocol = max(found.protocol, _number(argument))
        elif isinstance(argument, bytes):
            _in_bytes(argument, found)
            state.push(None)
        elif code != FRAME:
            state.push(argument)
        state.previous = code


_Value = str | int | Global | Dtype | None


def _number(argument: Argument) -> int:
    return argument if isinstance(argument, int) else 0


class _State:
    """The two values pushed last, the memo, and what a value pushed next would mean."""

    def __init__(self, found: Names) -> None:
        self.memo: dict[int, _Value] = {}
        self.memoized = 0
        self.before: _Value = None
        self.last: _Value = None
        self.previous = 0
        # All that was pushed since joblib began to describe an array whose bytes stand in the file.
        self.array: list[_Value] | None = None
        self._found = found
        self._called = ""
        self._dtype: Dtype | None = None
        self._key = ""

    def memoize(self, key: int) -> None:
        """Remember the last value under `key`."""
        self.memoized += 1
        if self.last is not None and (len(self.memo) < MAX_MEMO or key in self.memo):
            self.memo[key] = self.last

    def push(self, value: _Value) -> None:
        """Put a value on the stack; None stands for any that does not matter."""
        self.before, self.last = self.last, value
        if isinstance(value, str):
            self._text(value)
            self._key = value if value in VERSION_KEYS else ""
        else:
            self._key = ""
            if isinstance(value, Global):
                self._global(value.name)
        if self.array is not None and value is not None:
            self.array.append(value)

    def fetch(self, module: _Value, name: _Value) -> None:
        """Put a global on the stack."""
        if isinstance(module, str) and isinstance(name, str) and module and name:
            self._found.fetched(module, name)
            self.push(Global(f"{module}.{name}"))
        else:
            self.push(None)

    def reduce(self) -> None:
        """Put on the stack what a call gives: a dtype, if one was called for."""
        made, self._dtype = self._dtype, None
        self.push(made)

    def _global(self, name: str) -> None:
        attribute = name.rpartition(".")[2]
        if attribute in _CALLS and name.endswith(_CALLS[attribute]):
            self._called = attribute
        elif name in _DTYPES:
            self._called = "dtype"
        elif name.endswith("numpy_pickle.NumpyArrayWrapper"):
            self.array = []

    def _text(self, value: str) -> None:
        if self._key:
            self._found.wrote(VERSION_KEYS[self._key], value)
        if self._called in ("subimport", "_import_module"):
            # cloudpickle writes a function's global `numpy` as subimport("numpy").
            self._found.imported(value)
        elif self._called == "_builtin_type" and value == "CodeType":
            self._found.code = True
        elif self._called == "dtype":
            self._dtype = Dtype(value)
        self._called = ""


def _in_bytes(end: bytes, found: Names) -> None:
    """Look for the version at the end of the bytes that an XGBoost model keeps itself in."""
    version = _XGBOOST.search(end)
    if version:
        found.wrote("xgboost", ".".join(str(part[0]) for part in version.groups()))


def _step_over(described: Sequence[object], walker: Walker, found: Names) -> None:
    """Set the walker behind the bytes of the array that joblib described, which follow the description at once."""
    array = array_of(described)
    if array is None:
        return
    if array.objects:
        nested = Walker(walker.source, walker.position)
        follow(nested, found, inside=True)
        walker.position = nested.position
        return
    # From joblib 1.1 on: a byte that says how many bytes of padding follow it.
    padding = 1 + walker.source.byte(walker.position) if array.padded else 0
    walker.position += padding + array.size
