"""Whatever a model answers, as JSON."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid

import pytest
from codec_support import encode, module, np, pd

tree = module("codec.plain").tree


@dataclasses.dataclass
class Point:
    x: float = 1.5
    y: object = None


class Color(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Tensor:
    """Behaves as a tensor of torch does."""

    def detach(self):
        return self

    def tolist(self):
        return [1.5, math.nan]


Pair = collections.namedtuple("Pair", "left right")
NS = "2024-01-01T00:00:00.123456789"

ANSWERS = [
    (np.array([1.5, math.nan, math.inf]), [1.5, None, None]),
    (np.array([[1, 2]], dtype="int8"), [[1, 2]]),
    (np.arange(4)[::-2], [3, 1]),
    (np.array([[1.5, 2.5]]).T, [[1.5], [2.5]]),
    (np.array([1.5], dtype=">f8"), [1.5]),
    (np.array(2.5), 2.5),
    (np.array([True]), [True]),
    (np.array([0.1], dtype="float32"), [float(np.float32(0.1))]),
    (np.array([0.5], dtype="float16"), [0.5]),
    (np.array([1.5], dtype="longdouble"), [1.5]),
    (np.array(["a", None], dtype=object), ["a", None]),
    (np.array([b"\x00\xff"]), ["AP8="]),
    (np.array([1, "NaT"], dtype="timedelta64[s]"), [1.0, None]),
    (np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"), ["2024-01-01", None]),
    (np.array([]), []),
    (np.float64(0.5), 0.5),
    (np.float32(math.nan), None),
    (np.datetime64("2024-01-01"), "2024-01-01"),
    (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    (pd.DataFrame({0: [pd.Timestamp("2024-01-01"), pd.NaT]}), [{"0": "2024-01-01T00:00:00"}, {"0": None}]),
    (pd.DataFrame({"z": pd.to_datetime(["2024-01-01"]).tz_localize("UTC")}), [{"z": "2024-01-01T00:00:00+00:00"}]),
    (pd.DataFrame({("a", 1): [1.5]}), [{"a_1": 1.5}]),
    (pd.DataFrame({"n": pd.array([1, None], dtype="Int64")}), [{"n": 1}, {"n": None}]),
    (pd.DataFrame({"c": pd.Categorical(["x", None])}), [{"c": "x"}, {"c": None}]),
    (pd.DataFrame({"p": pd.period_range("2024-01", periods=1, freq="M")}), [{"p": "2024-01"}]),
    (pd.DataFrame({"i": pd.interval_range(0, 1)}), [{"i": "(0, 1]"}]),
    (pd.DataFrame({"d": pd.to_timedelta(["90s", None])}), [{"d": 90.0}, {"d": None}]),
    (pd.DataFrame({"f": np.array([0.1], dtype="float32")}), [{"f": float(np.float32(0.1))}]),
    (pd.DataFrame(index=[1, 2]), [{}, {}]),
    (pd.DataFrame({"a": [{1: [np.int64(2)]}]}), [{"a": {"1": [2]}}]),
    (pd.Series([1, 2], name="y"), [{"y": 1}, {"y": 2}]),
    (pd.Series([1.5, None]), [{"0": 1.5}, {"0": None}]),
    (pd.Index([1, 2]), [1, 2]),
    (pd.Timestamp(NS), NS),
    ({"a": np.array([1]), 2: (np.int64(1), None)}, {"a": [1], "2": [1, None]}),
    ({Color.RED: 1, (1, 2): 2, b"a": 3, np.int64(4): 5}, {"red": 1, "1_2": 2, "YQ==": 3, "4": 5}),
    ({None: 1, True: 2, 1.5: 3, datetime.date(2024, 1, 2): 4}, {"null": 1, "true": 2, "1.5": 3, "2024-01-02": 4}),
    ({np.int64(3): pd.NA}, {"3": None}),
    ([b"\x00\xff", bytearray(b"\x00"), datetime.date(2024, 1, 2), {1.5}], ["AP8=", "AA==", "2024-01-02", [1.5]]),
    ([datetime.time(1, 2), datetime.timedelta(minutes=1), uuid.UUID(int=1)], ["01:02:00", 60.0, str(uuid.UUID(int=1))]),
    ([decimal.Decimal("1.5"), decimal.Decimal("NaN"), decimal.Decimal(10**30)], [1.5, None, 10**30]),
    ([Point(y=np.array([1])), Color.RED, Text("t"), Pair(1, 2)], [{"x": 1.5, "y": [1]}, "red", "t", [1, 2]]),
    ([range(2), collections.OrderedDict(a=1), collections.deque([1])], [[0, 1], {"a": 1}, [1]]),
    (Tensor(), [1.5, None]),
    ((number for number in (1, 2)), [1, 2]),
    ({"a": (number for number in (1, 2)), "b": 2**70}, {"a": [1, 2], "b": 2**70}),
    ([-(2**64), 1.5], [-(2**64), 1.5]),
    (["\ud800", "ä"], ["\ud800", "ä"]),
    ([math.nan, 2**70, math.inf], [None, 2**70, None]),
    ("text", "text"),
    (math.nan, None),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), ANSWERS, ids=lambda value: type(value).__name__)
def test_answers_become_valid_json(value, expected):
    assert json.loads(encode(value), parse_constant=pytest.fail) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [pair for pair in ANSWERS if not hasattr(pair[0], "send") and not hasattr(dict(enumerate([pair[0]]))[0], "keys")],
    ids=lambda value: type(value).__name__,
)
def test_the_script_under_azure_mls_server_writes_the_same(value, expected):
    assert json.loads(json.dumps(tree(value), allow_nan=False)) == expected


def test_models_of_pydantic_and_sparse_matrices():
    pydantic = pytest.importorskip("pydantic")
    sparse = pytest.importorskip("scipy.sparse")
    answer = pydantic.create_model("Answer", score=(float, 1.5))
    assert json.loads(encode([answer(), sparse.csr_matrix([[1, 0]])])) == [{"score": 1.5}, [[1, 0]]]


@pytest.mark.parametrize("value", [1j, object(), int, np.array([1j]), test_answers_become_valid_json])
def test_an_answer_without_a_form_in_json_is_an_error(value):
    with pytest.raises(TypeError, match="has no form in JSON"):
        encode([value])


def test_an_answer_of_too_many_levels_is_an_error():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TypeError, match="more levels"):
        encode(value)


def test_an_answer_that_holds_itself_is_an_error():
    value = {}
    value["self"] = value
    with pytest.raises(TypeError, match="more levels"):
        encode(value)
