"""compile.py finds what start-up imports, and writes bytecode that Python takes without asking."""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envbuild.backends.dockerfile.tools import script

FILES = {
    "pkg/__init__.py": "print('noise on stdout')\n",
    "pkg/a.py": "from . import b\nfrom json import tool\nVALUE = 1\n",
    "pkg/b.py": "",
    "pkg/lazy.py": "",
    "pkg/plugins/__init__.py": "",
    "pkg/plugins/one.py": "",
    "pkg/never.py": "",
    "broken.py": "def (:\n",
    "ends.py": "import sys\nsys.exit('no')\n",
}
RUN = (
    "import pathlib, sys; sys.path.insert(0, {build!r}); import script; "
    "script.TARGET = pathlib.Path({out!r}); script.main()"
)


class Bench:
    """A virtual environment with a few modules, and the script in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        (self.site,) = self.venv.glob("lib/python*/site-packages")
        for name, text in FILES.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.site / "linked.py").symlink_to("broken.py")
        (folder / "build").mkdir()
        (folder / "build" / "script.py").write_text(script("compile.py"))

    def run(self, **given: object) -> dict[str, bytes]:
        (self.folder / "build" / "compile.json").write_text(json.dumps(given))
        out = self.folder / "bytecode"
        code = RUN.format(build=str(self.folder / "build"), out=str(out))
        done = subprocess.run(
            [str(self.venv / "bin" / "python"), "-IB", "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        inside = out / str(self.site).lstrip("/")
        return {path.relative_to(inside).as_posix(): path.read_bytes() for path in sorted(inside.rglob("*.pyc"))}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def pyc(name: str) -> str:
    return Path(importlib.util.cache_from_source(name)).as_posix()


def test_startup_compiles_what_the_roots_load(bench: Bench) -> None:
    brings = {"pkg.b": ["pkg.lazy", "pkg.plugins", "pkg.plugins.*", "missing"]}
    found = bench.run(mode="startup", roots=["pkg.a.VALUE", "broken", "ends", "nowhere.at.all"], brings=brings)
    names = ["pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/lazy.py", "pkg/plugins/__init__.py", "pkg/plugins/one.py"]
    assert set(found) == {pyc(name) for name in names}


def test_on_compiles_everything_that_is_python(bench: Bench) -> None:
    found = bench.run(mode="on", roots=[], brings={})
    assert set(found) == {pyc(name) for name in FILES if name != "broken.py"}


def test_the_bytecode_is_never_checked_and_names_its_source(bench: Bench) -> None:
    found = bench.run(mode="on", roots=[], brings={})
    data = found[pyc("pkg/a.py")]
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 0b01
    code = marshal.loads(data[16:])
    assert code.co_filename == os.path.realpath(bench.site / "pkg" / "a.py")


def test_what_has_bytecode_already_is_left_alone(bench: Bench) -> None:
    place = bench.site / pyc("pkg/b.py")
    place.parent.mkdir()
    place.write_bytes(b"")
    assert pyc("pkg/b.py") not in bench.run(mode="on", roots=[], brings={})
