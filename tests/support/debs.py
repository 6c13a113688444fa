"""Debian packages of a suite, verified by apt itself and unpacked into a folder: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror() -> str:
    """The Debian mirror of this machine."""
    if named := os.environ.get("ENVBUILD_DEBIAN_MIRROR"):
        return named.rstrip("/")
    folder = Path("/etc/apt")
    lines = [
        line.split()
        for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
        if path.is_file()
        for line in path.read_text().splitlines()
    ]
    for words in lines:
        addresses = words[1:] if words[:1] in (["URIs:"], ["deb"]) else []
        for address in addresses:
            if "://" in address and address.rstrip("/").endswith("/debian"):
                return address.rstrip("/")
    pytest.skip("no Debian mirror in apt's sources; name one in ENVBUILD_DEBIAN_MIRROR")


def unpacked(
    suite: str, packages: Sequence[str], cache: Path, whole: Callable[[Path], bool], *, alone: bool = True
) -> Path:
    """The root that the packages unpack to; skips where they cannot be had.

    `whole` tells whether an earlier run left all of it in `cache`. One of several runs fetches at a time. With
    `alone=False` come all packages that they depend on, down to the C library; a name with a minus behind it stays out.
    """
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing or not Path(KEYRING).is_file():
        pytest.skip(f"needs Debian's keyring and its tools (missing: {', '.join(missing) or 'none'})")
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        return _unpacked(suite, packages, cache, whole, alone)


def _unpacked(suite: str, packages: Sequence[str], cache: Path, whole: Callable[[Path], bool], alone: bool) -> Path:
    root = cache / "root"
    if whole(root):
        return root
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    (cache / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": cache / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": cache / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": cache / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    fetch = ["download"] if alone else ["install", "--yes", "--download-only", "--no-install-recommends"]
    for command in (["update"], [*fetch, *packages]):
        done = subprocess.run([*apt, *command], cwd=cache / "debs", capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"apt-get {command[0]} of {suite} failed: {done.stderr.strip()}")
    debs = cache / "debs" if alone else cache / "cache" / "archives"
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
    return root
