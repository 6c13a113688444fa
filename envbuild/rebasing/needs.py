"""What the layers that envbuild laid on a base ask of it: shared libraries, and a C library that is new enough.

Read from the files themselves: what the dynamic sections of ELF files name, the versions of symbols that they ask for,
the tags of the wheels, and what conda packages depend on. Remembered by the layer, since the same packages are in many
images.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from ..attesting.layers import Blobs
from ..bases.unpack import entries
from ..oci.elf import MACHINES, Dynamic, read_dynamic
from ..oci.store import Store
from ..oci.symbols import needed_versions
from ..oci.types import Layer
from ..patterns import pattern
from ..verifying.reading import opened_tar
from .types import Needs, Part

# The revision of what is found out about a layer.
_REVISION = 3
_CHUNK = 1 << 20
_IN_MEMORY = 32 << 20
_LARGEST_TAGS = 1 << 20
_LARGEST_LIST = 64 << 20
_SMALLEST_ELF = 64
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_WHEEL = pattern(r"(?:.*/)?(?P<name>[^/]+?)-[^/]+\.dist-info/WHEEL")
_CONDA_LIST = pattern(r"(?:.*/)?conda-meta/[^/]+\.json")
# How the history calls layers of conda packages.
_CONDA_TITLE = pattern(r".+ \(conda\)|\d+ more conda packages?")
_CONDA_GLIBC = pattern(r"(?P<than>>=|>|<=|<|!=|==|=|~=|)2\.(?P<minor>\d{1,4})(?:\.\S*)?")
_VERSION = pattern(r"GLIBC_2\.(\d{1,4})(?:\.\d+)?")
# A library for another C library than the image's is never loaded in it.
_OTHER_LIBC = ("libc.musl-", "ld-musl-")
_LIBRARY = pattern(r".*\.so(?:\.[0-9A-Za-z_.-]+)?")


def needs_of(
    own: Sequence[Part], blobs: Blobs, store: Store, architecture: str, *, wheels: Needs | None = None
) -> Needs:
    """What the layers ask for together. BaseImageError, IntegrityError, StorageError.

    `wheels` is what the wheels ask for, where that is known: then their layers are not read. Those of conda packages
    are: nothing else says what is in them. Large model files are not
    read, unless one is a shared library by its name.
    """
    machine = _ARCHITECTURES.get(architecture, architecture)
    server = next((index for index, part in enumerate(own) if part.title.startswith("server ")), 0)
    first = 0 if wheels is None else server
    found = [] if wheels is None else [wheels]
    found += [
        _of_layer(part.layer, blobs, store, machine)
        for index, part in enumerate(own)
        if (index >= first or _CONDA_TITLE.fullmatch(part.title))
        and (index <= server or _may_hold_programs(part.title))
    ]
    newest = max(found, key=lambda one: one.glibc, default=None)
    return Needs(
        needed={library: file for one in reversed(found) for library, file in one.needed.items()},
        provided=frozenset().union(*(one.provided for one in found)),
        glibc=newest.glibc if newest else 0,
        glibc_asker=newest.glibc_asker if newest else "",
        packages=frozenset().union(*(one.packages for one in found)),
    )


def _may_hold_programs(title: str) -> bool:
    """Whether a layer above the server's may have ELF files: not bytecode, nor the record, nor a large model file."""
    return (
        title.startswith("scoring script ")
        or title in ("model", "model, small files")
        or bool(_LIBRARY.fullmatch(title))
    )


def _of_layer(layer: Layer, blobs: Blobs, store: Store, machine: str) -> Needs:
    """What one layer asks for. It is remembered of what hashes to the diffID alone, whatever an image says it has."""
    key = f"rebase-needs:{_REVISION}:{machine}:{layer.diff_id}"
    known = _from_json(store.get_key(key))
    if known is None:
        known = _read(layer, blobs, machine)
        store.put_key(key, _as_json(known))
    return known


def _read(layer: Layer, blobs: Blobs, machine: str) -> Needs:
    needed: dict[str, str] = {}
    provided: set[str] = set()
    packages: set[str] = set()
    glibc = (0, "")
    with opened_tar(blobs, layer) as tar:
        for parts, member in entries(tar, layer):
            if not member.isreg() or member.size < 1:
                continue
            path = "/".join(parts)
            content = cast("IO[bytes]", tar.extractfile(member))
            wheel = _WHEEL.fullmatch(path)
            if wheel and member.size <= _LARGEST_TAGS:
                packages.add(wheel["name"].lower().replace("_", "-"))
                glibc = max(glibc, (_glibc_of_tags(content.read(), machine), f"/{path}"))
            elif _CONDA_LIST.fullmatch(path) and member.size <= _LARGEST_LIST:
                glibc = max(glibc, (_glibc_of_conda(content.read()), f"/{path}"))
            elif member.size >= _SMALLEST_ELF:
                library, version = _of_file(content, machine)
                if library is not None:
                    needed.update(dict.fromkeys(library.needed, f"/{path}"))
                    provided.update((library.soname, parts[-1]))
                    glibc = max(glibc, (version, f"/{path}"))
    return Needs(
        needed=needed,
        provided=frozenset(provided - {""}),
        glibc=glibc[0],
        glibc_asker=glibc[1] if glibc[0] else "",
        packages=frozenset(packages),
    )


def _of_file(content: IO[bytes], machine: str) -> tuple[Dynamic | None, int]:
    """What an ELF file for the machine says of itself, and the glibc that it asks for; nothing of any other."""
    head = content.read(_SMALLEST_ELF)
    if not head.startswith(b"\x7fELF"):
        return None, 0
    with SpooledTemporaryFile(_IN_MEMORY, prefix="envbuild-") as spooled:
        file = cast(BinaryIO, spooled)
        file.write(head)
        while chunk := content.read(_CHUNK):
            file.write(chunk)
        found = read_dynamic(lambda: _from_start(file))
        if found is None or found.machine != MACHINES.get(machine) or _is_of_another_libc(found.needed):
            return None, 0
        versions = [name for names in needed_versions(file).values() for name in names]
    return found, max(map(_glibc_of_version, versions), default=0)


def _from_start(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _is_of_another_libc(needed: Iterable[str]) -> bool:
    return any(library.startswith(_OTHER_LIBC) for library in needed)


def _glibc_of_version(name: str) -> int:
    if name == "GLIBC_ABI_DT_RELR":  # packed relocations, which the loader of 2.36 is the first to know
        return 36
    found = _VERSION.fullmatch(name)
    return int(found[1]) if found else 0


def _glibc_of_tags(text: bytes, machine: str) -> int:
    """The oldest glibc that one of the tags of a wheel stands for."""
    from ..linter.wheel_tags import platform_tags

    lines = text.decode("utf-8", "replace").splitlines()
    named = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("tag:")]
    tags = [tag for name in named for tag in platform_tags(f"a-1-{name}.whl")]
    if any(tag.system in ("any", "linux") for tag in tags):
        return 0
    return min((tag.glibc for tag in tags if tag.system == "glibc" and tag.machine == machine), default=0)


def _glibc_of_conda(text: bytes) -> int:
    """The glibc that a conda package depends on, by its list in conda-meta: 17 of `__glibc >=2.17,<3.0.a0`."""
    try:
        depends = [str(line).split() for line in json.loads(text)["depends"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    clauses = [clause for words in depends if words[:1] == ["__glibc"] for clause in "".join(words[1:2]).split(",")]
    least = 0
    for found in filter(None, map(_CONDA_GLIBC.fullmatch, clauses)):
        if found["than"] not in ("<", "<=", "!="):
            least = max(least, int(found["minor"]) + (found["than"] == ">"))
    return least


def _as_json(needs: Needs) -> dict[str, Any]:
    return {
        "needed": dict(needs.needed),
        "provided": sorted(needs.provided),
        "glibc": needs.glibc,
        "glibc_asker": needs.glibc_asker,
        "packages": sorted(needs.packages),
    }


def _from_json(value: Mapping[str, Any] | None) -> Needs | None:
    try:
        found = dict(value or {})
        return Needs(
            needed={str(k): str(v) for k, v in found["needed"].items()},
            provided=frozenset(map(str, found["provided"])),
            glibc=int(found["glibc"]),
            glibc_asker=str(found["glibc_asker"]),
            packages=frozenset(map(str, found["packages"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
