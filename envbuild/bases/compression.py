"""Zstandard, which the standard library has from Python 3.14 on: through whatever this machine offers."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, cast

from ..errors import BaseImageError

_MODULES = ("compression.zstd", "backports.zstd")


def open_zstd(source: IO[bytes]) -> IO[bytes]:
    """The inflated stream of `source`. Raises BaseImageError where neither a module nor the program is there."""
    for name in _MODULES:
        with suppress(ImportError):
            return cast("IO[bytes]", importlib.import_module(name).open(source, "rb"))
    with suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        return cast("IO[bytes]", reader)
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
        plain = tempfile.TemporaryFile()  # noqa: SIM115  it is what the caller gets
        try:
            done = subprocess.run(
                [program, "-d", "-q", "-c"], stdin=packed, stdout=plain, stderr=subprocess.PIPE, check=False
            )
            if done.returncode:
                why = done.stderr.decode("utf-8", "replace").strip()
                raise BaseImageError(f"zstd data cannot be inflated: {why}")
            plain.seek(0)
        except BaseException:
            plain.close()
            raise
    return cast("IO[bytes]", plain)
