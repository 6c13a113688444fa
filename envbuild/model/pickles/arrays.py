"""The arrays of a joblib file, whose bytes stand between the opcodes, right behind a description of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...patterns import pattern
from ...records import dataclass

# What a description says, as far as it tells how long the array is.
_FIELDS = frozenset({"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"})
# numpy knows no array of more dimensions.
_MOST = 65
_ITEM = pattern(r"[<>|=]?(?P<kind>[A-Za-z])(?P<size>[0-9]{1,9})")


class Dtype:
    """A numpy dtype on the stack: its kind's letter, and how long an item is in bytes (0 where that is not known)."""

    __slots__ = ("item", "kind")

    def __init__(self, text: str) -> None:
        found = _ITEM.fullmatch(text)
        self.kind = found["kind"] if found else ""
        self.item = int(found["size"]) * (4 if self.kind == "U" else 1) if found else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array in the file: `size` bytes, behind padding if it is `padded`; or, of `objects`, a pickle of its own."""

    size: int
    padded: bool
    objects: bool


def array_of(described: Sequence[object]) -> Array | None:
    """What the values pushed for a NumpyArrayWrapper's state describe; None where they do not say it."""
    fields: dict[str, list[object]] = {}
    values: list[object] = []
    for value in described:
        if isinstance(value, str) and value in _FIELDS:
            values = fields.setdefault(value, [])
        else:
            values.append(value)
    dtypes = [value for value in fields.get("dtype", ()) if isinstance(value, Dtype)]
    if len(fields.get("shape", range(_MOST))) >= _MOST or not dtypes:
        return None
    size = dtypes[0].item
    for length in fields["shape"]:
        size *= max(length, 0) if isinstance(length, int) else 1
    return Array(
        size=size,
        padded=any(isinstance(value, int) for value in fields.get("numpy_array_alignment_bytes", ())),
        objects=any(isinstance(value, Dtype) and value.kind == "O" for value in described),
    )
