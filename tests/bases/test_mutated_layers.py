"""Layers put together and damaged at random: whoever reads one is told in words, or reads it; nobody is kept busy."""

from __future__ import annotations

import random
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from envbuild.attesting.layers import in_store, read_layer
from envbuild.bases.flatten import flat_layer
from envbuild.bases.tree import read_tree
from envbuild.bases.types import Base, Interpreter
from envbuild.bases.unpack import unpack_layer
from envbuild.errors import EnvbuildError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer

KEYS = (
    *("size", "mtime", "uid", "gid", "path", "linkpath", "hdrcharset", "uname", "SCHILY.xattr.user.x"),
    *(f"GNU.sparse.{name}" for name in ("map", "size", "major", "minor", "name", "realsize", "numblocks", "offset")),
)
VALUES = (
    *("nan", "inf", "-5", "1e400", "9" * 23, "", "x", "0x10", "\0", "1,2,3", "é", "../x", "a\nb", "0", "1"),
    *("n" * 300, "d/" * 300),
)
NAMES = (
    *("a", "b", "b/c", "usr/bin/python3", "lib/x86_64-linux-gnu/libc.so.6", "var/lib/dpkg/status"),
    *(".wh.a", "b/.wh..wh..opq"),
)
LINKS = ("a", "b/c", "../..", "/", "")
SECONDS = 10


def said(key: str, value: str) -> bytes:
    """A record of an extended header, which begins with its own length."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def made(rng: random.Random) -> bytes:
    out = b""
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.7:
            body = b"".join(said(rng.choice(KEYS), rng.choice(VALUES)) for _ in range(rng.randint(1, 4)))
            out += entry("p", rng.choice((tarfile.XHDTYPE,) * 3 + (tarfile.XGLTYPE,)), body[rng.random() < 0.1 :])
        kind = rng.choice((b"0", b"0", b"5", b"2", b"1", b"3", b"4", b"6", b"7", b"S", b"L", b"K", b"Z", b"\0"))
        content = b"" if kind == b"5" else rng.randbytes(rng.choice((0, 5, 600)))
        out += entry(rng.choice(NAMES), kind, content, rng.choice(LINKS))
    return damaged(out, rng) + bytes(1024)


def entry(name: str, kind: bytes, content: bytes, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Half of them with some bytes changed, and of those most with checksums that are right again."""
    if rng.random() < 0.5:
        return data
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        out[rng.randrange(len(out))] = rng.randrange(256)
    for start in range(0, len(out) if rng.random() < 0.7 else 0, 512):
        if out[start + 257 : start + 262] == b"ustar":
            out[start + 148 : start + 156] = b" " * 8
            out[start + 148 : start + 156] = b"%06o\0 " % sum(out[start : start + 512])
    return bytes(out)


def too_slow(_: int, __: FrameType | None) -> None:
    raise TimeoutError


def read_all(data: bytes, store: Store, folder: Path) -> int:
    """Have all readers read it; how many of them said no."""
    digest = store.put(data)
    layer = Layer(diff_id=digest, digest=digest, size=len(data))
    nothing = Interpreter(version="", executable="", home="")
    base = Base(
        name="x",
        digest=digest,
        architecture="amd64",
        interpreter=nothing,
        glibc="",
        layers=(layer,),
        config={},
        packages=(),
    )
    readers: tuple[Callable[[], object], ...] = (
        lambda: read_tree(store, [layer]),
        lambda: unpack_layer(store, layer, folder),
        lambda: flat_layer(base, store),
        lambda: read_layer(in_store(store), layer, keep=lambda _: True, hashed=lambda _: True),
    )
    refused = 0
    for read in readers:
        signal.alarm(SECONDS)
        try:
            read()
        except EnvbuildError as error:
            assert error.message
            refused += 1
        finally:
            signal.alarm(0)
    return refused


@pytest.mark.parametrize(
    ("first", "count"), [(0, 100), pytest.param(10_000, 600, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_any_layer_is_read_or_refused_in_words(tmp_path: Path, first: int, count: int) -> None:
    store = Store(tmp_path / "store")
    before = signal.signal(signal.SIGALRM, too_slow)
    refused = 0
    try:
        for seed in range(first, first + count):
            folder = tmp_path / "root" / str(seed)
            folder.mkdir(parents=True)
            refused += read_all(made(random.Random(seed)), store, folder)
            assert {path.name for path in tmp_path.iterdir()} == {"store", "root"}
    finally:
        signal.signal(signal.SIGALRM, before)
    assert count <= refused < 4 * count  # some of each
