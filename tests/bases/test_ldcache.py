from __future__ import annotations

import shutil
import subprocess
from functools import cmp_to_key
from pathlib import Path

import pytest

from envbuild.bases.ldcache import Library, compare, read_cache, write_cache

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


def test_of_one_name_the_first_comes_first() -> None:
    several = [Library(soname="libz.so.1", path=f"/{folder}/libz.so.1") for folder in ("b", "a", "c")]
    found = read_cache(write_cache([*LIBRARIES[1:], *several], 0x0303))
    assert found[:3] == several
    assert len(found) == len(LIBRARIES) + 2


def test_a_cache_is_read_back() -> None:
    content = write_cache(LIBRARIES, 0x0303)
    assert sorted(read_cache(content), key=lambda one: one.soname) == sorted(LIBRARIES, key=lambda one: one.soname)
    older = b"ld.so-1.7.0\0" + bytes(4) + content
    assert read_cache(older) == read_cache(content)


def test_the_cache_of_this_machine_is_read_as_ldconfig_reads_it() -> None:
    cache = Path("/etc/ld.so.cache")
    if not cache.is_file():
        pytest.skip("this machine has no ld.so.cache")
    done = subprocess.run([ldconfig(), "-p"], capture_output=True, text=True, check=True)
    shown = [tuple(line.strip().split(" => ")) for line in done.stdout.splitlines() if " => " in line]
    assert [(one.soname, one.path) for one in read_cache(cache.read_bytes())] == [
        (name.split(" (")[0], path) for name, path in shown
    ]


@pytest.mark.parametrize(
    "content", [b"", b"ld.so-1.7.0", b"glibc-ld.so.cache1.1", b"glibc-ld.so.cache1.1" + b"\xff" * 99]
)
def test_what_is_no_cache_lists_nothing(content: bytes) -> None:
    assert read_cache(content) == []
