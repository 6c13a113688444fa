"""The walker gives what `pickletools.genops` gives, on pickles of the standard library and of real ones."""

from __future__ import annotations

import collections
import datetime
import io
import pickle
import pickletools
import time
from decimal import Decimal
from pathlib import Path

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envbuild.model.pickles.opcodes import MAX_TEXT, TAIL, DamagedPickleError, Walker
from envbuild.model.pickles.reading import modules_of
from envbuild.model.pickles.source import Budget, Source

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
REAL = sorted([*FIXTURES.glob("pickles/*.pkl"), *FIXTURES.glob("models/*/*.pkl")])
VALUES = [
    {"a": collections.OrderedDict(x=Decimal("1.5")), "b": datetime.datetime(2024, 1, 1)},
    list(range(3000)),
    [-1, 255, 256, 65536, -70000, 2**31, 2**63, -(2**70), 10**400],
    ["", "é" * 300, "x" * 10_000, "line\nline", "quote'\"\\"],
    [b"", b"y" * 300, b"z" * 100_000, bytearray(b"w" * 70_000)],
    [1.5, None, True, False, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, frozenset([3])],
    collections.deque([[[[]]]]),
]


def walked(data: bytes) -> list[tuple[int, object]]:
    walker = Walker(Source(io.BytesIO(data), Budget(), seeks=True))
    found: list[tuple[int, object]] = list(walker.opcodes())
    assert walker.position == len(data)
    return found


def agree(data: bytes) -> None:
    expected = [(ord(opcode.code), argument) for opcode, argument, _ in pickletools.genops(data)]
    found = walked(data)
    assert [code for code, _ in found] == [code for code, _ in expected]
    for (code, argument), (_, wanted) in zip(found, expected, strict=True):
        if isinstance(wanted, str) and len(wanted.encode("utf-8", "surrogatepass")) <= MAX_TEXT:
            assert argument == wanted, chr(code)
        elif isinstance(wanted, int) and not isinstance(wanted, bool) and len(str(wanted)) < 20:
            assert argument == wanted or chr(code) == "I", chr(code)
        elif isinstance(wanted, bytes | bytearray) and len(wanted) > MAX_TEXT:
            assert argument == bytes(wanted[-TAIL:])
        else:
            assert argument in ("", None) or argument == wanted


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_every_opcode_of_every_protocol(value, protocol):
    agree(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_pickles(path):
    agree(path.read_bytes())


def test_functions_by_value():
    offset = 3

    def function(value: int, *more: int) -> int:
        return json_of(value) + offset + sum(more)

    def json_of(value: int) -> int:
        return value

    agree(cloudpickle.dumps(function))


@settings(max_examples=25, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner) | st.tuples(inner, inner),
    ),
    st.integers(min_value=0, max_value=5),
)
def test_any_value(value, protocol):
    agree(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("window", [9000, 10_000, 16_384])
def test_windows_do_not_show(monkeypatch, window, protocol):
    data = pickle.dumps([*VALUES, *range(20_000), "text" * 5000, b"bytes" * 5000], protocol=protocol)
    whole = walked(data)
    monkeypatch.setattr("envbuild.model.pickles.source.WINDOW", window)
    assert walked(data) == whole


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x04", b"\x80\x04\xff.", b"X\xff\xff\xff\x7f", b"pnot a number\n.", b"cabc"]
)
def test_what_is_damaged_is_told(data):
    with pytest.raises(DamagedPickleError):
        walked(data)


def test_long_bytes_are_stepped_over_unread(tmp_path):
    path = tmp_path / "big.pkl"
    size = 2 << 30
    with path.open("wb") as stream:
        stream.write(b"\x80\x04\x8e" + size.to_bytes(8, "little"))
        stream.seek(size, 1)
        stream.write(b"\x8c\x03end.")
    budget = Budget()
    with path.open("rb") as stream:
        found = list(Walker(Source(stream, budget, seeks=True)).opcodes())
    assert [argument for _, argument in found] == [4, bytes(TAIL), "end", None]
    assert budget.bytes > 60 << 20


@pytest.mark.parametrize(
    "behind", [b"c", b"\nc", b"cc\n", b"\nA", b"\n" + b"A" * 199, b"ca\nb", b"\x8cA", b"\x8c\x03abc\x93"], ids=len
)
def test_what_lies_behind_a_damage_is_looked_through_in_time(behind):
    content = b"\x80\x04}\xff" + behind * ((2 << 20) // len(behind))
    started = time.process_time()
    modules_of(io.BytesIO(content))
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize("before", [b"", b"N", b"\n", b"q\x01", b"\xff" * 300, b"x" * 300 + b"("], ids=len)
def test_names_behind_a_damage_are_found_by_their_shape(before):
    content = b"\x80\x04}\xff" + before + b"csklearn.tree._classes\nTree\ncnumpy\nndarray\n"
    assert modules_of(io.BytesIO(content)) == {"sklearn.tree._classes", "numpy"}
