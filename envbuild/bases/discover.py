"""Which Python an image brings, on which C library, and which packages of the distribution it says it has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import BaseImageError
from .index import parse_stanza
from .tree import Tree
from .types import SystemPackage

_NAMES = re.compile(r"python3\.\d+")
_FOLDERS = ("usr/local/bin", "usr/bin", "bin")
_CONDA_META = re.compile(r"python-(3\.\d{1,2}\.\d{1,2})-[^-]+\.json")
_AZUREML = "AZUREML_CONDA_ENVIRONMENT_PATH"


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables of an image config."""
    given = (config.get("config") or {}).get("Env") or []
    pairs = (str(item).partition("=") for item in given)
    return {name: value for name, _, value in pairs}


def find_interpreter(tree: Tree, config: Mapping[str, Any], name: str) -> tuple[str, str]:
    """(real path of the executable, prefix), both with a leading slash. Raises BaseImageError if there is none."""
    for candidate in _candidates(tree, environment(config)):
        real = tree.resolve(candidate)
        if real is None or tree.nodes.get(real) != "f":
            continue
        prefix = posixpath.dirname(posixpath.dirname(real))
        minor = _minor(real, tree)
        if minor and tree.is_file(f"{prefix}/lib/python{minor}/os.py"):
            return f"/{real}", f"/{prefix}"
    raise BaseImageError(
        f"{name} has no Python 3 with its standard library",
        hint="choose an image that brings one, such as docker-daemon:python:3.11-slim, or --base debian:bookworm",
    )


def _candidates(tree: Tree, variables: Mapping[str, str]) -> Iterator[str]:
    """Where a Python may be, in the order in which the image itself would find it."""
    conda = variables.get(_AZUREML)
    folders = [f"{conda}/bin"] if conda else []
    folders += [folder for folder in variables.get("PATH", "").split(":") if folder.startswith("/")]
    folders += _FOLDERS
    folders += [f"opt/{child}/bin" for child in tree.children("opt")]
    for folder in dict.fromkeys(folder.strip("/") for folder in folders):
        yield f"{folder}/python3"
        yield f"{folder}/python"
        found = [child for child in tree.children(folder) if _NAMES.fullmatch(child)]
        for child in sorted(found, key=lambda text: int(text.rpartition(".")[2]), reverse=True):
            yield f"{folder}/{child}"


def _minor(real: str, tree: Tree) -> str:
    name = posixpath.basename(real)
    if _NAMES.fullmatch(name):
        return name.removeprefix("python")
    return ".".join(tree.facts.get(real, "").split(".")[:2])


def static_version(tree: Tree, executable: str, prefix: str, variables: Mapping[str, str]) -> str:
    """The interpreter's full version as its files say, nothing run; empty if they do not."""
    real = executable.lstrip("/")
    minor = _minor(real, tree)
    folder = f"{prefix}/lib".lstrip("/")
    near = [path for path in tree.facts if path.startswith(f"{folder}/") and f"libpython{minor}." in path]
    anywhere = [path for path in tree.facts if f"/libpython{minor}." in path]
    header = f"{prefix}/include/python{minor}/patchlevel.h".lstrip("/")
    for path in (real, *sorted(near), header, *sorted(anywhere)):
        version = tree.facts.get(path, "")
        if version.startswith(minor + "."):
            return version
    # conda notes what it installed: python-3.12.7-hc5c86c4_0_cpython.json.
    for name in tree.children(f"{prefix}/conda-meta"):
        noted = _CONDA_META.fullmatch(name)
        if noted and noted.group(1).startswith(minor + "."):
            return noted.group(1)
    # The official Python images say it; their Python is the one in /usr/local.
    said = variables.get("PYTHON_VERSION", "")
    return said if said.startswith(minor + ".") and prefix == "/usr/local" else ""


def find_glibc(tree: Tree, name: str) -> str:
    """The version of the image's glibc, `2.36`. Raises BaseImageError for musl and for no C library at all."""
    places = [path for path in tree.facts if posixpath.basename(path).startswith("libc")]
    # The one that the loader's usual folders hold, before copies elsewhere.
    for path in sorted(places, key=lambda text: (not text.startswith(("lib", "usr/lib")), text)):
        if path in tree.nodes:
            return tree.facts[path]
    musl = any(
        posixpath.basename(path).startswith("ld-musl-") for path in tree.nodes if path.startswith(("lib/", "usr/lib/"))
    )
    if musl:
        raise BaseImageError(
            f"{name} is built on musl (Alpine?), and the wheels of the scientific packages are built for glibc",
            hint="choose an image with glibc: debian:bookworm, or a -slim image instead of an -alpine one",
        )
    raise BaseImageError(
        f"{name} has no C library that could be found (libc.so.6)",
        hint="choose an image with glibc, such as debian:bookworm",
    )


def find_packages(tree: Tree) -> tuple[SystemPackage, ...]:
    """The installed Debian packages by name, as the image's dpkg database lists them."""
    found: dict[str, SystemPackage] = {}
    for _, text in sorted(tree.dpkg.items()):
        for stanza in text.split("\n\n"):
            fields = parse_stanza(stanza)
            state = fields.get("status", "install ok installed")
            if "package" in fields and "version" in fields and state.endswith(" installed"):
                found[fields["package"]] = SystemPackage(name=fields["package"], version=fields["version"])
    return tuple(found[name] for name in sorted(found))
