"""Tables in CSV."""

from __future__ import annotations

import pytest
from codec_support import NOTHING, columns, decode, refused, tensors

TWO = columns(("a", "long"), ("b", "string"))


@pytest.mark.parametrize(
    "body",
    [
        b"a,b\n1,x\n2,y\n",
        b"a,b\r\n1,x\r\n2,y",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        b'"b",z,"a"\n"x",9,1\n\ny,,2\n',
    ],
)
def test_a_table_in_csv(body):
    frame = decode(body, TWO, "body", "csv")
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_cell_may_hold_commas_quotes_and_lines():
    frame = decode(b'a,b\n1,"x, ""y""\nz"\n', TWO, "body", "csv")
    assert frame["b"][0] == 'x, "y"\nz'


def test_a_large_cell_is_read():
    body = b"a,b\n1," + b"x" * 1_000_000 + b"\n"
    assert len(decode(body, TWO, "body", "csv")["b"][0]) == 1_000_000


def test_an_empty_line_of_a_single_column_is_a_missing_value():
    frame = decode(b"b\nx\n\ny\n", columns(("b", "string")), "body", "csv")
    assert frame["b"].isna().tolist() == [False, True, False]


def test_the_header_alone_is_an_empty_table():
    assert decode(b"b,a\n", TWO, "body", "csv").shape == (0, 2)


def test_columns_without_names_are_taken_in_their_order():
    frame = decode(b"p,q\n1,true\n", columns((None, "long"), (None, "boolean")), "body", "csv")
    assert frame.to_dict("list") == {"p": [1], "q": [True]}


def test_without_a_signature_pandas_reads_it():
    frame = decode(b"n,t\n1,x\n2,y\n", NOTHING, "body", "csv")
    assert frame["n"].tolist() == [1, 2]
    assert frame["n"].dtype == "int64"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body is empty: a header row is expected"),
        (b" \n", "body is empty"),
        (b"a,b\n\xff,secret\n", "body is not UTF-8: byte 4"),
        (b"a,b\n1,x\n2,y,secret\n", "row 1 has 3 cells, the header has 2"),
        (b'a,b\n1,"secret\n', "body is not CSV: line 2 cannot be read"),
        (b'a,b\n1,"x"secret\n', "body is not CSV: line 2 cannot be read"),
        (b"a,a\n1,secret\n", "the column 'a' is there twice"),
        (b"a,secret,secret\n1,x,y\n", "the name of column 2 is there twice"),
        (b"secret\n1\n", "missing columns 'a', 'b'"),
        (b"a,b\nsecret,x\n", "column 'a', row 0: expected a whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_without_what_it_holds(body, reason):
    message = refused(body, TWO, "csv").replace("input_data", "body")
    assert reason in message
    assert "secret" not in message


def test_without_a_signature_what_is_no_table_is_refused():
    assert "is not CSV that can be read" in refused(b'a,b\n1,"secret\n', NOTHING, "csv")


@pytest.mark.parametrize(
    ("dtype", "cells", "held"),
    [
        ("bool", ["true", "0", "FALSE"], [True, False, False]),
        ("str", ["NA", "5", "true"], ["NA", "5", "true"]),
        ("object", ["NA", "5", "None"], ["NA", "5", "None"]),
        ("bytes", ["AP8=", "bnVsbA=="], [b"\x00\xff", b"null"]),
        ("int64", ["1", "2.0"], [1, 2]),
    ],
)
def test_a_cell_is_read_as_an_element_of_its_tensor_is(dtype, cells, held):
    body = "\n".join(["x", *cells]).encode()
    assert decode(body, tensors(("x", dtype, [-1])), "body", "csv")["x"].tolist() == held
    assert decode(body, tensors((None, dtype, [-1, 1])), "body", "csv").ravel().tolist() == held
