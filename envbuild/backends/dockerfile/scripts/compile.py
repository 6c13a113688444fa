"""Runs inside the build: write bytecode to /bytecode, below the path that each module has in the image.

compile.json says what: `startup` compiles the modules that importing `roots` loads, and for a module that `brings`
names those listed there as well; `on` compiles every module. The bytecode is never checked against its source
(PEP 552), since files of an image do not change. Plain Python 3.8 or later.
"""

import importlib.util
import json
import os
import py_compile
import subprocess
import sys
import sysconfig
import warnings

TARGET = "/bytecode"

# Run in a process of its own, since what is imported may print, start threads or end the process.
LOAD = """
import importlib, json, os, pkgutil, sys

def load(name):
    # A root may name something inside a module, as `from a import b` does.
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            importlib.import_module(".".join(parts[:depth]))
        except BaseException as error:
            return

given = json.load(open(sys.argv[1]))
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
todo, seen = list(given["roots"]), set()
while todo:
    name = todo.pop()
    if name in seen:
        continue
    seen.add(name)
    if name.endswith(".*"):
        package = sys.modules.get(name[:-2])
        todo += [name[:-1] + found.name for found in pkgutil.iter_modules(getattr(package, "__path__", []))]
        continue
    load(name)
    for loaded in list(sys.modules):
        if loaded in given["brings"] and "done " + loaded not in seen:
            seen.add("done " + loaded)
            todo += given["brings"][loaded]
origins = []
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    if isinstance(origin, str) and origin.endswith(".py") and os.path.isfile(origin):
        origins.append(os.path.realpath(origin))
json.dump(sorted(set(origins)), out)
out.flush()
os._exit(0)
"""


def main():
    with open(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "compile.json")) as file:
        given = json.load(file)
    os.umask(0o022)
    os.makedirs(TARGET, exist_ok=True)
    sources = every_module() if given["mode"] == "on" else loaded_modules(file.name)
    count = sum(compile_one(source) for source in sources)
    print("%d modules compiled" % count)


def loaded_modules(path):
    """The files of the modules that the roots load."""
    done = subprocess.run([sys.executable, "-IB", "-c", LOAD, path], stdout=subprocess.PIPE, check=False, cwd="/")
    if done.returncode:
        sys.exit("the modules of start-up could not be imported: exit code %d" % done.returncode)
    return json.loads(done.stdout)


def every_module():
    """All .py files of the standard library and of site-packages, links in the former aside."""
    paths = sysconfig.get_paths()
    found = set()
    for folder in {os.path.realpath(paths["stdlib"]), os.path.realpath(paths["purelib"])}:
        for top, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if name not in ("__pycache__", "dist-packages")]
            if top == os.path.realpath(paths["stdlib"]) and "site-packages" in folders:
                folders.remove("site-packages")
            places = (os.path.join(top, name) for name in files if name.endswith(".py"))
            found.update(place for place in places if not os.path.islink(place))
    return sorted(found)


def compile_one(source):
    """Whether the module at `source` was compiled; one that is no Python, or has bytecode already, is passed over."""
    place = importlib.util.cache_from_source(source)
    if os.path.exists(place):
        return False
    target = TARGET + place
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(source, target, source, doraise=True, optimize=0, invalidation_mode=mode)
    except (py_compile.PyCompileError, ValueError, OverflowError, RecursionError, UnicodeError):
        return False
    os.chmod(target, 0o644)
    return True


if __name__ == "__main__":
    main()
