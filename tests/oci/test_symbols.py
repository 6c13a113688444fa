"""Versions of symbols, read from this machine's own libraries and from damaged ones."""

from __future__ import annotations

import io
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tinyelf import make_library

from envbuild.oci.symbols import needed_versions


def real_library() -> Path:
    """A library that is linked to glibc: one that this process has loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = (Path(line.split()[-1]) for line in lines if ".so" in line and "/libc" not in line)
    return next(path for path in paths if path.is_file() and path.stat().st_size < 4 << 20)


def test_a_real_library_asks_for_versions_of_glibc() -> None:
    with Path(sys.executable).resolve().open("rb") as program, real_library().open("rb") as library:
        for file in (program, library):
            found = needed_versions(file)
            assert any(re.fullmatch(r"GLIBC_2\.\d+(\.\d+)?", name) for names in found.values() for name in names)
            assert all(".so" in name for name in found)


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf")
def test_they_are_those_that_readelf_lists() -> None:
    path = real_library()
    done = subprocess.run(["readelf", "-VW", str(path)], capture_output=True, text=True, check=True)
    section = done.stdout.partition("Version needs section")[2]
    wanted: dict[str, set[str]] = {}
    for file, name in re.findall(r"File: (\S+)|Name: (\S+)", section):
        if file:
            last = wanted.setdefault(file, set())
        else:
            last.add(name)
    with path.open("rb") as library:
        assert {name: set(names) for name, names in needed_versions(library).items()} == wanted


def test_what_asks_for_no_versions_has_none() -> None:
    assert needed_versions(io.BytesIO(make_library(needed=["libc.so.6"]))) == {}
    assert needed_versions(io.BytesIO(b"")) == {}
    assert needed_versions(io.BytesIO(b"#!/bin/sh\n" * 100)) == {}


def test_damage_is_no_error() -> None:
    data, chance = real_library().read_bytes(), random.Random(7)
    for _ in range(100):
        damaged = bytearray(data)
        for _ in range(8):
            damaged[chance.randrange(2048)] = chance.randrange(256)
        cut = chance.randrange(len(data)) if chance.random() < 0.3 else len(data)
        assert isinstance(needed_versions(io.BytesIO(bytes(damaged[:cut]))), dict)
