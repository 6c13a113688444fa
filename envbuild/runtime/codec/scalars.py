"""One JSON value as one of MLflow's types, without loss, or the kind of value that it is instead.

A kind is said in words, such as "a number with a fraction": messages never hold the value itself.
"""

from __future__ import annotations

import base64
import datetime
import math
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

LIMITS = {"integer": (-(1 << 31), (1 << 31) - 1), "long": (-(1 << 63), (1 << 63) - 1)}
WANTED = {
    "boolean": "true or false",
    "integer": "a whole number from {} to {}".format(*LIMITS["integer"]),
    "long": "a whole number from {} to {}".format(*LIMITS["long"]),
    "float": "a number",
    "double": "a number",
    "string": "a string",
    "binary": "a string in base64",
    "datetime": "a time in ISO 8601 with a year from 1678 to 2261",
}
"""What a value of each type has to be, in words."""
MISSABLE = frozenset({"float", "double", "string", "datetime", "binary"})
"""The types that have a missing value: NaN, NaT or None. The others refuse null."""
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
NOT_FINITE = {sign + word: float(sign + word) for sign in ("", "+", "-") for word in ("nan", "inf", "infinity")}
TOO_LARGE = "a number out of range"
TOO_LONG = "a whole number with more digits than the type holds"


class MisfitError(Exception):
    """A value that is not of the type. `got` is its kind, `wanted` what it has to be, `path` where it is inside."""

    def __init__(self, got: str, wanted: str = "", path: str = "") -> None:
        super().__init__(got)
        self.got = got
        self.wanted = wanted
        self.path = path

    def inside(self, step: str) -> MisfitError:
        """Return the same of what holds the value: one step more from there."""
        return MisfitError(self.got, self.wanted, step + self.path)


def kind_of(value: Any) -> str:
    """Return what kind of value it is, in words; nothing of the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        if math.isfinite(value):
            return "a whole number" if value.is_integer() else "a number with a fraction"
        return "NaN" if math.isnan(value) else "an infinity"
    if isinstance(value, datetime.date) or getattr(getattr(value, "dtype", None), "kind", "") == "M":
        return "a time"
    for types, words in ((str, "a string"), ((list, tuple), "a list"), (dict, "an object"), (bytes, "bytes")):
        if isinstance(value, types):
            return words
    return "a value of another kind"


def whole(value: Any, low: int, high: int) -> int:
    """Return a whole number; 5.0, true and "5" are read. MisfitError for a fraction or one out of range."""
    if isinstance(value, str):
        number = _decimal(value)
        # The size comes first: "1e999999999" is short, and its digits would fill the memory.
        if number and number.adjusted() > 19:
            raise MisfitError("a string with a whole number out of range")
        if number != number.to_integral_value():
            raise MisfitError("a string with a fraction")
        value = int(number)
    elif isinstance(value, float):
        if not value.is_integer():
            raise MisfitError(kind_of(value))
        value = int(value)
    elif not isinstance(value, int):
        raise MisfitError(kind_of(value))
    if not low <= value <= high:
        raise MisfitError("a whole number out of range")
    return int(value)


def real(value: Any, *, single: bool = False) -> float:
    """Return a number as float; true and "2.5" are read.

    Fractions are rounded to the nearest number that the type holds, whole numbers have to be held exactly.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in NOT_FINITE:
            return NOT_FINITE[text.lower()]
        if DIGITS.fullmatch(text):
            if len(text) > 400:
                raise MisfitError(TOO_LARGE)
            value = int(text)
        elif NUMBER.fullmatch(text):
            value = float(text)
            if math.isinf(value):
                raise MisfitError(TOO_LARGE)
        else:
            raise MisfitError("a string that is no number")
    elif isinstance(value, Decimal):
        value = float(value)
    elif not isinstance(value, (int, float)):
        raise MisfitError(kind_of(value))
    try:
        number = float(value)
        held: float = struct.unpack("<f", struct.pack("<f", number))[0] if single else number
    except OverflowError:
        raise MisfitError(TOO_LARGE) from None
    if isinstance(value, int) and int(held) != value:
        raise MisfitError(TOO_LONG)
    return held


def boolean(value: Any) -> bool:
    """Return true or false; the numbers 0 and 1 are read, strings are not: any of them would be true."""
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise MisfitError(kind_of(value))


def text(value: Any) -> str | None:
    """Return a string; a number becomes its text in JSON, NaN a missing value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise MisfitError(kind_of(value))
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise MisfitError(kind_of(value))
    return repr(value)


def binary(value: Any) -> bytes:
    """Return the bytes that a string in base64 stands for."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise MisfitError(kind_of(value))
    try:
        # Base64 in lines, as mail has it, is read too.
        return base64.b64decode("".join(value.split()), validate=True)
    except ValueError:
        raise MisfitError("a string that is not base64") from None


SCALARS: dict[str, Callable[[Any], Any]] = {
    "boolean": boolean,
    "integer": lambda value: whole(value, *LIMITS["integer"]),
    "long": lambda value: whole(value, *LIMITS["long"]),
    "float": lambda value: real(value, single=True),
    "double": real,
    "string": text,
    "binary": binary,
}
"""What reads one value of a type; `datetime` is in `times`. None is not given to them."""


def _decimal(value: str) -> Decimal:
    value = value.strip()
    if not NUMBER.fullmatch(value):
        raise MisfitError("a string that is no number")
    try:
        return Decimal(value)
    except ArithmeticError:
        raise MisfitError("a string with a number out of range") from None
