"""What this process has read and written so far, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path


def io_counts() -> tuple[int, int]:
    """Bytes that went through read and write calls, whether or not a disk had to move."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["rchar"]), int(told["wchar"])
