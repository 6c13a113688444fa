"""Conda packages laid down by rattler, and what an image gets of that: here, and inside the build of a Dockerfile.

A copy of this file goes into build contexts, so it imports nothing of envbuild: plain Python 3.10 or later, and rattler
inside the functions that need it. No script of a package is run, and no network is asked.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rattler import RepoDataRecord

# What tells of this machine or of the day: where a package was found, unpacked and listed, and how it was linked.
_NOT_OURS = ("channel", "extracted_package_dir", "indexed_timestamp", "link", "package_tarball_full_path", "url")
# What rattler keeps in an environment beside the files of packages.
_OF_RATTLER = ("CACHEDIR.TAG", "__clobbers__/", "conda-meta/")


class Refused(Exception):  # noqa: N818 - never seen outside
    """A package cannot be laid down: its text says why."""


class NoSpace(Refused):
    """The disk is full."""


class Damaged(Refused):
    """A file is no conda package, or another than its name says: its channel is to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One file of a channel that is here: `subdir` is its platform (`linux-64`), `filename` its name there."""

    path: Path
    name: str
    version: str
    build: str
    subdir: str
    filename: str


async def lay_down(packages: Sequence[Package], root: Path, cache: Path, prefix: str) -> None:
    """Lay all of `packages` down in the new folder `root`, as they lie at `prefix` in an image. Raises Refused."""
    import rattler
    from rattler.exceptions import ExtractError, InstallerError, IoError, LinkError, TransactionError

    records = [await _record(package) for package in packages]
    platform = next((package.subdir for package in packages if package.subdir != "noarch"), "linux-64")
    try:
        await rattler.install(
            records,
            root,
            cache_dir=cache,
            platform=rattler.Subdir("linux-aarch64" if platform == "linux-aarch64" else "linux-64"),
            execute_link_scripts=False,
            show_progress=False,
            alternative_target_prefix=prefix,
        )
    except (InstallerError, LinkError, TransactionError, ExtractError, IoError) as error:
        said = str(error).replace(str(cache.parent), "").strip()
        full = "os error 28" in said or "os error 122" in said
        raise (NoSpace if full else Refused)(said) from None
    check_laid(packages, root)


def check_laid(packages: Sequence[Package], root: Path) -> None:
    """Raise Refused where more lies in `root` than `packages` list, or an unpacked file of theirs is a link.

    What is in an archive was looked at before: this is for one that was read in another way when it was unpacked.
    """
    listed: set[str] = set()
    for package in packages:
        try:
            record = json.loads((root / _meta(package)).read_bytes())
            listed.update(map(str, record["files"]))
            _check_unpacked(package, Path(record["extracted_package_dir"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refused(f"{package.filename} was laid down without its list of files: {error}") from error
    for path in sorted(_lying(root)):
        if path not in listed and not path.startswith(_OF_RATTLER) and not _is_bytecode(path):
            raise Refused(f"{path!r} was laid down, and no package lists it")


def _check_unpacked(package: Package, folder: Path) -> None:
    try:
        rows = json.loads((folder / "info" / "paths.json").read_bytes())["paths"]
    except FileNotFoundError:  # a package of old has none
        return
    lying = _lying(folder)
    for row in rows:
        if row.get("path_type", "hardlink") == "hardlink" and not lying.get(row["_path"], False):
            raise Damaged(f"{package.filename}: {row['_path']!r} is called a file in its list, and is none")


def _lying(folder: Path) -> dict[str, bool]:
    """All files and links below `folder`, by their path from there, and whether each is a file."""
    found: dict[str, bool] = {}
    for top, folders, names in os.walk(folder):
        for name in (*names, *folders):
            path = os.path.join(top, name)  # noqa: PTH118 - there may be many
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode):
                found[os.path.relpath(path, folder)] = stat.S_ISREG(mode)
    return found


def _meta(package: Package) -> str:
    return f"conda-meta/{package.name}-{package.version}-{package.build}.json"


async def _record(package: Package) -> RepoDataRecord:
    """What the file itself says of the package: nothing of where it was found."""
    from rattler import RepoDataRecord

    try:
        record = await RepoDataRecord.from_package_archive(package.path)
    except Exception as error:
        said = str(error).replace(str(package.path), package.filename)
        raise Damaged(f"{package.filename} is no whole conda package: {said}") from None
    if record.name.normalized != package.name or str(record.version) != package.version:
        raise Damaged(
            f"{package.filename} says that it is {record.name.normalized} {record.version}, "
            f"and its channel calls it {package.name} {package.version}"
        )
    # rattler goes by the name of a file, and a link may lead to one that has another.
    record.url, record.file_name = package.path.as_uri(), package.filename
    return record


def files_of(package: Package, root: Path) -> tuple[list[str], str, bytes]:
    """The files of `package` below `root` that an image gets, sorted; and the path of its own list there, and that.

    Raises Refused where it was laid down without such a list.
    """
    name = _meta(package)
    try:
        record = json.loads((root / name).read_bytes())
        listed = sorted(path for path in map(str, record["files"]) if not _is_bytecode(path))
        kept = _kept(record, package)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{package.filename} was laid down without its list of files: {error}") from error
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return listed, name, text.encode() + b"\n"


def _kept(record: dict[str, Any], package: Package) -> dict[str, Any]:
    """The list of a package without what tells of this machine; an address must be there, and says the name alone."""
    kept = {key: value for key, value in record.items() if key not in _NOT_OURS}
    # Where two packages have a file at one path, their order is another each time.
    kept["files"] = sorted(path for path in map(str, record["files"]) if not _is_bytecode(path))
    rows = [row for row in record.get("paths_data", {}).get("paths", []) if not _is_bytecode(str(row.get("_path")))]
    kept["paths_data"] = {"paths_version": 1, "paths": sorted(rows, key=lambda row: str(row.get("_path")))}
    kept["url"] = f"file:///{package.subdir}/{package.filename}"
    kept["channel"] = None
    return kept


def link_target(path: Path, root: Path, prefix: str) -> str:
    """Where the link at `path` below `root` leads to in the image."""
    return os.readlink(path).replace(str(root), prefix)  # noqa: PTH115 - a text


def mode_of(status: os.stat_result) -> int:
    """The mode that a file has in the image."""
    return 0o755 if stat.S_IMODE(status.st_mode) & 0o111 else 0o644


def _is_bytecode(path: str) -> bool:
    """Whether Python made the file from another: it holds that one's time, which no file of a layer keeps."""
    return path.endswith(".pyc") and "/__pycache__/" in f"/{path}"
