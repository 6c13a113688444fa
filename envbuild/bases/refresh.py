"""`python -m envbuild.bases.refresh`: lock the newest packages of every base into the package's data folder.

    python -m envbuild.bases.refresh [--architecture amd64]... [SUITE]...

Run by whoever maintains envbuild, before a release; reads the mirrors that `ENVBUILD_DEBIAN_MIRROR` names. Without
--architecture every lock that is shipped is made anew, so that a suite's architectures stay together.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone

from ..errors import EnvbuildError, UsageError
from .debian import make_downloader
from .lock import BaseLock, shipped, shipped_architectures, shipped_path, to_json
from .release import KEYRING
from .resolve import resolve_lock
from .suites import ARCHITECTURES, SUITES


def refresh(codename: str, architecture: str) -> tuple[BaseLock, list[str]]:
    """Write the shipped lock of one suite anew; returns it and the lines `name old -> new` of what changed."""
    if codename not in SUITES:
        raise UsageError(f"{codename} is no suite", hint="one of " + ", ".join(SUITES))
    if architecture not in ARCHITECTURES:
        raise UsageError(f"{architecture} is no architecture", hint="one of " + ", ".join(ARCHITECTURES))
    old = shipped(codename, architecture)
    new = resolve_lock(
        SUITES[codename],
        architecture,
        make_downloader(os.environ),
        keyring=KEYRING.read_bytes(),
        now=datetime.now(timezone.utc),
        not_before=old,
    )
    path = shipped_path(codename, architecture)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(to_json(new), indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    names = sorted({p.name for p in (*new.packages, *(old.packages if old else ()))})
    before = {name: old.version(name) if old else "" for name in names}
    changes = [
        f"{name} {before[name] or '(new)'} -> {new.version(name) or '(gone)'}"
        for name in names
        if before[name] != new.version(name)
    ]
    return new, changes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m envbuild.bases.refresh", description=refresh.__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default: all")
    parser.add_argument("--architecture", action="append", help="default: those whose locks are shipped")
    options = parser.parse_args(arguments)
    try:
        for codename in options.suites or SUITES:
            for architecture in options.architecture or shipped_architectures(codename) or ["amd64"]:
                lock, changes = refresh(codename, architecture)
                sys.stdout.write(f"{codename}-{architecture}: {len(lock.packages)} packages as of {lock.date}\n")
                sys.stdout.writelines(f"  {change}\n" for change in changes)
    except EnvbuildError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
