"""A `conda` for `conda-lock install`: it lays explicit lists down with rattler, and runs commands of an environment."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen


async def create(listed: Path, prefix: str, cache: Path) -> None:
    """Fetch the packages of the explicit list, hold each against its md5, and lay them down at `prefix`."""
    import rattler

    records = []
    for line in listed.read_text().splitlines():
        url, _, md5 = line.partition("#")
        if not url or line == "@EXPLICIT":
            continue
        with urlopen(url) as answer:
            data = answer.read()
        if hashlib.md5(data).hexdigest() != md5:
            raise SystemExit(f"{url} is another file than the list says")
        file = cache / Path(urlsplit(url).path).name
        file.write_bytes(data)
        record = await rattler.RepoDataRecord.from_package_archive(file)
        record.url, record.file_name = file.as_uri(), file.name
        records.append(record)
    await rattler.install(records, prefix, cache_dir=cache / "unpacked", show_progress=False)


def main(arguments: list[str]) -> int:
    """Do as conda does with these. Ends the process with 2 for what conda-lock does not say when it installs."""
    if arguments == ["--version"]:
        print("conda 26.1.0")
        return 0
    parser = argparse.ArgumentParser(prog="conda")
    commands = parser.add_subparsers(dest="command", required=True)
    creating = commands.add_parser("create")
    creating.add_argument("--file", type=Path, required=True)
    for flag in ("--quiet", "--yes"):
        creating.add_argument(flag, action="store_true", required=True)
    running = commands.add_parser("run")
    for command in (creating, running):
        command.add_argument("--prefix", required=True)
    running.add_argument("line", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if chosen.command == "create":
        with tempfile.TemporaryDirectory() as cache:
            asyncio.run(create(chosen.file, chosen.prefix, Path(cache)))
        return 0
    path = f"{chosen.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(chosen.line, env={**os.environ, "PATH": path}, check=False).returncode


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads of rattler may still be at work, and crash the process if Python goes first.
    os._exit(ended)
