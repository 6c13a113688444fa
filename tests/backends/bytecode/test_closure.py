"""From the roots along every import, over wheels, sources and the standard library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envbuild.backends.bytecode import supplement as table
from envbuild.backends.bytecode.closure import closure, everything
from envbuild.errors import IntegrityError, StorageError
from envbuild.oci.store import Store
from envbuild.oci.wheel import WheelSource

MakeWheel = Callable[..., WheelSource]


def test_follows_imports_and_takes_every_package_on_the_way(make_wheel: MakeWheel, stdlib: Path, store: Store) -> None:
    first = make_wheel(
        {
            "a/__init__.py": "from .core import f\n",
            "a/core.py": "import b.deep.leaf, json\n",
            "a/unused.py": "import os\n",
            "a/data.txt": "",
            "a-1.0.dist-info/x.py": "",
        },
        "a",
    )
    second = make_wheel({"b/deep/__init__.py": "", "b/deep/leaf.py": "", "b/deep/other.py": ""}, "b")
    found = closure(["a"], [first, second], {}, stdlib, store)
    assert found.wheels == (("a/__init__.py", "a/core.py"), ("b/deep/__init__.py", "b/deep/leaf.py"))
    assert found.stdlib == ("json/__init__.py", "json/decoder.py")
    assert found.sources == ()


def test_a_name_that_is_no_module_reaches_what_holds_it(make_wheel: MakeWheel, stdlib: Path, store: Store) -> None:
    wheel = make_wheel({"a/__init__.py": "", "a/b.py": "", "c.py": "import a.b.Class, nothing.at.all\n"})
    assert closure(["c", "missing", ""], [wheel], {}, stdlib, store).wheels == (("a/__init__.py", "a/b.py", "c.py"),)


def test_sources_win_over_wheels_later_wheels_over_earlier_and_the_stdlib_over_all(
    make_wheel: MakeWheel, stdlib: Path, store: Store
) -> None:
    first = make_wheel({"a.py": "import x", "s.py": "", "json/__init__.py": "", "x.py": "", "y.py": ""})
    second = make_wheel({"a.py": "import y"})
    found = closure(["a", "s", "json"], [first, second], {"s.py": b"import os"}, stdlib, store)
    assert found.wheels == (("y.py",), ("a.py",))
    assert found.sources == ("s.py",)
    assert found.stdlib == ("json/__init__.py", "json/decoder.py", "os.py", "posixpath.py")
    whole = everything([first, second], {"s.py": b""}, stdlib, keep_tests=False)
    assert whole.wheels == (("json/__init__.py", "x.py", "y.py"), ("a.py",))
    assert whole.sources == ("s.py",)
    assert whole.stdlib == (
        *("_strptime.py", "json/__init__.py", "json/decoder.py", "json/tool.py", "os.py", "posixpath.py"),
    )


def test_compiled_modules_come_first_and_bring_what_the_table_says(
    make_wheel: MakeWheel, stdlib: Path, store: Store
) -> None:
    wheel = make_wheel(
        {
            "pandas/__init__.py": "",
            "pandas/_libs/__init__.py": "",
            "pandas/_libs/sas.cpython-311-x86_64-linux-gnu.so": "",
            "pandas/_libs/sas.py": "import os\n",
            "pandas/io/sas/sas_constants.py": "",
        }
    )
    found = closure(["pandas._libs.sas", "_datetime"], [wheel], {}, stdlib, store)
    assert found.wheels == (("pandas/__init__.py", "pandas/_libs/__init__.py", "pandas/io/sas/sas_constants.py"),)
    assert found.stdlib == ("_strptime.py",)


def test_data_schemes_land_in_site_packages_and_dead_weight_is_left_out(
    make_wheel: MakeWheel, stdlib: Path, store: Store
) -> None:
    wheel = make_wheel(
        {
            "numpy-1.0.data/purelib/extra.py": "",
            "numpy-1.0.data/scripts/tool.py": "",
            "numpy/__init__.py": "import numpy.tests.helper, extra, tool\n",
            "numpy/tests/__init__.py": "",
            "numpy/tests/helper.py": "",
        },
        "numpy",
    )
    assert closure(["numpy"], [wheel], {}, stdlib, store).wheels == (("extra.py", "numpy/__init__.py"),)
    kept = closure(["numpy"], [wheel], {}, stdlib, store, keep_tests=True).wheels
    assert kept == (("extra.py", "numpy/__init__.py", "numpy/tests/__init__.py", "numpy/tests/helper.py"),)


def test_what_was_found_is_remembered_by_the_wheels_hash(
    make_wheel: MakeWheel, stdlib: Path, store: Store, tmp_path: Path
) -> None:
    wheel = replace(make_wheel({"a.py": "import b\n", "b.py": "", "c.py": ""}), sha256="1" * 64)
    first = closure(["a"], [wheel], {}, stdlib, store, stdlib_key="k")
    wheel.path.unlink()
    assert closure(["a"], [wheel], {}, stdlib, store, stdlib_key="k") == first
    with pytest.raises(StorageError):
        closure(["c"], [wheel], {}, stdlib, store, stdlib_key="k")
    with pytest.raises(StorageError):
        closure(["a"], [wheel], {}, stdlib, Store(tmp_path / "other"), stdlib_key="k")


def test_a_damaged_memory_is_no_memory(make_wheel: MakeWheel, stdlib: Path, store: Store) -> None:
    wheel = replace(make_wheel({"a.py": "import b\n", "b.py": ""}), sha256="1" * 64)
    first = closure(["a"], [wheel], {}, stdlib, store, stdlib_key="k")
    for content in (b"", b"{", b'{"key": 1}', b"[]"):
        for file in store.key_files():
            file.write_bytes(content)
        assert closure(["a"], [wheel], {}, stdlib, store, stdlib_key="k") == first


def test_a_wheel_that_is_no_zip_is_named(make_wheel: MakeWheel, stdlib: Path, store: Store) -> None:
    wheel = make_wheel({"a.py": "import b\n" * 100})
    data = bytearray(wheel.path.read_bytes())
    wheel.path.write_bytes(data[:-30])
    with pytest.raises(IntegrityError, match=r"pkg-1\.0-py3-none-any\.whl"):
        closure(["a"], [wheel], {}, stdlib, store)
    data[40] ^= 0xFF
    wheel.path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"pkg-1\.0-py3-none-any\.whl"):
        closure(["a"], [wheel], {}, stdlib, store)


def test_the_table_holds_names_and_nothing_else() -> None:
    found = table.supplement()
    assert {"(start)", "numpy._core._multiarray_umath", "uvicorn.config"} <= set(found)
    for importer, modules in found.items():
        assert modules, importer
        for name in (*modules, *([importer] if importer != table.START else [])):
            parts = name.removesuffix(".*").split(".")
            assert all(part.replace("-", "_").isidentifier() for part in parts), (importer, name)
        assert len(set(modules)) == len(modules), importer
        assert importer not in modules
