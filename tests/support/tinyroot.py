"""A root file system of a few files with this machine's own shell, and build contexts on it."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from envbuild.backends.dockerfile.types import Context, Entry


def tiny_root(folder: Path, *, salt: str = "") -> Path:
    """Write `folder`/base.tar: /bin/sh, cat and sleep with what they are linked to. `salt` makes it unlike others."""
    files: dict[str, Path] = {}
    for name in ("sh", "cat", "sleep"):
        program = Path(str(shutil.which(name))).resolve()
        files[f"bin/{name}"] = program
        linked = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        files.update({library.lstrip("/"): Path(library).resolve() for library in re.findall(r"(/\S+) \(0x", linked)})
    path = folder / "base.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("tmp", "w"):
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(member)
        for name, source in sorted(files.items()):
            _add(tar, name, source.read_bytes(), 0o755)
        _add(tar, "salt", salt.encode(), 0o644)
    return path


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))


def tiny_context(
    base: Path, dockerfile: str, *, texts: Mapping[str, str] | None = None, buildkit: bool = False
) -> Context:
    """A context of `dockerfile`, of `texts` by path, and of `base` as base.tar."""
    import hashlib

    data = base.read_bytes()
    entries = [
        Entry(path="base.tar", source=base, sha256=hashlib.sha256(data).hexdigest(), size=len(data)),
        Entry(path="Dockerfile", text=dockerfile),
        *(Entry(path=path, text=text) for path, text in (texts or {}).items()),
    ]
    return Context(dockerfile=dockerfile, entries=tuple(sorted(entries, key=lambda e: e.path)), buildkit=buildkit)
