from __future__ import annotations

import bz2
import collections
import fractions
import gzip
import io
import json
import lzma
import pickle
import zipfile
import zlib
from decimal import Decimal

import cloudpickle
import pytest

from envbuild.model import read
from envbuild.model.pickles import imported_modules, modules_of

VALUE = {"a": collections.OrderedDict(x=Decimal("1.5")), "b": fractions.Fraction(1, 3), "c": fractions.Fraction(2, 3)}
MODULES = {"collections", "decimal", "fractions"}


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_read(protocol):
    assert (
        modules_of(io.BytesIO(pickle.dumps(VALUE, protocol=protocol))) - {"copyreg", "__builtin__", "builtins"}
        == MODULES
    )


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, zlib.compress, lzma.compress, lambda d: lzma.compress(d, lzma.FORMAT_ALONE)],
)
def test_compressed_pickles_are_read(compress):
    assert modules_of(io.BytesIO(compress(pickle.dumps(VALUE)))) == MODULES


def test_pickles_in_an_archive_are_read():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(VALUE))
        archive.writestr("archive/data/0", b"\x00" * 100)
    assert modules_of(io.BytesIO(out.getvalue())) == MODULES


def test_a_skops_schema_is_read():
    schema = {"__module__": "sklearn.pipeline", "__loader__": "ObjectNode", "content": {"x": [{"__module__": "numpy"}]}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    assert modules_of(io.BytesIO(out.getvalue())) == {"sklearn.pipeline", "numpy"}


def test_names_behind_raw_data_are_found_by_their_shape():
    # joblib writes an array's bytes between two stretches of opcodes.
    first = pickle.dumps(VALUE["a"], protocol=4)[:-1]
    rest = pickle.dumps(VALUE["b"], protocol=4)[2:]
    assert "fractions" in modules_of(io.BytesIO(first + b"\xff" * 64 + b"\x00" * 64 + rest))


def test_an_import_inside_a_pickled_function_is_found():
    def function():
        return json.dumps({})

    assert "json" in modules_of(io.BytesIO(cloudpickle.dumps(function)))


def test_two_pickles_in_one_file_are_read():
    assert modules_of(io.BytesIO(pickle.dumps(VALUE["a"]) + pickle.dumps(VALUE["b"]))) == MODULES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"PK\x03\x04junk",
        b"\x1f\x8bjunk",
        b"BZh9junk",
        b"\x78\x9cjunk",
        b"text only",
        b"\xfd7zXZ\x00x",
        b"(" * 1000,
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
    ],
)
def test_what_is_no_pickle_names_nothing(data):
    assert modules_of(io.BytesIO(data)) == set()


def test_nothing_is_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    assert modules_of(io.BytesIO(pickle.dumps(Evil()))) & {"io", "_io"}
    assert not (tmp_path / "made").exists()


def test_a_bomb_is_capped(monkeypatch):
    monkeypatch.setattr("envbuild.model.pickles.source.MAX_BYTES", 1 << 16)
    data = gzip.compress(pickle.dumps(VALUE["a"]) + b"\x00" * (1 << 24))
    assert "collections" in modules_of(io.BytesIO(data))


def test_real_models(fixture_models):
    assert "sklearn.linear_model._ridge" in imported_modules(read(fixture_models / "diabetes"))
    assert "sklearn.ensemble._forest" in imported_modules(read(fixture_models / "forest"))
    assert "pricing.model" in imported_modules(read(fixture_models / "pyfunc-code"))
    assert imported_modules(read(fixture_models / "lightgbm")) == ()


def test_the_result_is_sorted_and_without_main(folder):
    import types

    value = types.SimpleNamespace(b=VALUE["b"], a=VALUE["a"])
    root = folder({"model.pkl": pickle.dumps(value, protocol=4) + b"\x80\x04c__main__\nX\n."})
    found = imported_modules(read(root))
    assert list(found) == sorted(found)
    assert "__main__" not in found
