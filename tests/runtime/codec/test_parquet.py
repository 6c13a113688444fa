"""Tables in Parquet: test_environment.py runs this with pyarrow, and the rest without."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import io
import math
import resource

import pytest
from codec_support import NOTHING, ClientError, columns, decode, np, pd, refused, tensors

HERE = importlib.util.find_spec("pyarrow") is not None
without = pytest.mark.skipif(HERE, reason="pyarrow is here")
needed = pytest.mark.skipif(not HERE, reason="pyarrow is not here")


@without
def test_an_image_without_pyarrow_says_so():
    with pytest.raises(ClientError, match="the image has no pyarrow") as problem:
        decode(b"PAR1", NOTHING, "body", "parquet")
    assert problem.value.status == 415


def file(**values):
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(values), buffer)
    return buffer.getvalue()


@needed
def test_columns_keep_their_types_where_nothing_is_lost():
    import pyarrow

    zoned = pyarrow.array([1_700_000_000_123_456_789, None], pyarrow.timestamp("ns", "Europe/Berlin"))
    body = file(
        i=pyarrow.array([1, 2], "int8"),
        l=[2**60, 1],
        d=[1, 2],
        f=[0.5, None],
        s=["a", None],
        b=[b"\x00\xff", b"x"],
        t=zoned,
        day=[datetime.date(2024, 5, 31), None],
        flag=pyarrow.array([True, False]),
        money=[decimal.Decimal("1.50"), decimal.Decimal("2")],
        word=pyarrow.array(["x", "y"]).dictionary_encode(),
        items=[[1, 2], []],
        extra=[1, 2],
    )
    wanted = [
        ("i", "integer"),
        ("l", "long"),
        ("d", "double"),
        ("f", "float"),
        ("s", "string"),
        ("b", "binary"),
        ("t", "datetime"),
        ("day", "datetime"),
        ("flag", "boolean"),
        ("money", "double"),
        ("word", "string"),
        ("items", "any"),
    ]
    frame = decode(body, columns(*wanted), "body", "parquet")
    assert list(frame.columns) == [name for name, _ in wanted]
    assert (frame["i"].dtype, frame["l"].tolist(), frame["d"].tolist()) == ("int32", [2**60, 1], [1.0, 2.0])
    assert (frame["f"].dtype, math.isnan(frame["f"][1])) == ("float32", True)
    assert (frame["s"].isna().tolist(), frame["b"].tolist()) == ([False, True], [b"\x00\xff", b"x"])
    assert frame["t"][0] == pd.Timestamp("2023-11-14T22:13:20.123456789")
    assert frame["t"].isna().tolist() == [False, True]
    assert frame["day"][0] == pd.Timestamp("2024-05-31")
    assert (frame["flag"].tolist(), frame["money"].tolist()) == ([True, False], [1.5, 2.0])
    assert (frame["word"].tolist(), [list(items) for items in frame["items"]]) == (["x", "y"], [[1, 2], []])


@needed
@pytest.mark.parametrize(
    ("kind", "values", "reason"),
    [
        ("long", [1.0, 2.5], "column 'x', row 1: expected a whole number"),
        ("integer", [1, 2**40], "row 1: expected a whole number from -2147483648"),
        (
            "long",
            [1, None],
            "row 1: expected a whole number from -9223372036854775808 to 9223372036854775807 (long), got null",
        ),
        ("double", ["secret"], "row 0: expected a number (double), got a string that is no number"),
        ("datetime", [1, 2], "row 0: expected a time in ISO 8601"),
        ("boolean", [0, 2], "row 1: expected true or false"),
    ],
)
def test_values_that_would_change_are_refused(kind, values, reason):
    message = refused(file(x=values), columns(("x", kind)), "parquet")
    assert reason in message
    assert "secret" not in message


@needed
@pytest.mark.parametrize("unit", ["ns", "us", "s"])
@pytest.mark.parametrize("kind", ["long", "double", "string", "boolean", "binary"])
def test_a_time_is_no_number_and_no_text(unit, kind):
    import pyarrow

    body = file(x=pyarrow.array([None, 1_700_000_000], pyarrow.timestamp(unit)))
    wanted = "null" if kind in ("long", "boolean") else "a time"
    assert refused(body, columns(("x", kind)), "parquet").endswith(f", got {wanted}")
    assert refused(file(x=pyarrow.array([5], pyarrow.timestamp(unit))), columns(("x", kind)), "parquet").endswith(
        "a time"
    )


@needed
def test_times_are_tensors_of_times_and_of_nothing_else():
    import pyarrow

    moments = pyarrow.array([1_700_000_000_123_456_789, None], pyarrow.timestamp("ns"))
    found = decode(file(x=moments), tensors(("x", "datetime64[ns]", [-1])), "body", "parquet")["x"]
    assert (found.dtype, str(found[0]), bool(np.isnat(found[1]))) == (
        "datetime64[ns]",
        "2023-11-14T22:13:20.123456789",
        True,
    )
    pair = decode(file(x=moments, y=moments), tensors((None, "datetime64[ns]", [-1, 2])), "body", "parquet")
    assert str(pair[0][1]) == "2023-11-14T22:13:20.123456789"
    assert refused(file(x=moments), tensors(("x", "int64", [-1])), "parquet").endswith("got a time")
    assert "a time finer than that" in refused(file(x=moments), tensors(("x", "datetime64[s]", [-1])), "parquet")
    far = file(x=pyarrow.array([datetime.date(9999, 1, 1)]))
    assert "a time out of range" in refused(far, tensors(("x", "datetime64[ns]", [-1])), "parquet")
    kept = decode(file(x=moments), tensors(("x", "object", [-1])), "body", "parquet")["x"]
    assert (kept.dtype, str(kept[0]), kept[1]) == (object, "2023-11-14T22:13:20.123456789", None)


@needed
@pytest.mark.parametrize("what", ["numbers", "text", "bytes"])
def test_a_small_file_does_not_fill_the_memory(what):
    import pyarrow

    if what == "numbers":
        values = pyarrow.array(np.zeros(40_000_000, dtype="int8"))
    else:
        long = pyarrow.array(["secret" * 50_000]).cast("string" if what == "text" else "binary")
        values = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(3_000, dtype="int32")), long)
    body = file(x=values)
    assert len(body) < 1 << 18
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for signature in (NOTHING, columns(("x", "any"))):
        assert refused(body, signature, "parquet") == "input_data: the table would take more than 512 MiB of memory"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


@needed
def test_text_in_every_place_is_read_through_its_dictionary():
    rows = [
        {"s": "a", "b": b"a", "l": ["a", "a"], "o": {"t": "a"}},
        {"s": None, "b": None, "l": None, "o": {"t": None}},
    ]
    body = file(**{name: [row[name] for row in rows] for name in rows[0]})
    frame = decode(body, NOTHING, "body", "parquet")
    for name in rows[0]:
        cells = [None if not isinstance(cell, (list, dict)) and pd.isna(cell) else cell for cell in frame[name]]
        assert cells == [row[name] for row in rows]


@needed
def test_what_is_no_parquet_is_refused():
    assert refused(b"secret", NOTHING, "parquet") == "input_data is no Parquet that can be read"
    assert "missing column 'y'" in refused(file(x=[1]), columns(("y", "long")), "parquet")


@needed
def test_without_a_signature_the_file_decides():
    assert decode(file(x=[1, 2]), NOTHING, "body", "parquet")["x"].tolist() == [1, 2]
