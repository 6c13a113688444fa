"""The codec under the name that it has here or in images, and signatures to try it with.

The tests run wherever numpy, pandas and orjson are installed, and in the models' environment through
test_environment.py.
"""

from __future__ import annotations

import importlib
import json

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pytest.importorskip("orjson")

try:
    PACKAGE = importlib.import_module("envbuild_runtime").__name__
except ImportError:
    PACKAGE = importlib.import_module("envbuild.runtime").__name__


def module(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


decode = module("codec.decode").decode
encode = module("codec.encode").encode
ClientError = module("errors").ClientError
InputError = module("errors").InputError
parse_signature = module("codec.signature").parse_signature
NOTHING = parse_signature({})


def signed(inputs, params=()):
    return parse_signature({"signature": {"inputs": json.dumps(inputs), "params": json.dumps(list(params))}})


def columns(*specs):
    """A signature of columns: (name, type) or (name, type, required) each."""
    return signed(
        [
            {"type": kind, **({"name": name} if name else {}), "required": required}
            for name, kind, required in ((*spec, True)[:3] for spec in specs)
        ]
    )


def tensors(*specs):
    """A signature of tensors: (name, dtype, shape) each."""
    return signed(
        [
            {"type": "tensor", **({"name": name} if name else {}), "tensor-spec": {"dtype": dtype, "shape": shape}}
            for name, dtype, shape in specs
        ]
    )


def column(kind, values, required=True):
    """The column 'x' of a table in JSON."""
    data = {"columns": ["x"], "data": [[value] for value in values]}
    return decode(data, columns(("x", kind, required)), "input_data")["x"]


def refused(payload, signature, form="any"):
    """The text that a payload is refused with, as a client's fault."""
    with pytest.raises(ClientError) as problem:
        decode(payload, signature, "input_data", form)
    assert problem.value.status == 400
    return problem.value.message
