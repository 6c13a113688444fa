"""Zstandard, which the standard library has from Python 3.14 on: through whatever this machine offers."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import IO, cast

from ..errors import BaseImageError
from ..oci.inflate import plain, zstd_decompressor

_CHUNK = 1 << 20


def open_zstd(source: IO[bytes]) -> IO[bytes]:
    """The inflated stream of `source`, which raises OSError or EOFError for what is broken.

    Raises BaseImageError where neither a module nor the program is there.
    """
    if zstd_decompressor() is not None:
        return plain(iter(lambda: source.read(_CHUNK), b""))
    program = shutil.which("zstd") or shutil.which("unzstd")
    if program is None:
        raise BaseImageError(
            "this is compressed with zstd, and nothing here can read it",
            hint="install the program zstd or the Python package zstandard",
        )
    # Through files on disk: a pipe both ways would need a thread, and memory would not stay flat.
    with tempfile.TemporaryFile() as packed:
        shutil.copyfileobj(source, packed)
        packed.seek(0)
        inflated = tempfile.TemporaryFile()  # noqa: SIM115  it is what the caller gets
        try:
            done = subprocess.run(
                [program, "-d", "-q", "-c"], stdin=packed, stdout=inflated, stderr=subprocess.PIPE, check=False
            )
            if done.returncode:
                why = done.stderr.decode("utf-8", "replace").strip()
                raise BaseImageError(f"zstd data cannot be inflated: {why}")
            inflated.seek(0)
        except BaseException:
            inflated.close()
            raise
    return cast("IO[bytes]", inflated)
