"""The dynamic section is read as readelf reads it, and damage is no library rather than an error."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinyelf import AARCH64, X86_64, make_library

from envbuild.oci import elf
from envbuild.oci.elf import Dynamic, read_dynamic


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[at : at + size] for at in range(0, len(data), size)])


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
@pytest.mark.parametrize("strings_first", [True, False])
@pytest.mark.parametrize("headers_last", [True, False])
def test_names_are_found_wherever_the_parts_lie(size: int, strings_first: bool, headers_last: bool) -> None:
    data = make_library(
        "libx.so.1",
        ["libgomp.so.1", "libc.so.6"],
        strings_first=strings_first,
        headers_last=headers_last,
        padding=300,
    )
    expected = Dynamic(machine=X86_64, soname="libx.so.1", needed=("libgomp.so.1", "libc.so.6"))
    assert read_dynamic(lambda: pieces(data, size)) == expected


def test_what_is_no_longer_held_is_read_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elf, "_HEAD", 100)
    begun = []

    def chunks() -> Iterator[bytes]:
        begun.append(1)
        return pieces(data, 64)

    data = make_library("libx.so.1", ["libm.so.6"], headers_last=True, padding=2000)
    found = read_dynamic(chunks)
    assert found is not None
    assert found.needed == ("libm.so.6",)
    assert len(begun) == 3


def test_no_more_is_read_than_is_wanted() -> None:
    data = make_library("libx.so.1", ["libm.so.6"])
    taken = []

    def chunks() -> Iterator[bytes]:
        for chunk in pieces(data + bytes(1 << 20), 1 << 10):
            taken.append(len(chunk))
            yield chunk

    assert read_dynamic(chunks) is not None
    assert sum(taken) <= len(data) + (1 << 10)


def test_a_library_without_names_of_its_own_has_none() -> None:
    assert read_dynamic(lambda: [make_library(machine=AARCH64)]) == Dynamic(machine=AARCH64, soname="", needed=())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"\x7fELF\x01\x01" + bytes(200),
        b"\x7fELF\x02\x02" + bytes(200),
        b"#!/bin/sh\n" * 20,
        b"INPUT(-lncurses)\n",
        make_library("libx.so.1", kind=1),
        make_library("libx.so.1", ["liby.so"])[:150],
    ],
)
def test_what_is_no_shared_library_of_this_kind_is_none(data: bytes) -> None:
    assert read_dynamic(lambda: [data]) is None


def test_damage_anywhere_is_no_error() -> None:
    sound = make_library("libx.so.1", ["libgomp.so.1", "libc.so.6"])
    dice = random.Random(4)
    for _ in range(3000):
        data = bytearray(sound)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(16, len(data))] = dice.randrange(256)
        whole = bytes(data[: dice.randrange(len(data))] if dice.random() < 0.2 else data)
        found = read_dynamic(lambda whole=whole: pieces(whole, 61))  # type: ignore[misc]
        assert found is None or all(len(name) < 256 for name in (found.soname, *found.needed))


@pytest.mark.skipif(shutil.which("readelf") is None, reason="binutils are not installed")
def test_real_libraries_read_as_readelf_reads_them() -> None:
    folder = Path(str(sysconfig.get_config_var("DESTSHARED") or sys.prefix))
    isal = pytest.importorskip("isal.isal_zlib")
    libraries = [
        Path(isal.__file__),
        *sorted(folder.glob("*.so"))[:10],
        *Path("/lib/x86_64-linux-gnu").glob("libm.so.6"),
    ]
    for path in libraries:
        shown = subprocess.run(["readelf", "-d", str(path)], capture_output=True, text=True, check=True).stdout
        data = path.read_bytes()
        found = read_dynamic(lambda data=data: pieces(data, 1 << 14))  # type: ignore[misc]
        assert found is not None
        assert list(found.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", shown)
        assert [found.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", shown) or [""])
