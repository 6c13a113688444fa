from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
from collections.abc import Callable

import pytest

from envbuild.bases.compression import open_zstd
from envbuild.bases.deb import Deb
from envbuild.errors import BaseImageError

ENTRIES = {"usr": 0o755, "usr/bin/tool": b"program", "usr/bin/alias": "tool"}


def zstd(content: bytes) -> bytes:
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("this machine has no zstd")
    return subprocess.run([program, "-q", "-c"], input=content, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".xz", lzma.compress), (".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstd), ("", bytes)],
)
def test_a_package_is_read_however_it_is_compressed(
    deb_factory: Callable[..., bytes], suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    deb = Deb(deb_factory("tool", "1.0", ENTRIES, pack=(suffix, pack)), "tool 1.0")
    found = [(entry.path, entry.kind, entry.mode, entry.target, entry.content) for entry in deb.entries()]
    assert found == [
        ("usr", "directory", 0o755, "", b""),
        ("usr/bin/tool", "file", 0o755, "", b"program"),
        ("usr/bin/alias", "symlink", 0o644, "tool", b""),
    ]
    assert deb.control().text.startswith("Package: tool\nVersion: 1.0\n")
    assert list(deb.control().md5sums) == ["usr/bin/tool"]


@pytest.mark.parametrize("content", [b"", b"!<arch>\n", b"no package at all", b"!<arch>\nshort"])
def test_what_is_no_package_is_refused(content: bytes) -> None:
    with pytest.raises(BaseImageError, match=r"tool 1\.0"):
        Deb(content, "tool 1.0")


def test_a_broken_data_tar_is_refused(deb_factory: Callable[..., bytes]) -> None:
    with pytest.raises(BaseImageError, match="tool"):
        list(Deb(deb_factory("tool", "1", ENTRIES, pack=(".xz", lambda _: b"junk")), "tool").entries())
    with pytest.raises(BaseImageError, match="tool"):
        list(Deb(deb_factory("tool", "1", ENTRIES, pack=("", lambda _: b"junk" * 512)), "tool").entries())


def test_broken_zstd_is_refused() -> None:
    zstd(b"")
    with pytest.raises((BaseImageError, OSError, EOFError)), open_zstd(io.BytesIO(b"\x28\xb5\x2f\xfdjunk")) as plain:
        plain.read()
