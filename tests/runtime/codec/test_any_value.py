"""Any JSON value for any signature is read or refused as the client's fault, and nothing of it is repeated."""

from __future__ import annotations

import base64
import datetime
import json
import math

import pytest
from accepted import NESTED
from codec_support import NOTHING, ClientError, column, decode, encode, module, np, pd, signed, tensors
from hypothesis import example, given, settings
from hypothesis import strategies as st

MARK = "s3cr3t"
KINDS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
DTYPES = ("float16", "float64", "int64", "uint8", "bool", "str", "bytes", "datetime64[ns]", "object", "complex64")
read_params = module("codec.params").read_params

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(),
    st.text(max_size=5).map(lambda text: MARK + text),
    st.sampled_from(["", "5", "2.5", "1e400", "1e999999999", "NaN", "2024-05-31T12:00:00Z", "2024-13-01", "AP8="]),
)
names = st.sampled_from(["x", "y", "data", "columns", "index", MARK])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
tables = st.fixed_dictionaries(
    {"data": st.lists(st.lists(values, min_size=2, max_size=2), max_size=3)},
    optional={"columns": st.lists(names, min_size=2, max_size=2), "index": st.lists(scalars, max_size=3)},
)
entries = st.one_of(st.sampled_from(KINDS).map(lambda kind: {"type": kind}), st.sampled_from(list(NESTED.values())))
column_signatures = st.one_of(
    st.lists(st.tuples(entries, st.booleans()), min_size=1, max_size=2).map(
        lambda specs: signed([{**spec, "name": "xy"[n], "required": must} for n, (spec, must) in enumerate(specs)])
    ),
    st.lists(entries, min_size=1, max_size=2).map(signed),
)
tensor_signatures = st.one_of(
    st.tuples(st.sampled_from(DTYPES), st.sampled_from([[-1], [-1, 2], [2, -1]])).map(
        lambda spec: tensors((None, *spec))
    ),
    st.sampled_from(DTYPES).map(lambda dtype: tensors(("x", dtype, [-1]), ("y", dtype, [-1, -1]))),
)
signatures = st.one_of(column_signatures, tensor_signatures, st.just(NOTHING))
forms = st.sampled_from(["any", "any", "split", "records"])


@settings(max_examples=250, deadline=None)
@given(st.one_of(values, tables), signatures, forms)
def test_a_value_is_read_or_refused(payload, signature, form):
    try:
        found = decode(payload, signature, "input_data", form)
    except ClientError as problem:
        assert problem.status == 400
        assert MARK not in problem.message
    else:
        if signature.columns:
            assert isinstance(found, pd.DataFrame)
        if signature.tensors:
            arrays = list(found.values()) if signature.names else [found]
            assert [array.ndim for array in arrays] == [len(tensor.shape) for tensor in signature.tensors]


@pytest.mark.parametrize("kind", [*KINDS, *NESTED, *(f"tensor of {dtype}" for dtype in DTYPES)])
def test_a_cell_is_read_or_refused(kind):
    """Here every value gets as far as its type."""
    tensor = kind.startswith("tensor of ")
    spec = {**NESTED.get(kind, {"type": kind}), "name": "x", "required": True}
    signature = tensors((None, kind[len("tensor of ") :], [-1])) if tensor else signed([spec])

    @settings(max_examples=60, deadline=None)
    @given(scalars if tensor else values)
    @example(MARK)
    @example([MARK])
    @example({MARK: MARK})
    @example({"a": MARK, MARK: 1})
    def check(cell):
        try:
            decode([cell] if tensor else {"columns": ["x"], "data": [[cell]]}, signature, "input_data")
        except ClientError as problem:
            assert problem.status == 400
            assert MARK not in problem.message

    check()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.text(alphabet=f'{MARK},"\n\r 1.-:', max_size=8), max_size=3), max_size=4), signatures)
def test_any_text_as_csv_is_read_or_refused(cells, signature):
    body = "\n".join(["x,y", *(",".join(row) for row in cells)])
    try:
        decode(body.encode(), signature, "body", "csv")
    except ClientError as problem:
        assert problem.status == 400


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(values, st.dictionaries(st.sampled_from(["x", "y", MARK]), values)),
    st.lists(st.tuples(st.sampled_from(KINDS[:6] + KINDS[7:]), st.booleans()), max_size=2),
)
def test_any_params_are_read_or_refused(given_params, kinds):
    specs = [
        {"name": "xy"[n], "type": kind, "default": None, "shape": [-1] if many else None}
        for n, (kind, many) in enumerate(kinds)
    ]
    try:
        found = read_params(given_params, signed([], specs).params)
    except ClientError as problem:
        assert MARK not in problem.message
    else:
        assert set(found) <= {"x", "y"}


longs = st.integers(-(2**63), 2**63 - 1)
integers = st.integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("long", longs),
        ("integer", integers),
        ("double", st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))),
        ("float", st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))),
        ("boolean", st.booleans()),
        ("string", st.one_of(st.none(), st.text())),
    ],
)
def test_a_column_goes_through_unchanged(kind, cells):
    @settings(max_examples=80, deadline=None)
    @given(st.lists(cells, min_size=1, max_size=5))
    def check(rows):
        found = column(kind, json.loads(json.dumps(rows)))
        assert [None if pd.isna(cell) else cell for cell in found] == rows
        # And back: what the model got is what it would answer with.
        assert json.loads(encode(found.to_frame())) == [{"x": cell} for cell in rows]

    check()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_bytes_go_through_unchanged(rows):
    found = column("binary", [base64.b64encode(row).decode() for row in rows])
    assert found.tolist() == rows
    assert [base64.b64decode(row["x"]) for row in json.loads(encode(found.to_frame()))] == rows


zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))


@settings(max_examples=80, deadline=None)
@given(
    st.datetimes(datetime.datetime(1678, 1, 2), datetime.datetime(2261, 12, 30), timezones=st.one_of(st.none(), zones))
)
def test_a_time_is_the_same_moment(stamp):
    found = column("datetime", [stamp.isoformat()])[0]
    wanted = stamp if stamp.tzinfo is None else stamp.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    assert found.to_pydatetime() == wanted


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(0, 255), min_size=2, max_size=2), min_size=1), st.sampled_from(DTYPES[:4]))
def test_a_tensor_goes_through_unchanged(rows, dtype):
    found = decode(rows, tensors((None, dtype, [-1, 2])), "x")
    assert found.dtype == np.dtype(dtype)
    assert json.loads(encode(found)) == rows


answers = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=4), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.floats()), inner, max_size=4),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(answers)
def test_any_answer_becomes_valid_json(answer):
    text = encode(answer)
    assert isinstance(json.loads(text, parse_constant=pytest.fail), (dict, list, str, int, float, bool, type(None)))
    if isinstance(answer, float) and not math.isfinite(answer):
        assert text == b"null"
