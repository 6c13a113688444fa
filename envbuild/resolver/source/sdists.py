"""The source distribution of a package that has no wheel: found by uv, which runs nothing for it."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

from ...errors import ResolveError, SourceBuildError
from ...patterns import pattern
from ...records import dataclass
from ..pylock import parse_toml
from ..target import Platform
from .sandbox import Limits
from .wheels import DAMAGED

_SHA256 = pattern(r"[0-9a-f]{64}")
_KINDS = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_NAMED = pattern(r"[\w.+!-]+")
_LARGEST = 1 << 20  # bytes of a pyproject.toml
_MEMBERS = 1 << 20  # of an archive that are looked through
_HEAD = 16 << 20  # bytes of one header that are read
# What is built by a `setup.py` alone may import pkg_resources, which later ones do not have.
_LEGACY = ("setuptools>=40.8,<82", "wheel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdist:
    """One source distribution. `sha256` is hex, `url` where it is, with what credentials it came with taken out."""

    name: str
    version: str
    filename: str
    sha256: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What builds a source, by its pyproject.toml: PEP 517's backend, and the requirements of PEP 518."""

    requires: tuple[str, ...] = _LEGACY
    backend: str = ""
    path: tuple[str, ...] = ()


def find_sdist(
    name: str,
    bounds: Sequence[str],
    platform: Platform,
    *,
    cache: Path,
    environ: Mapping[str, str],
    exempt: Sequence[str] = (),
    tick: Callable[[], object] = lambda: None,
) -> Sdist | None:
    """The newest source of the package `name` within `bounds` (`name<2`), None where the indexes have none.

    Its metadata is not looked at, so no code of it can run. Raises what keeps uv from an answer (NetworkError).
    """
    from ..explain import error_of
    from ..requirements import Inputs
    from ..uv import compile_lock

    answer = compile_lock(
        [name, *bounds],
        (),
        platform,
        cache=cache,
        dependencies=False,
        exempt=exempt,
        environ=environ,
        from_source=name,
        tick=tick,
    )
    if not answer.solved:
        error = error_of(answer, Inputs(asks=()), platform)
        if not isinstance(error, ResolveError):
            raise error
        return None
    for row in parse_toml(answer.lock).get("packages", ()):
        found: Any = row.get("sdist") or {}
        url = found.get("url") or (Path(found["path"]).absolute().as_uri() if found.get("path") else "")
        filename = unquote(urlsplit(url).path).rpartition("/")[2]
        sha256 = str(found.get("hashes", {}).get("sha256", "")).lower()
        if not url or not is_archive(filename):
            continue
        if not _SHA256.fullmatch(sha256):
            raise ResolveError(
                f"the package index names no sha256 hash for {filename}",
                hint="ask who runs the index to publish hashes: without them source cannot be trusted",
            )
        return Sdist(name=name, version=str(row["version"]), filename=filename, sha256=sha256, url=url)
    return None


def is_archive(filename: str) -> bool:
    """Whether a file is an archive of source by its name, which is a plain one."""
    return filename.endswith(_KINDS) and _NAMED.fullmatch(filename) is not None


def backend_of(document: bytes | None, what: str) -> Backend:
    """What a pyproject.toml says, None where there is none. Raises SourceBuildError for one that is not as it must be.

    Requirements that name an address or a path are refused: what builds comes from the person's indexes.
    """
    if document is None:
        return Backend()
    try:
        system = parse_toml(document.decode("utf-8")).get("build-system")
        if system is None:
            return Backend()
        requires, backend, path = system["requires"], system.get("build-backend", ""), system.get("backend-path", [])
        texts = [*requires, backend, *path]
        if not isinstance(requires, list) or not isinstance(path, list) or not all(isinstance(t, str) for t in texts):
            raise TypeError("build-system has no lists of texts")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SourceBuildError(f"{what}: its pyproject.toml cannot be read: {str(error)[:200]}") from None
    if backend and not re.fullmatch(r"[\w.]+(:[\w.]+)?", backend):
        raise SourceBuildError(f"{what}: its pyproject.toml names no backend: {backend[:80]!r}")
    needed = plain(requires, what)
    return Backend(requires=needed if backend else (*needed, *_LEGACY), backend=backend, path=tuple(path))


def plain(texts: Sequence[str], what: str) -> tuple[str, ...]:
    """Requirements as uv may be given them: names and versions. Raises SourceBuildError for anything else."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in texts:
        try:
            parsed = Requirement(text)
        except InvalidRequirement:
            raise SourceBuildError(f"{what}: it is built with {text[:80]!r}, which is no requirement") from None
        if parsed.url or not str(parsed).isprintable():
            raise SourceBuildError(
                f"{what}: it is built with {str(parsed)[:120]!r}, which names an address: what builds comes from your "
                "indexes alone"
            )
        found.append(str(parsed))
    return tuple(found)


def pyproject_of(
    archive: Path, filename: str, subdirectory: str, what: str, *, limit: int = Limits().disk
) -> bytes | None:
    """The pyproject.toml of an archive of source, which is not unpacked for it; None where it has none.

    Raises SourceBuildError for what is none, or has more than `limit` bytes.
    """
    tail = f"{subdirectory}/pyproject.toml" if subdirectory else "pyproject.toml"

    def wanted(name: str) -> bool:
        parts = name.removeprefix("./").split("/", 1)
        return len(parts) == 2 and parts[1] == tail

    try:
        if filename.endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    if wanted(info.filename):
                        with opened.open(info) as member:
                            return _bounded(member.read(_LARGEST + 1), what)
            return None
        with _unpacked(archive) as plain, tarfile.open(fileobj=cast("IO[bytes]", _Sparing(plain)), mode="r:") as tar:
            for _ in range(_MEMBERS):
                each = tar.next()
                if each is None:
                    return None
                cast("Any", tar).members.clear()  # it would keep every one
                if tar.offset > limit:
                    raise ValueError(f"it has more than {limit} bytes")
                if each.isfile() and wanted(each.name) and (stream := tar.extractfile(each)) is not None:
                    return _bounded(stream.read(_LARGEST + 1), what)
        raise ValueError(f"it has more than {_MEMBERS} members")
    except (tarfile.TarError, *DAMAGED, OSError) as error:
        raise SourceBuildError(f"{what}: {filename} is no archive of source: {str(error)[:200]}") from None


class _Sparing:
    """An unpacked tar as `tarfile` reads it: a header that would fill the memory is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEAD:
            raise ValueError("one of its headers is too large")
        return self._file.read(size)


def _unpacked(archive: Path) -> IO[bytes]:
    """The tar inside an archive, by what its bytes say."""
    import bz2
    import gzip
    import lzma

    with archive.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(archive))
    if head.startswith(b"BZh"):
        return bz2.open(archive)
    if head.startswith(b"\xfd7zXZ"):
        return lzma.open(archive)
    return archive.open("rb")


def _bounded(data: bytes, what: str) -> bytes:
    if len(data) > _LARGEST:
        raise SourceBuildError(f"{what}: its pyproject.toml is larger than {_LARGEST >> 20} MiB, which none is")
    return data
