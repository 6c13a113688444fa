"""The project's `dataclass` gives what the standard library's gives."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

from envbuild import records

PACKAGE = Path(records.__file__).parent


def shape(decorator: Any) -> Any:
    """The same class by either decorator."""

    @decorator(frozen=True, slots=True, kw_only=True)
    class Value:
        """A value."""

        name: str
        count: int = 3
        parts: tuple[str, ...] = ()
        more: list[int] = dataclasses.field(default_factory=list, hash=False, compare=False)
        place: str = dataclasses.field(default="", compare=False, repr=False)

        @property
        def title(self) -> str:
            """In capitals."""
            return self.name.upper()

    return Value


Ours, Theirs = shape(records.dataclass), shape(dataclasses.dataclass)


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One that pickle finds."""

    name: str
    parts: tuple[str, ...] = ()


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_a_record_is_a_data_class(kind: Any) -> None:
    one = kind(name="a", parts=("x",))
    assert (one.name, one.count, one.parts, one.more, one.place, one.title) == ("a", 3, ("x",), [], "", "A")
    assert one == kind(name="a", parts=("x",), more=[1], place="elsewhere")
    assert one != kind(name="a")
    assert one != ("a", 3, ("x",))
    assert hash(one) == hash(kind(name="a", parts=("x",), place="elsewhere"))
    assert {one: 1}[kind(name="a", parts=("x",))] == 1
    assert repr(one) == "shape.<locals>.Value(name='a', count=3, parts=('x',), more=[])"
    assert dataclasses.replace(one, count=4) == kind(name="a", count=4, parts=("x",))
    assert dataclasses.asdict(one) == {"name": "a", "count": 3, "parts": ("x",), "more": [], "place": ""}
    assert [field.name for field in dataclasses.fields(one)] == ["name", "count", "parts", "more", "place"]
    assert kind(name="a").more is not kind(name="a").more
    assert not hasattr(one, "__dict__")
    assert copy.deepcopy(one) == one
    match one:
        case kind(name="a", count=3):
            pass
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_a_record_is_made_by_its_fields_alone_and_stays_as_it_is(kind: Any) -> None:
    for wrong in ({}, {"name": "a", "colour": "red"}):
        with pytest.raises(TypeError):
            kind(**wrong)
    with pytest.raises(TypeError):
        kind("a")
    one = kind(name="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.name
    assert one == kind(name="a")


def test_a_record_can_be_pickled() -> None:
    one = Kept(name="a", parts=("x",))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(one, protocol)) == one


def test_a_method_of_ones_own_stays() -> None:
    @records.dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        """With a text of its own."""

        name: str

        def __repr__(self) -> str:
            return self.name

    assert repr(Named(name="a")) == "a"


def test_only_what_it_can_do_is_asked_of_it() -> None:
    made: Any = records.dataclass
    with pytest.raises(TypeError):
        made(frozen=False, slots=True, kw_only=True)
    users = [p for p in PACKAGE.rglob("*.py") if "records import dataclass" in p.read_text(encoding="utf-8")]
    assert len(users) > 10
    assert [p.name for p in users if "__post_init__" in p.read_text(encoding="utf-8")] == []
