"""Wheels that lie in the model folder, and that its requirements name by their path there."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from ..errors import IntegrityError, ModelError, ResolveError
from ..model.markers import split_marker
from ..model.types import Environment
from ..patterns import pattern
from ..records import dataclass
from .hashes import sha256_among
from .target import Platform
from .types import Lock, LockedPackage

_NAMED = pattern(r"[A-Za-z0-9][\w.-]*\s*(?:\[(?P<extras>[^\]]*)\]\s*)?@\s*(?P<address>\S.*)")
_EXTRAS = pattern(r"(?P<path>.*\.whl)(?:\[(?P<extras>[^\]]*)\])?")
_CHUNK = 1 << 20
# The hashes that pip takes in an address.
_FRAGMENTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_TRUST = "write its hash anew if you trust the file; else ask who put it there"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWheel:
    """A wheel at `path`, relative to the model folder; `name` is canonical, `sha256` hex, `tags` (`py3-none-any`)."""

    name: str
    version: str
    path: str
    file: Path
    sha256: str
    tags: frozenset[str]
    extras: str = ""
    marker: str = ""

    @property
    def text(self) -> str:
        """The requirement as uv takes it: with the file's place on this machine."""
        return self._requirement(self.file.as_uri())

    @property
    def kept(self) -> str:
        """The requirement without a path of this machine: with the wheel's place in the model, and its hash."""
        return self._requirement(f"{self.path}#sha256={self.sha256}")

    def _requirement(self, address: str) -> str:
        extras, marker = f"[{self.extras}]" if self.extras else "", f" ; {self.marker}" if self.marker else ""
        return f"{self.name}{extras} @ {address}{marker}"


def model_wheel(text: str, root: Path | None, where: str) -> ModelWheel | None:
    """The wheel inside the model folder `root` that a requirement line names by its path; None for anything else.

    Raises ResolveError for a file that has not the name of a wheel, ModelError for one that cannot be read,
    IntegrityError for one without the hash that the address names (`#sha256=...`).
    """
    if root is None or text.startswith("-"):
        return None
    named = _NAMED.fullmatch(text)
    address, marker = split_marker(named["address"] if named else text)
    found = _EXTRAS.fullmatch(address.partition("#")[0].strip())
    if found is None:
        return None
    path = _inside(found["path"], root)
    if not path:
        return None
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, tags = parse_wheel_filename(posixpath.basename(path))
    except InvalidWheelFilename as error:
        raise ResolveError(
            f"{where}: {text[:200]!r} names no wheel: {error}",
            hint="give the file back the name that it was built with: name-version-tags.whl",
        ) from None
    extras = (named["extras"] if named else "") or found["extras"] or ""
    file = root.resolve() / path
    sha256 = _sha256(file)
    _check_fragment(address.partition("#")[2], file, sha256, f"{where}: {path}")
    return ModelWheel(
        name=str(name),
        version=str(version),
        path=path,
        file=file,
        sha256=sha256,
        tags=frozenset(map(str, tags)),
        extras=",".join(part.strip() for part in extras.split(",") if part.strip()),
        marker=marker,
    )


def check_listed(wheel: ModelWheel, listed: tuple[str, ...], where: str) -> None:
    """IntegrityError unless the wheel has one of the hashes that its line lists, if any (`sha256:...`)."""
    if listed and wheel.sha256 not in sha256_among(listed, where, wheel.name):
        raise IntegrityError(f"{where}: {wheel.path} has none of the hashes listed there", hint=_TRUST)


def named_wheels(environment: Environment, root: Path) -> tuple[ModelWheel, ...]:
    """The wheels inside the model folder `root` that its requirements name. Raises as `model_wheel`."""
    rows = [(line.text.strip(), line.span) for line in environment.lines]
    rows += [(requirement.text, requirement.span) for requirement in environment.pip if requirement.url]
    found = (model_wheel(text, root, f"{span.file}:{span.line}") for text, span in rows)
    return tuple(wheel for wheel in found if wheel is not None)


def without_own(lock: Lock, own: Container[tuple[str, str]]) -> Lock:
    """`lock` without the packages whose file name and sha256 are among `own`, and those from source.

    Those are the model's own wheels, and what this machine built: no index has them.
    """
    others = (p for p in lock.packages if (p.filename, p.sha256) not in own and p.source is None)
    return replace(lock, packages=tuple(others))


def check_fits(wheel: ModelWheel, platform: Platform, where: str) -> None:
    """ResolveError unless the wheel runs on `platform`: who names a file is given that file, whatever it is for."""
    if wheel.tags.isdisjoint(map(str, platform.tags())):
        raise ResolveError(
            f"{where}: {wheel.path} is for {', '.join(sorted(wheel.tags))}, and the image has Python {platform.minor} "
            f"on {platform.tag}",
            hint="put a wheel for that into the model, or choose another image with --python, --platform or --base",
        )


def as_they_lie(lock: Lock, wheels: Iterable[ModelWheel]) -> Lock:
    """`lock` with the model's own wheels where they lie now: a lock that was kept may have another folder's place."""
    own = {wheel.name: wheel for wheel in wheels}
    return replace(lock, packages=tuple(_own(package, own.get(package.name)) for package in lock.packages))


def _own(package: LockedPackage, wheel: ModelWheel | None) -> LockedPackage:
    if wheel is None or package.filename != wheel.file.name:
        return package
    return replace(package, sha256=wheel.sha256, url=wheel.file.as_uri())


def _inside(address: str, root: Path) -> str:
    """The path relative to the model folder, if a file lies there and is no way out of it; else empty."""
    local = re.sub(r"^file:(?://)?(?!/)", "", address)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", local) or local.startswith(("/", "~")):
        return ""
    for path in (local, unquote(local)) if local != address else (local,):
        plain = posixpath.normpath(path.replace("\\", "/"))
        if plain.startswith(("/", "../")):
            return ""
        try:
            whole = (root / plain).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            continue
        if whole.is_file() and whole == root.resolve() / plain:
            return plain
    return ""


def _check_fragment(fragment: str, file: Path, sha256: str, what: str) -> None:
    """IntegrityError unless the file has each hash that the part of its address behind `#` names."""
    for part in fragment.split("&"):
        name, _, value = part.strip().partition("=")
        if name not in _FRAGMENTS:
            continue
        if value.lower() != (sha256 if name == "sha256" else _hash(file, name)):
            raise IntegrityError(f"{what} has not the hash that its address names, {name}={value[:128]}", hint=_TRUST)


def _sha256(file: Path) -> str:
    return _hash(file, "sha256")


def _hash(file: Path, name: str) -> str:
    digest = hashlib.new(name)
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
