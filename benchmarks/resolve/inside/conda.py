"""A `conda` for conda-lock, whose own need one: `--version`, and `create --dry-run --json` with rattler's solver.

It answers as conda does, so conda-lock has a solver no slower than envbuild's. CONDA_SUBDIR is the platform and
CONDA_PKGS_DIRS the folder of what is fetched, as conda-lock sets them; the virtual packages are in a channel of their
own, which conda-lock names too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Print the answer."""
    if arguments == ["--version"]:
        print("conda 26.1.0")
        return 0
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--prefix", required=True)
    for flag in ("--dry-run", "--json", "--override-channels"):
        parser.add_argument(flag, action="store_true", required=True)
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("specs", nargs="*")
    chosen = parser.parse_intermixed_args(arguments)
    import rattler
    from rattler.exceptions import SolverError

    try:
        records = asyncio.run(
            rattler.solve(
                [rattler.Channel(channel) for channel in chosen.channel],
                chosen.specs,
                gateway=rattler.Gateway(cache_dir=Path(os.environ["CONDA_PKGS_DIRS"])),
                platforms=[rattler.Subdir(os.environ["CONDA_SUBDIR"]), rattler.Subdir("noarch")],
                virtual_packages=[],
            )
        )
    except SolverError as error:
        print(json.dumps({"success": False, "message": str(error)}))
        return 1
    rows = [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "build": str(record.build),
            "url": record.url,
            "fn": record.file_name,
            "md5": record.md5.hex() if record.md5 else "",
            "sha256": record.sha256.hex() if record.sha256 else None,
            "depends": list(record.depends),
            "channel": record.channel,
            "subdir": record.subdir,
        }
        for record in records
    ]
    print(json.dumps({"success": True, "actions": {"FETCH": rows, "LINK": []}}))
    return 0


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads of rattler may still be at work, and crash the process if Python goes first.
    os._exit(ended)
