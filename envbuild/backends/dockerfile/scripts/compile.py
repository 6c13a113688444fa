"""Runs inside the build: write bytecode to /bytecode, below the path that each module has in the image.

compile.json says what: `startup` compiles the modules that importing `roots` loads, and with a module that `brings`
names, those listed there; `on` compiles every module. The bytecode is never checked against its source (PEP 552),
since files of an image do not change. Plain Python 3.8 or later.
"""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import subprocess
import sys
import sysconfig
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

GIVEN = Path(__file__).resolve().parent / "compile.json"
TARGET = Path("/bytecode")

# Run in a process of its own, since what is imported may print, start threads or end the process.
LOAD = """
import importlib, json, os, pkgutil, sys

def load(name):
    # A root may name something inside a module, as `from a import b` does.
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            importlib.import_module(".".join(parts[:depth]))
        except BaseException:
            return

given = json.load(open(sys.argv[1], encoding="utf-8"))
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
todo, seen, loaded = list(given["roots"]), set(), set()
while todo:
    name = todo.pop()
    if name in seen:
        continue
    seen.add(name)
    if name.endswith(".*"):
        load(name[:-2])
        package = sys.modules.get(name[:-2])
        todo += [name[:-1] + found.name for found in pkgutil.iter_modules(getattr(package, "__path__", []))]
        continue
    load(name)
    fresh = set(sys.modules) - loaded
    loaded |= fresh
    for module in fresh:
        todo += given["brings"].get(module, [])
origins = {getattr(getattr(module, "__spec__", None), "origin", None) for module in list(sys.modules.values())}
json.dump(sorted(origin for origin in origins if isinstance(origin, str) and origin.endswith(".py")), out)
out.flush()
os._exit(0)
"""


def main() -> None:
    """Compile what compile.json asks for."""
    os.umask(0o022)
    TARGET.mkdir(exist_ok=True)
    mode = json.loads(GIVEN.read_text(encoding="utf-8"))["mode"]
    sources = every_module() if mode == "on" else loaded_modules()
    with ProcessPoolExecutor() as pool:
        count = sum(pool.map(compile_one, sources, chunksize=64))
    sys.stdout.write(f"{count} modules compiled\n")


def loaded_modules() -> list[str]:
    """The files of the modules that the roots load."""
    command = [sys.executable, "-IB", "-c", LOAD, str(GIVEN)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, cwd="/")
    if done.returncode:
        sys.exit(f"what start-up imports could not be found out: exit code {done.returncode}")
    return sorted({real(path) for path in json.loads(done.stdout)})


def every_module() -> list[str]:
    """All .py files of the standard library and of site-packages."""
    stdlib, site = (Path(real(sysconfig.get_path(name) + "/x")).parent for name in ("stdlib", "purelib"))
    foreign = {stdlib / "site-packages", stdlib / "dist-packages"}
    own = (path for path in stdlib.rglob("*.py") if foreign.isdisjoint(path.parents))
    return sorted(map(str, {*own, *site.rglob("*.py")}))


def real(path: str) -> str:
    """The path with links of its folders followed: a COPY over a linked folder would replace the link."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118


def compile_one(source: str) -> bool:
    """Whether the module was compiled: links, what has bytecode already and what is no Python are passed over."""
    place = importlib.util.cache_from_source(source)
    if not os.path.isfile(source) or os.path.islink(source) or os.path.exists(place):  # noqa: PTH110, PTH113, PTH114
        return False
    target = TARGET / place.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(source, str(target), source, doraise=True, optimize=0, invalidation_mode=unchecked)
    except (py_compile.PyCompileError, ValueError, OverflowError, RecursionError):
        return False
    target.chmod(0o644)
    return True


if __name__ == "__main__":
    main()
