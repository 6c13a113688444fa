"""`dataclass`, made faster: for values that every run defines and few runs make many of.

The standard library's decorator writes the methods of each class as text and compiles it at every start, which a
build that changes nothing would wait for longer than for its work. Here all classes share the same methods.
What it gives is a data class all the same: `fields`, `replace`, `asdict` and pattern matching know it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type], type]:
        """As `dataclasses.dataclass`, for frozen classes with slots whose fields are given by name."""
        if not (frozen and slots and kw_only):
            raise TypeError("only for frozen=True, slots=True, kw_only=True")
        return _make


def _make(plain: type) -> type:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(plain)
    fields = dataclasses.fields(made)
    defaults = tuple((field.name, field.default, field.default_factory) for field in fields)
    names = frozenset(field.name for field in fields)
    compared = tuple(field.name for field in fields if field.compare)
    shown = tuple(field.name for field in fields if field.repr)
    missing, put = dataclasses.MISSING, object.__setattr__

    def init(self: Any, /, **given: Any) -> None:
        if not names.issuperset(given):
            unknown = ", ".join(sorted(given.keys() - names))
            raise TypeError(f"{made.__qualname__} has no field {unknown}")
        for name, default, factory in defaults:
            if name in given:
                put(self, name, given[name])
            elif default is not missing:
                put(self, name, default)
            elif factory is not missing:
                put(self, name, factory())
            else:
                raise TypeError(f"{made.__qualname__} needs the field {name}")

    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in compared)

    def hashed(self: Any) -> int:
        return hash(tuple([getattr(self, name) for name in compared]))

    def text(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    methods = {"__init__": init, "__eq__": equal, "__hash__": hashed, "__repr__": text, **_FROZEN}
    for name, method in methods.items():
        if name not in plain.__dict__:
            setattr(made, name, method)
    return cast(type, made)


def _set(self: Any, name: str, value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_FROZEN: dict[str, Callable[..., Any]] = {
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _state,
    "__setstate__": _restore,
}
