"""What is accepted and refused for each type: the cases of test_accepted.py, and the table of docs/payloads.md."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
NESTED = {
    "array of long": {"type": "array", "items": {"type": "long"}},
    "array of double": {"type": "array", "items": {"type": "double"}},
    "array of string": {"type": "array", "items": {"type": "string"}},
    "object": {
        "type": "object",
        "properties": {"a": {"type": "double", "required": True}, "b": {"type": "string", "required": False}},
    },
    "map of long": {"type": "map", "values": {"type": "long"}},
    "any": {"type": "any"},
}


@dataclass(frozen=True)
class Case:
    """One row of the table. A value is written as JSON, as a cell of CSV, or as both, with the same outcome."""

    kind: str
    json: str | None = None
    csv: str | None = None
    becomes: str = ""
    """What the model gets, as `shown` in test_accepted.py writes it."""
    refused: str = ""
    """The kind of value that the message names."""


OUT = "a whole number out of range"
FRACTION = "a number with a fraction"
STRING_FRACTION = "a string with a fraction"
NO_NUMBER = "a string that is no number"
NO_TIME = "a string that is no such time"

WHOLE = [
    case
    for kind, low, high in (
        ("integer", "-2147483648", "2147483647"),
        ("long", "-9223372036854775808", "9223372036854775807"),
    )
    for case in (
        Case(kind, low, low, low),
        Case(kind, high, high, high),
        Case(kind, str(int(high) + 1), str(int(high) + 1), refused=OUT if kind == "integer" else "9223372036854775808"),
        Case(kind, "5.0", "5.0", "5"),
        Case(kind, '"5"', None, "5"),
        Case(kind, '"5.0"', None, "5"),
        Case(kind, '"1e3"', "1e3", "1000"),
        Case(kind, "true", None, "1"),
        Case(kind, "2.5", None, refused=FRACTION),
        Case(kind, '"2.5"', "2.5", refused=STRING_FRACTION),
        Case(kind, "1e300", None, refused=OUT),
        Case(kind, '"1e999999999"', "1e999999999", refused="a string with a whole number out of range"),
        Case(kind, '"five"', "five", refused=NO_NUMBER),
        Case(kind, '"1_000"', "1_000", refused=NO_NUMBER),
        Case(kind, '""', None, refused=NO_NUMBER),
        Case(kind, "NaN", None, refused="NaN"),
        Case(kind, "null", "", refused="null"),
        Case(kind, "[1]", None, refused="a list"),
        Case(kind, '{"a": 1}', None, refused="an object"),
    )
]
# The message for a whole number is the same in JSON and CSV.
WHOLE = [Case(case.kind, case.json, case.csv, refused=OUT) if case.refused.isdigit() else case for case in WHOLE]

REAL = [
    case
    for kind in ("float", "double")
    for case in (
        Case(kind, "1", "1", "1.0"),
        Case(kind, "0.5", "0.5", "0.5"),
        Case(kind, '"1.0"', None, "1.0"),
        Case(kind, '" 1e3 "', " 1e3 ", "1000.0"),
        Case(kind, '"NaN"', "NaN", "missing (NaN)"),
        Case(kind, "NaN", None, "missing (NaN)"),
        Case(kind, "null", "", "missing (NaN)"),
        Case(kind, None, "NA", "missing (NaN)"),
        Case(kind, '"-Infinity"', "-inf", "-inf"),
        Case(kind, "true", None, "1.0"),
        Case(kind, '"true"', "true", refused=NO_NUMBER),
        Case(kind, '"1_000"', "1_000", refused=NO_NUMBER),
        Case(kind, '"1,5"', None, refused=NO_NUMBER),
        Case(kind, '""', None, refused=NO_NUMBER),
        Case(kind, '"1e999"', "1e999", refused="a number out of range"),
        Case(kind, "[1.5]", None, refused="a list"),
    )
]
EXACT = "a whole number with more digits than the type holds"
REAL += [
    Case("float", "0.1", "0.1", "0.10000000149011612"),
    Case("float", "16777216", "16777216", "16777216.0"),
    Case("float", "16777217", "16777217", refused=EXACT),
    Case("float", "16777217.0", "16777217.0", "16777216.0"),
    Case("float", "1e39", "1e39", refused="a number out of range"),
    Case("double", "9007199254740992", "9007199254740992", "9007199254740992.0"),
    Case("double", "9007199254740993", "9007199254740993", refused=EXACT),
    Case("double", "9007199254740993.0", "9007199254740993.0", "9007199254740992.0"),
    Case("double", "36893488147419103232", "36893488147419103232", "3.6893488147419103e+19"),
    Case("double", "36893488147419103233", "36893488147419103233", refused=EXACT),
    Case("double", "-9223372036854775809", "-9223372036854775809", refused=EXACT),
]

CASES: tuple[Case, ...] = (
    Case("boolean", "true", "true", "true"),
    Case("boolean", "false", "FALSE", "false"),
    Case("boolean", "0", "0", "false"),
    Case("boolean", "1.0", "1.0", "true"),
    Case("boolean", "2", None, refused="a whole number"),
    Case("boolean", "0.5", None, refused=FRACTION),
    Case("boolean", '"true"', None, refused="a string"),
    Case("boolean", '"false"', None, refused="a string"),
    Case("boolean", '"yes"', "yes", refused="a string"),
    Case("boolean", "null", "", refused="null"),
    *WHOLE,
    *REAL,
    Case("string", '"text"', "text", '"text"'),
    Case("string", '"007"', "007", '"007"'),
    Case("string", '"NA"', "NA", '"NA"'),
    Case("string", '""', None, '""'),
    Case("string", "5", "5", '"5"'),
    Case("string", "2.5", "2.5", '"2.5"'),
    Case("string", "12345678901234567890", "12345678901234567890", '"12345678901234567890"'),
    Case("string", "-12345678901234567890123", None, '"-12345678901234567890123"'),
    Case("string", "null", "", "missing"),
    Case("string", "NaN", None, "missing"),
    Case("string", None, "true", '"true"'),
    Case("string", "true", None, refused="true or false"),
    Case("string", "[1]", None, refused="a list"),
    Case("string", '{"a": 1}', None, refused="an object"),
    Case("binary", '"AP8="', "AP8=", "bytes 00ff"),
    Case("binary", "null", "", "missing"),
    Case("binary", '"AP8"', "AP8", refused="a string that is not base64"),
    Case("binary", '"no base64!"', "no base64!", refused="a string that is not base64"),
    Case("binary", "5", None, refused="a whole number"),
    Case("datetime", '"2024-05-31"', "2024-05-31", "2024-05-31T00:00:00"),
    Case("datetime", '"2024-05-31T12:00:00"', "2024-05-31T12:00:00", "2024-05-31T12:00:00"),
    Case("datetime", '"2024-05-31 12:00"', "2024-05-31 12:00", "2024-05-31T12:00:00"),
    Case("datetime", '"2024-05-31T12:00:00Z"', "2024-05-31T12:00:00Z", "2024-05-31T12:00:00"),
    Case("datetime", '"2024-05-31T12:00:00+02:00"', "2024-05-31T12:00:00+02:00", "2024-05-31T10:00:00"),
    Case("datetime", '"2024-05-31T12:00:00-0530"', None, "2024-05-31T17:30:00"),
    Case("datetime", '"2024-05-31t12:00:00,5z"', None, "2024-05-31T12:00:00.500000"),
    Case("datetime", '"2024-05-31T12:00:00.123456789Z"', None, "2024-05-31T12:00:00.123456789"),
    Case("datetime", "null", "", "missing (NaT)"),
    Case("datetime", None, "NA", "missing (NaT)"),
    Case("datetime", "1700000000000", None, refused="a whole number"),
    Case("datetime", '"1700000000"', "1700000000", refused=NO_TIME),
    Case("datetime", '"31/05/2024"', "31/05/2024", refused=NO_TIME),
    Case("datetime", '"2024-02-30"', "2024-02-30", refused=NO_TIME),
    Case("datetime", '"2024-05-31T24:00:00"', None, refused=NO_TIME),
    Case("datetime", '"tomorrow"', "tomorrow", refused=NO_TIME),
    Case("datetime", '"9999-12-31"', "9999-12-31", refused="a time out of range"),
    Case("datetime", '"1677-09-22"', None, refused="a time out of range"),
    Case("array of long", "[1, 2]", '"[1, 2]"', "[1, 2]"),
    Case("array of long", '[1, "2"]', None, "[1, 2]"),
    Case("array of long", "[]", None, "[]"),
    Case("array of long", "[1, 2.5]", '"[1, 2.5]"', refused=FRACTION),
    Case("array of long", "[1, null]", None, refused="null"),
    Case("array of long", '"[1]"', None, refused="a string"),
    Case("array of long", "null", "", refused="null"),
    Case("array of double", "[1, null]", None, "[1.0, NaN]"),
    Case("array of string", '["a", 5]', None, '["a", "5"]'),
    Case("array of string", '["a", null]', None, refused="null"),
    Case("object", '{"a": 1, "b": "x", "c": 5}', None, '{"a": 1.0, "b": "x"}'),
    Case("object", '{"a": 1, "b": null}', None, '{"a": 1.0, "b": null}'),
    Case("object", '{"b": "x"}', None, refused="an object without 'a'"),
    Case("object", '{"a": "x"}', None, refused=NO_NUMBER),
    Case("object", "[1]", None, refused="a list"),
    Case("map of long", '{"p": 1, "q": 2}', None, '{"p": 1, "q": 2}'),
    Case("map of long", '{"p": 1.5}', None, refused=FRACTION),
    Case("any", '[1, "a", {"b": null}]', None, '[1, "a", {"b": null}]'),
    Case("any", "[36893488147419103233]", '"[36893488147419103233]"', "[36893488147419103233]"),
    Case("any", "null", "", "null"),
    Case("tensor of float64", "[1, 2.5, null]", None, "[1.0, 2.5, NaN]"),
    Case("tensor of float64", '["1.5", true]', None, "[1.5, 1.0]"),
    Case("tensor of float64", '["much"]', None, refused=NO_NUMBER),
    Case("tensor of float64", "[9007199254740993]", None, refused=EXACT),
    Case("tensor of float32", "[0.5, 1e38]", None, "[0.5, 9.999999680285692e+37]"),
    Case("tensor of float32", "[0.5, 1e39]", None, refused="a number out of range"),
    Case("tensor of float16", "[0.5, 2048]", None, "[0.5, 2048.0]"),
    Case("tensor of float16", "[65536.5]", None, refused="a number out of range"),
    Case("tensor of int64", "[1, 9007199254740993, 2.0]", None, "[1, 9007199254740993, 2]"),
    Case("tensor of int64", "[1, 2.5]", None, refused=FRACTION),
    Case("tensor of int64", "[1, null]", None, refused="null"),
    Case("tensor of uint8", "[0, 255]", None, "[0, 255]"),
    Case("tensor of uint8", "[256]", None, refused=OUT),
    Case("tensor of uint8", "[-1]", None, refused=OUT),
    Case("tensor of uint64", "[18446744073709551615, 1.0]", None, "[18446744073709551615, 1]"),
    Case("tensor of bool", "[true, 0, 1.0]", None, "[true, false, true]"),
    Case("tensor of bool", '["true"]', None, refused="a string"),
    Case("tensor of str", '["a", 5]', None, '["a", "5"]'),
    Case("tensor of str", '["a", null]', None, refused="null"),
    Case("tensor of bytes", '["AP8="]', None, "[bytes 00ff]"),
    Case("tensor of bytes", '["/wA="]', None, refused="bytes that end in a zero, which numpy would drop"),
    Case("tensor of datetime64[ns]", '["2024-05-31T12:00:00+02:00", null]', None, "[2024-05-31T10:00:00, NaT]"),
    Case("tensor of datetime64[D]", '["2024-05-31T12:00:00"]', None, refused="a time finer than that"),
    Case("tensor of datetime64[ns]", "[1700000000]", None, refused="a whole number"),
    Case("tensor of object", '[1, "a", null]', None, '[1, "a", null]'),
)


def row(case: Case) -> str:
    """Return a case as a row of the table."""
    outcome = "refused" if case.refused else "accepted"
    value = case.json if case.json is not None else case.csv
    cell = "" if case.csv is None else ("(empty)" if case.csv == "" else f"`{case.csv}`")
    written = f"`{value}`" if case.json is not None else ""
    last = case.refused or f"`{case.becomes}`"
    return f"| {case.kind} | {written} | {cell} | {outcome} | {last} |"


def table() -> str:
    """Return the whole table in Markdown."""
    head = "| type | in JSON | in CSV | outcome | the model gets, or the kind that is refused |\n"
    return head + "| --- | --- | --- | --- | --- |\n" + "".join(row(case).replace("||", "| |") + "\n" for case in CASES)
