"""Every row of the table in docs/payloads.md, in JSON and in CSV."""

from __future__ import annotations

import json

import pytest
from accepted import CASES, COLUMNS, NESTED
from codec_support import decode, module, np, pd, refused, signed, tensors

WANTED = module("codec.scalars").WANTED
parse_json = module("protocols.json_body").parse_json


def shown(value):
    """What the model gets, as the table writes it."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if isinstance(value, (list, np.ndarray)):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (np.datetime64, pd.Timestamp)) or value is pd.NaT:
        return "NaT" if pd.isna(value) else pd.Timestamp(value).isoformat()
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return json.dumps(value, ensure_ascii=False)
    return "NaN" if value != value else repr(value)


def cell(kind, value):
    if kind == "any" or not pd.api.types.is_scalar(value) or not pd.isna(value):
        return shown(value)
    return {"datetime": "missing (NaT)", "float": "missing (NaN)", "double": "missing (NaN)"}.get(kind, "missing")


def signature(kind):
    if kind.startswith("tensor of "):
        return tensors((None, kind[len("tensor of ") :], [-1]))
    return signed([{**NESTED.get(kind, {"type": kind}), "name": "x", "required": True}])


def check(case, payload, form):
    wanted = signature(case.kind)
    if case.refused:
        message = refused(payload, wanted, form)
        assert message.endswith(f", got {case.refused}")
        if case.kind in COLUMNS:
            assert message.startswith(f"column 'x', row 0: expected {WANTED[case.kind]} ({case.kind})")
        return
    found = decode(payload, wanted, "input_data", form)
    if wanted.tensors:
        assert found.dtype == np.dtype(wanted.tensors[0].dtype) or found.dtype.kind in "US"
        assert shown(found) == case.becomes
    else:
        assert cell(case.kind, found["x"].iloc[0]) == case.becomes


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.json is not None], ids=lambda case: f"{case.kind}-{case.json}"
)
def test_in_json(case):
    value = parse_json(b"[" + case.json.encode() + b"]")[0]
    if case.kind.startswith("tensor"):
        check(case, value, "any")
    else:
        check(case, {"columns": ["x"], "data": [[value]]}, "split")
        check(case, [{"x": value}], "records")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.csv is not None], ids=lambda case: f"{case.kind}-{case.csv}"
)
def test_in_csv(case):
    check(case, f"x\n{case.csv}\n".encode(), "csv")


def test_every_type_has_a_case_of_each_outcome():
    for kind in (*COLUMNS, *NESTED):
        outcomes = {bool(case.refused) for case in CASES if case.kind == kind}
        assert outcomes == ({False} if kind == "any" else {True, False}) or kind == "array of double"
    assert set(COLUMNS) == set(WANTED)
