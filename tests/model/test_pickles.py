from __future__ import annotations

import bz2
import collections
import errno
import fractions
import gzip
import io
import json
import lzma
import math
import pickle
import random
import time
import types
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path

import cloudpickle
import pytest

from envbuild.errors import ModelError
from envbuild.model import read
from envbuild.model.pickles import from_json, imported_modules, modules_of, scan, scanning, to_json

PICKLES = Path(__file__).resolve().parents[2] / "fixtures" / "pickles"

VALUE = {"a": collections.OrderedDict(x=Decimal("1.5")), "b": fractions.Fraction(1, 3), "c": fractions.Fraction(2, 3)}
MODULES = {"collections", "decimal", "fractions"}


def zipped(data):
    """An archive as PyTorch writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return buffer.getvalue()


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
    value = types.SimpleNamespace(b=VALUE["b"], a=VALUE["a"])
    root = folder({"model.pkl": pickle.dumps(value, protocol=4) + b"\x80\x04c__main__\nX\n."})
    found = imported_modules(read(root))
    assert list(found) == sorted(found)
    assert "__main__" not in found


def scanned(folder, content, name="model.pkl"):
    return scan(read(folder({name: content})))


@pytest.mark.parametrize("name", sorted(path.name for path in PICKLES.glob("arrays*")))
def test_arrays_in_joblib_files_are_stepped_over(folder, name):
    (found,) = scanned(folder, (PICKLES / name).read_bytes(), "model.joblib")
    assert found.complete
    assert "fractions.Fraction" in found.globals
    assert not any("nowhere" in module for module in found.modules)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("forest-0.pkl", "1.9.1"),
        ("forest-5.pkl", "1.9.1"),
        ("forest.joblib", "1.9.1"),
        ("forest-sklearn-1.1.joblib", "1.1.3"),
        ("booster.pkl", "3.2.0"),
    ],
)
def test_versions_that_libraries_wrote(folder, name, version):
    (found,) = scanned(folder, (PICKLES / name).read_bytes())
    assert list(found.versions.values()) == [version]
    assert found.complete
    assert not found.code


def test_the_skops_schema_says_versions_and_names(fixture_models):
    (found,) = scan(read(fixture_models / "forest"))
    assert found.member == "schema.json"
    assert found.versions == {"scikit-learn": "1.9.1", "skops": "0.16.0"}
    assert "sklearn.ensemble._forest.RandomForestClassifier" in found.globals


def test_the_pickle_in_a_torch_checkpoint_is_named(folder):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(VALUE))
    (found,) = scanned(folder, out.getvalue(), "data/model.pth")
    assert (found.file, found.member) == ("data/model.pth", "archive/data.pkl")


def test_code_objects_are_told_from_names_of_functions(folder):
    assert scanned(folder, cloudpickle.dumps(lambda x: x + 1))[0].code
    assert scanned(folder, b"\x80\x04cmarshal\nloads\n.")[0].code
    assert not scanned(folder, cloudpickle.dumps(json.dumps))[0].code
    assert not scanned(folder, pickle.dumps("cloudpickle.cloudpickle _make_function CodeType"))[0].code


def test_names_of_main_and_of_modules_in_functions(folder):
    module = types.ModuleType("helper")
    exec("import json, decimal\ndef run():\n    return json, decimal, json", module.__dict__)
    module.run.__module__ = "__main__"
    (found,) = scanned(folder, cloudpickle.dumps(module.run) + b"c__main__\nX\n.")
    assert {"json", "decimal"} <= found.modules
    assert "__main__.X" in found.globals


@pytest.mark.parametrize("protocol", range(6))
def test_the_protocol_is_told(folder, protocol):
    (found,) = scanned(folder, pickle.dumps(VALUE, protocol=protocol))
    assert found.protocol == (protocol if protocol > 1 else 0)


def test_a_pickle_that_breaks_off_is_not_complete(folder):
    (found,) = scanned(folder, pickle.dumps([VALUE, list(range(1000))])[:-500])
    assert not found.complete
    assert "fractions.Fraction" in found.globals
    (found,) = scanned(folder, zlib.compress(pickle.dumps([VALUE, "x" * 10**6]))[:-20])
    assert not found.complete


def test_what_is_behind_the_first_pickle_does_not_make_it_incomplete(folder):
    (found,) = scanned(folder, pickle.dumps(VALUE) + b"\xff" * 1000)
    assert found.complete


def test_what_is_no_pickle_gives_none(folder):
    assert scanned(folder, b"text only") == ()
    assert scanned(folder, b"") == ()


def test_bombs_cost_little(folder):
    nothing = zlib.compressobj(9)
    packed = nothing.compress(pickle.dumps(VALUE)[:-1])
    packed += b"".join(nothing.compress(b"N0" * (1 << 19)) for _ in range(90)) + nothing.flush()
    strings = b"\x80\x04(" + b"".join(b"\x8c\x05%05d\x94" % n for n in range(100_000)) * 5
    shape = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n}(\x8c\x05shape" + b"M\xff\xff" * 200_000
    shape += b"\x8c\x05dtypecnumpy\ndtype\n\x8c\x02f8\x85Rub"
    for content in (packed, strings, shape, b"I" + b"1" * (1 << 24), b"c" * (1 << 22)):
        started = time.monotonic()
        found = scanned(folder, content)
        assert time.monotonic() - started < 2.5
        assert not any(pickle.complete for pickle in found)


def test_the_clock_stops_lint_and_never_the_image(folder):
    model = read(folder({"model.pkl": pickle.dumps(VALUE)}))
    assert scan(model, seconds=-1) == ()
    assert scan(model, seconds=math.inf)
    assert set(imported_modules(model)) >= {"collections", "decimal", "fractions"}


def test_a_cache_is_asked_for_each_file(folder):
    model = read(folder({"a.pkl": pickle.dumps(VALUE), "b.pkl": b"no pickle", "c.txt": "."}))
    kept: dict[str, object] = {}

    def cache(file, read_it):
        if file.path not in kept:
            kept[file.path] = to_json(read_it())
        return from_json(json.loads(json.dumps(kept[file.path])), file.path)

    first = scan(model, cache=cache)
    assert first == scan(model)
    assert sorted(kept) == ["a.pkl", "b.pkl"]
    kept["b.pkl"] = kept["a.pkl"]
    assert [found.file for found in scan(model, cache=cache)] == ["a.pkl", "b.pkl"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the kernel has no file that cannot be read")
def test_a_file_that_the_disk_does_not_give_has_no_pickles_and_is_not_remembered(folder):
    model = read(folder({"model.pkl": pickle.dumps(VALUE)}))
    (model.root / "model.pkl").unlink()
    (model.root / "model.pkl").symlink_to("/proc/self/mem")  # it opens, and its first read fails
    assert scan(model) == ()
    with pytest.raises(ModelError, match=r"cannot read model\.pkl: Input/output error"):
        scan(model, cache=lambda file, read_it: read_it())
    with pytest.raises(ModelError, match=r"cannot read model\.pkl"):
        imported_modules(model)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress, zipped])
def test_a_disk_that_fails_later_on_is_no_damage_of_the_pickle(folder, monkeypatch, pack):
    """Decoders take any error for a damage, of which the same content tells the same each time."""
    noise = random.Random(1).randbytes(3 << 20)
    model = read(folder({"model.pkl": pack(pickle.dumps([VALUE, noise, fractions.Fraction(4)]))}))
    whole = scan(model, cache=lambda file, read_it: read_it(), seconds=math.inf)
    assert [one.complete for one in whole] == [True]
    reads = []

    class Disk(io.FileIO):
        def readinto(self, buffer):
            reads.append(len(buffer))
            if len(reads) > 3:
                raise OSError(errno.EIO, "Input/output error")
            return super().readinto(buffer)

    class Watched(scanning._Watched, Disk):
        pass

    monkeypatch.setattr(scanning, "_Watched", Watched)
    with pytest.raises(ModelError, match=r"cannot read model\.pkl: Input/output error"):
        scan(model, cache=lambda file, read_it: read_it())
    reads.clear()
    with pytest.raises(ModelError, match=r"cannot read model\.pkl: Input/output error"):
        imported_modules(model)


def test_damaged_content_is_told_the_same_each_time(folder):
    packed = bz2.compress(pickle.dumps([VALUE, "x" * 10**6]))
    model = read(folder({"model.pkl": packed[:40] + b"\0" * 40, "other.pkl": b"BZh9 and no more"}))
    assert scan(model, cache=lambda file, read_it: read_it()) == scan(model)


def test_binary_files_that_are_no_pickles_name_nothing(folder):
    # CatBoost's file begins with what could be opcodes.
    assert scanned(folder, b"CBM1" + bytes(range(256)) * 20, "model.bin") == ()
    assert scanned(folder, b"Nc\x00\xff\nb d\n" + b"\xfe" * 10, "model.bin") == ()
    assert scanned(folder, b"cos.path\njoin\n\xfe", "model.bin") == ()


def test_names_that_dill_imports_are_found(folder):
    (found,) = scanned(folder, b"\x80\x04cdill._dill\n_import_module\n\x8c\x05numpy\x85R.")
    assert found.modules == {"dill._dill", "numpy"}
