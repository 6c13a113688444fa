"""Two unequal layers, walked side by side up to the first file that differs. No layer is held in memory."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Sequence

from ..attesting.layers import Blobs
from ..bases.unpack import entries
from ..oci.types import Layer
from ..records import dataclass
from .reading import opened_tar
from .types import FileDifference

_CHUNK = 1 << 20
_KINDS = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard link"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An entry of a tar. `facts` are by the names of FileDifference.what."""

    path: str
    facts: tuple[tuple[str, str], ...]
    sha256: str


def first_difference(image: tuple[Blobs, Layer], rebuilt: tuple[Blobs, Layer]) -> FileDifference:
    """The first entry in which two layers with different diffIDs differ.

    BaseImageError, IntegrityError, CorruptBlobError for what cannot be read.
    """
    with opened_tar(*image) as theirs, opened_tar(*rebuilt) as ours:
        left, right = _entries(theirs, image[1]), _entries(ours, rebuilt[1])
        while True:
            one, other = next(left, None), next(right, None)
            if one is None and other is None:
                return FileDifference(path="", what=("header",), detail="the same files, packed in another way")
            if one is None or other is None or one.path != other.path:
                return _unpaired(one, other, left, right)
            what = tuple(name for (name, a), (_, b) in zip(one.facts, other.facts, strict=True) if a != b)
            if what:
                return FileDifference(
                    path=one.path,
                    what=what,
                    image=one.sha256,
                    rebuilt=other.sha256,
                    detail=_told(one, other, what),
                )


def _unpaired(
    one: _Entry | None, other: _Entry | None, left: Iterator[_Entry], right: Iterator[_Entry]
) -> FileDifference:
    """Which of two entries at the same place is too many, or lacking, is told by what still comes."""
    theirs = {entry.path for entry in left} if other is not None else set[str]()
    ours = {entry.path for entry in right} if one is not None else set[str]()
    if other is not None and other.path not in theirs:
        return FileDifference(path=other.path, what=("missing",), rebuilt=other.sha256)
    if one is not None and one.path not in ours:
        return FileDifference(path=one.path, what=("extra",), image=one.sha256)
    assert one is not None  # else there is none of `other` left to be found
    return FileDifference(path=one.path, what=("order",), image=one.sha256, detail="the same files in another order")


def _entries(tar: tarfile.TarFile, layer: Layer) -> Iterator[_Entry]:
    for parts, member in entries(tar, layer):
        sha256 = _hash(tar, member) if member.isreg() else ""
        kind = "file" if member.isreg() else _KINDS.get(member.type, "device")
        facts = {
            "content": sha256,
            "kind": kind,
            "mode": f"{member.mode & 0o7777:o}",
            "owner": f"{member.uid}:{member.gid}",
            "target": member.linkname,
            "time": str(member.mtime),
            "header": f"{member.uname}:{member.gname} {sorted(member.pax_headers.items())}",
        }
        yield _Entry(path="/".join(parts), facts=tuple(facts.items()), sha256=sha256)


def _hash(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    summed = hashlib.sha256()
    content = tar.extractfile(member)
    while content is not None and (chunk := content.read(_CHUNK)):
        summed.update(chunk)
    return summed.hexdigest()


def _told(one: _Entry, other: _Entry, what: Sequence[str]) -> str:
    """What the two have, but for contents, whose hashes are told."""
    before, after = dict(one.facts), dict(other.facts)
    return "; ".join(f"{name} {before[name]}, not {after[name]}" for name in what if name not in ("content", "header"))
