"""A blob of the store in a second place without a second copy of its bytes, where the disk can do that.

A clone, as btrfs and xfs make it, is a file of its own that shares what neither side has changed. Elsewhere on the same
disk the file gets a second name. Then whoever writes into one place writes into the other: such a file is read-only,
and a cache whose blob was altered nevertheless makes it anew.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_CLONE = 0x40049409  # FICLONE of linux/fs.h


def share(source: Path, target: Path) -> bool:
    """Have `target`, which is replaced, hold what `source` holds; False if that takes a copy.

    Nothing is synced to the disk: that is as long as writing a copy would take. A power cut may leave less of the blob
    than its name says, as in the store, and whoever reads a layout compares the hash.
    """
    temporary = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.tmp")
    try:
        if _cloned(source, temporary) or _linked(source, temporary):
            # Of two names of one file a rename leaves both.
            temporary.replace(target)
            return True
        return False
    except OSError:
        return False
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _cloned(source: Path, target: Path) -> bool:
    import fcntl

    try:
        with source.open("rb") as whole, target.open("xb") as out:
            fcntl.ioctl(out.fileno(), _CLONE, whole.fileno())
        return True
    except OSError:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        return False


def _linked(source: Path, target: Path) -> bool:
    found = source.stat()
    if found.st_uid != os.geteuid():
        return False  # it could not be made read-only, and belongs to somebody else
    os.link(source, target)
    source.chmod(stat.S_IMODE(found.st_mode) & ~0o222)
    return True
