from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cmp_to_key
from pathlib import Path

import pytest

from envbuild.bases.ldcache import Library, compare, read_soname, write_cache

LIBRARIES = [
    Library(soname="libz.so.1", path="/lib/x86_64-linux-gnu/libz.so.1"),
    Library(soname="libc.so.6", path="/lib/x86_64-linux-gnu/libc.so.6"),
    Library(soname="libfoo.so.10", path="/usr/lib/libfoo.so.10"),
    Library(soname="libfoo.so.9", path="/usr/lib/libfoo.so.9"),
    Library(soname="libfoo-2.so", path="/usr/lib/libfoo-2.so"),
]


def ldconfig() -> str:
    found = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None:
        pytest.skip("this machine has no ldconfig")
    return found


def test_ldconfig_reads_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "ld.so.cache"
    cache.write_bytes(write_cache(LIBRARIES, 0x0303))
    done = subprocess.run([ldconfig(), "-p", "-C", str(cache)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("5 libs found in cache")
    shown = {line.split(" ")[0].strip(): line.split(" => ")[1] for line in lines[1:6]}
    assert shown == {library.soname: library.path for library in LIBRARIES}
    assert all("(libc6,x86-64)" in line for line in lines[1:6])


def test_the_order_is_the_loaders() -> None:
    names = ["libz.so.1", "libfoo.so.9", "libfoo.so.10", "libfoo-2.so", "libc.so.6", "libfoo.so"]
    ordered = sorted(names, key=cmp_to_key(compare), reverse=True)
    assert ordered == ["libz.so.1", "libfoo.so.10", "libfoo.so.9", "libfoo.so", "libfoo-2.so", "libc.so.6"]


def test_equal_libraries_in_any_order_give_equal_bytes() -> None:
    assert write_cache(LIBRARIES, 0x0303) == write_cache(reversed(LIBRARIES), 0x0303)


def test_the_name_of_a_real_library_is_read() -> None:
    found = [Path(line) for line in Path("/proc/self/maps").read_text().split() if "/libc" in line and ".so" in line]
    libc = next((path for path in found if path.name.startswith(("libc.so", "libc-2"))), None)
    if libc is None or sys.platform != "linux":
        pytest.skip("no glibc here")
    machine = int.from_bytes(libc.read_bytes()[18:20], "little")
    assert read_soname(libc.read_bytes(), machine) == "libc.so.6"
    assert read_soname(libc.read_bytes(), machine + 1) is None


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(100), b"#!/bin/sh\n"])
def test_what_is_no_library_has_no_name(content: bytes) -> None:
    assert read_soname(content, 62) is None
