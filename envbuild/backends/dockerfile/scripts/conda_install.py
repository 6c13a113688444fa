"""Runs inside the build: have rattler lay down the locked conda packages, as files that are the same on every machine.

conda.json names the packages; they were fetched, or came with the context. No script of a package is run. Plain Python
3.10 or later, and rattler, whose wheel lies beside this file.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path

CONDA = Path(__file__).resolve().parent
FETCHED = Path("/conda-packages")  # where fetch.py has put what it fetched
sys.path.insert(0, str(CONDA))

from laying import Package, Refused, files_of, lay_down, link_target, mode_of  # type: ignore[import-not-found] # noqa: E402


def main() -> None:
    """Lay down every package that conda.json names."""
    given = json.loads((CONDA / "conda.json").read_text(encoding="utf-8"))
    os.umask(0o022)
    make_folder(Path(given["prefix"]).parent)
    # It is gone before the step ends, so that no layer has it.
    with tempfile.TemporaryDirectory(dir=Path(given["prefix"]).parent, prefix="conda-") as folder:
        work = Path(folder)
        (wheel,) = CONDA.glob("py_rattler-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(work / "tools")
        sys.path.insert(0, str(work / "tools"))
        try:
            found = at_hand()
            packages = [package_of(row, work / "packages", found) for row in given["packages"]]
            asyncio.run(lay_down(packages, work / "root", work / "cache", given["prefix"]))
            for package in packages:
                place(package, work / "root", given["prefix"])
        except Refused as error:
            sys.exit(f"the conda packages cannot be laid down: {error}")
    sys.stdout.write(f"{len(packages)} conda packages laid down\n")


def package_of(row: dict[str, str], folder: Path, found: dict[str, Path]) -> Package:
    """A package of conda.json, as a file that has its own name."""
    if row["sha256"] not in found:
        sys.exit(f"{row['file']} is not there, or has another hash than the lock says")
    folder.mkdir(exist_ok=True)
    path = folder / row["file"]
    path.symlink_to(found[row["sha256"]])
    return Package(
        path=path,
        name=row["name"],
        version=row["version"],
        build=row["build"],
        subdir=row["subdir"],
        filename=row["file"],
    )


def place(package: Package, root: Path, prefix: str) -> None:
    """Put the files of a package, and its own list of them, where they lie in the image."""
    listed, name, content = files_of(package, root)
    for path in listed:
        source, target = root / path, Path(prefix, path)
        if os.path.lexists(target):  # an entry point may be that of two packages
            continue
        status = source.lstat()
        make_folder(target.parent)
        if stat.S_ISLNK(status.st_mode):
            target.symlink_to(link_target(source, root, prefix))
        elif stat.S_ISDIR(status.st_mode):
            make_folder(target)
        else:
            shutil.copyfile(source, target)
            target.chmod(mode_of(status))
    make_folder(Path(prefix, name).parent)
    Path(prefix, name).write_bytes(content)


def make_folder(folder: Path) -> None:
    """`folder`, and what it lies in."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)


def at_hand() -> dict[str, Path]:
    """Every package by its sha256: those that were fetched, and those that came with the context."""
    found = {}
    for path in [*FETCHED.glob("*"), *(CONDA / "packages").glob("*/*")]:
        hasher = hashlib.sha256()
        with path.open("rb") as file:
            for chunk in iter(lambda file=file: file.read(1 << 20), b""):  # type: ignore[misc]
                hasher.update(chunk)
        found[hasher.hexdigest()] = path
    return found


if __name__ == "__main__":
    main()
