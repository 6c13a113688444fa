"""Archives are looked through within bounds before anything of them is run."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from envbuild.errors import ResolveError
from envbuild.resolver.source.sdists import pyproject_of


def tar(kind: str, *members: tuple[str, int]) -> bytes:
    """An archive of members of noise, by names and sizes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{kind}") as archive:
        for name, size in members:
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO(os.urandom(size)))
    return data.getvalue()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_archives_are_looked_through_within_bounds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"alpha-1.0.tar.{kind}"
    members = [(f"alpha-1.0/{number}", 1000) for number in range(20)]
    path.write_bytes(tar(kind, *members, ("alpha-1.0/pyproject.toml", 3)))
    assert len(pyproject_of(path, path.name, "", "alpha") or b"") == 3
    with pytest.raises(ResolveError, match="more than 10000 bytes"):
        pyproject_of(path, path.name, "", "alpha", limit=10000)
    whole = path.read_bytes()
    path.write_bytes(whole[:14] + b"\xff" * 40 + whole[54:])
    with pytest.raises(ResolveError, match="is no archive of source"):
        pyproject_of(path, path.name, "", "alpha")


def test_a_header_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    """A long name, as tar writes one in front of its file: read whole, and compressed to nearly nothing."""
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 64 << 20
    path = tmp_path / "alpha-1.0.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(head.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20))
    with pytest.raises(ResolveError, match="one of its headers is too large"):
        pyproject_of(path, path.name, "", "alpha")
