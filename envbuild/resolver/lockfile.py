"""A lock file that a person names: read and checked to its last field, and the wheels of it that fit a platform.

Ours and others' (`uv pip compile --format pylock.toml`) are read alike; only ours say what they were made for. Whatever
is wrong is a LockFileError that names the file, its line as far as that can be told, and the field.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from ..errors import LockFileError, ResolveError
from ..records import dataclass
from .indexes import without_credentials
from .locktable import Table, WrongError
from .locktext import AT_PACKAGE, line_named, line_of, text_of
from .origin import Origin
from .pylock import parse_toml
from .source.links import locked_link
from .target import Platform, platform_named
from .types import LockedPackage, Source, Substitution

if TYPE_CHECKING:
    from packaging.markers import Environment
    from packaging.pylock import Package, Pylock

_NAME = re.compile(r"pylock(\.[^./]+)?\.toml")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HINT = "write it anew with `envbuild lock`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """A lock file as it was read. `path` is the file as it was named, `document` its TOML, checked for its form.

    `platform`, with its full Python, `server`, `digest` and `origin` are None or empty where it does not say.
    """

    path: Path
    text: str
    document: Pylock
    platform: Platform | None = None
    server: str = ""
    digest: str = ""
    requirements: tuple[str, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None

    def wheels(self, platform: Platform) -> tuple[LockedPackage, ...]:
        """The wheels for `platform`, one a package, sorted by name, of sizes that nobody knows yet.

        Raises LockFileError where a package has none, or the file is not for that platform.
        """
        from packaging.pylock import PylockSelectError

        found = []
        numbers = {id(package): number for number, package in enumerate(self.document.packages)}
        try:
            environment = cast("Environment", platform.markers())  # the keys are exactly its own
            for package, source in self.document.select(environment=environment, tags=platform.tags()):
                found.append(self._package(package, source, numbers[id(package)], platform))
        except (PylockSelectError, ValueError) as error:
            raise self._misfit(str(error), platform) from error
        except KeyError as error:
            raise self._misfit(f"a marker asks for {error}, which no image has", platform) from error
        return tuple(sorted(found, key=lambda package: package.name))

    def versions(self, platform: Platform) -> dict[str, str]:
        """The version of each package that is meant for `platform`, whether or not there is a wheel for it."""
        return {
            str(package.name): str(package.version)
            for package in self.document.packages
            if package.version is not None and (package.marker is None or platform.holds(str(package.marker)))
        }

    def place(self, number: int, key: str = "") -> str:
        """`pylock.toml:12` for the package of that number, counted from 0, or for a key of its."""
        line = line_of(self.text, number, key)
        return f"{self.path}:{line}" if line else str(self.path)

    def _package(self, package: Package, source: Any, number: int, platform: Platform) -> LockedPackage:
        from packaging.utils import parse_wheel_filename

        ours = (package.tool or {}).get("envbuild")
        if ours is not None:
            try:
                return self._built(package, source, Table(ours, f"packages[{number}].tool.envbuild"))
            except WrongError as error:
                raise LockFileError(f"{self.place(number, 'tool')}: {error}", hint=_HINT) from None
        filename = _filename(source)
        # A folder or a repository has no hashes, whatever its name ends with.
        hashes = getattr(source, "hashes", None)
        if hashes is None or not filename.endswith(".whl") or not re.fullmatch(r"[\w.+!-]+", filename):
            raise LockFileError(
                f"{self.place(number)}: {package.name} is locked to something that is no wheel, and nothing is built "
                "from source",
                hint=f"lock a version that has a wheel; {_HINT}, with --allow-build {package.name} if it has none",
            )
        if source is package.archive:
            self._check_archive(package, filename, number, platform)
        sha256 = str(hashes.get("sha256", "")).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise LockFileError(
                f"{self.place(number, 'wheels')}: {filename} has no sha256 hash, without which it cannot be trusted",
                hint=f"lock with hashes (`uv pip compile --generate-hashes`), or {_HINT}",
            )
        url = without_credentials(source.url or "")
        if not url:
            url = (self.path.parent / source.path).absolute().as_uri()
        if urlsplit(url).scheme not in ("http", "https", "file"):
            raise LockFileError(
                f"{self.place(number, 'wheels')}: {url!r} is no address that can be fetched",
                hint="write an http, https or file URL, or a path from the lock",
            )
        version = package.version or parse_wheel_filename(filename)[1]
        return LockedPackage(
            name=str(package.name), version=str(version), filename=filename, sha256=sha256, size=0, url=url
        )

    def _check_archive(self, package: Package, filename: str, number: int, platform: Platform) -> None:
        """LockFileError unless the file is a wheel of that package for `platform`: PEP 751 says it of wheels alone."""
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        with suppress(InvalidWheelFilename, ValueError):
            name, version, _, tags = parse_wheel_filename(filename)
            if name == package.name and package.version in (None, version) and not tags.isdisjoint(platform.tags()):
                return
        what = f"{package.name} {package.version or ''}".strip()
        raise LockFileError(
            f"{self.place(number, 'archive')}: {filename} is no wheel of {what} for {platform.tag} and Python "
            f"{platform.python}",
            hint=_HINT,
        )

    def _built(self, package: Package, source: Any, table: Table) -> LockedPackage:
        """A package that was built from source on the machine that wrote the lock."""
        from packaging.pylock import PackageSdist
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        from .source.sdists import is_archive

        filename, sha256 = table.text("wheel"), table.text("sha256").lower()
        try:
            name, version, _, _ = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            raise WrongError(f"{filename!r} is no wheel") from None
        if name != package.name or version != package.version or not _SHA256.fullmatch(sha256):
            raise WrongError(f"{filename} and its hash are none of {package.name} {package.version}")
        given = getattr(source, "url", None) or ""
        url = given if given.startswith("ssh:") else without_credentials(given)
        if not url and getattr(source, "path", None):
            url = (self.path.parent / source.path).absolute().as_uri()
        if source is package.vcs:
            origin = _commit_of(package, url)
        else:
            hashed = str(source.hashes.get("sha256", "")).lower() if isinstance(source, PackageSdist) else ""
            if not _SHA256.fullmatch(hashed):
                raise WrongError("it was built from source that has no sha256 hash")
            archive = _filename(source)
            if not is_archive(archive) or urlsplit(url).scheme not in ("http", "https", "file"):
                raise WrongError(f"{archive!r} at {url!r} is no archive of source that can be fetched")
            origin = Source(url=url, filename=archive, sha256=hashed)
        return LockedPackage(
            name=str(name), version=str(version), filename=filename, sha256=sha256, size=0, source=origin
        )

    def _misfit(self, said: str, platform: Platform) -> LockFileError:
        """What the choice of wheels failed for, with its place."""
        at = AT_PACKAGE.search(said)
        place = self.place(int(at[1])) if at else str(self.path)
        for_it = f"{platform.tag} and Python {platform.python}"
        if at and said.startswith("No wheel found"):
            package = self.document.packages[int(at[1])]
            name = f"{package.name} {package.version or ''}".strip()
            return LockFileError(
                f"{place}: {name} is locked without a wheel for {for_it}",
                hint=f"lock for that platform: {_HINT}, or `uv pip compile --python-platform --python-version`",
            )
        if said.startswith("Multiple packages"):
            name = self.document.packages[int(at[1])].name if at else "a package"
            return LockFileError(f"{place}: {name} is locked twice for {for_it}", hint="leave one of the two")
        return LockFileError(f"{place}: the lock is not for {for_it}: {said}", hint=_HINT)


def is_lockfile_name(name: str) -> bool:
    """`pylock.toml` or `pylock.NAME.toml`."""
    return _NAME.fullmatch(name) is not None


def read_lockfile(path: Path) -> LockFile:
    """The lock file at `path`. Raises LockFileError for what is none."""
    from packaging.pylock import Pylock, PylockValidationError

    text = text_of(path, _HINT).replace("\r\n", "\n")
    try:
        parsed = parse_toml(text)
    except (ValueError, RecursionError) as error:
        said = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        at = _AT_LINE.search(said)
        place = f"{path}:{at[1]}" if at else str(path)
        raise LockFileError(f"{place}: not TOML: {_AT_LINE.sub('', said)}", hint=_HINT) from None
    try:
        document = Pylock.from_dict(parsed)
    except (ValueError, TypeError, PylockValidationError) as error:
        line = line_named(text, str(error))
        place = f"{path}:{line}" if line else str(path)
        raise LockFileError(f"{place}: no lock of PEP 751: {error}", hint=_HINT) from None
    table = parsed.get("tool", {}).get("envbuild")
    if table is None:
        return LockFile(path=path, text=text, document=document)
    try:
        return _ours(path, text, document, Table(table, "tool.envbuild"))
    except WrongError as error:
        line = next((n for n, row in enumerate(text.splitlines(), 1) if re.match(r"\s*\[+\s*tool\.envbuild", row)), 0)
        place = f"{path}:{line}" if line else str(path)
        raise LockFileError(f"{place}: {error}", hint=f"{_HINT}; without [tool.envbuild] any lock is taken") from None


def _ours(path: Path, text: str, document: Pylock, table: Table) -> LockFile:
    tag, python = table.text("platform"), table.text("python")
    platform = platform_named(tag, python)
    if platform is None or not re.fullmatch(r"3\.\d+(\.\w+)?", python):
        raise WrongError(f"tool.envbuild is for {tag!r} and Python {python!r}, which no lock is for")
    origin = None
    inputs = table.table("inputs")
    base = table.table("base")
    if inputs is not None:
        origin = Origin(
            digest=inputs.text("digest"),
            server=table.text("server"),
            requirements=inputs.texts("requirements"),
            constraints=inputs.texts("constraints"),
            settings=inputs.strings("settings"),
            base=base.text("name") if base else "",
            base_digest=base.text("digest", "") if base else "",
        )
    return LockFile(
        path=path,
        text=text,
        document=document,
        platform=platform,
        server=table.text("server"),
        digest=table.text("digest"),
        requirements=table.texts("requirements"),
        substitutions=tuple(
            Substitution(old=row.text("old"), new=row.text("new"), why=row.text("why"))
            for row in table.tables("substitutions")
        ),
        notes=table.texts("notes"),
        origin=origin,
    )


def _commit_of(package: Package, url: str) -> Source:
    """The commit that a package was built from, if its address is one that a link could have."""
    vcs = package.vcs
    if vcs is None or vcs.type != "git" or not _COMMIT.fullmatch(vcs.commit_id):
        raise WrongError("only commits of git repositories are built, by their whole hash")
    subdirectory, ref = vcs.subdirectory or "", vcs.requested_revision or ""
    try:
        locked_link(str(package.name), url, vcs.commit_id, subdirectory, str(package.name))
    except ResolveError as error:
        raise WrongError(error.message) from None
    return Source(url=url, commit=vcs.commit_id, subdirectory=subdirectory, ref=ref)


def _filename(source: Any) -> str:
    """The last part of a source's address or path; that of a wheel may be told apart. Empty for a repository."""
    name = getattr(source, "name", None) or getattr(source, "path", None) or ""
    if not name and getattr(source, "url", None) and hasattr(source, "hashes"):
        name = unquote(urlsplit(source.url).path)
    return str(name).rpartition("/")[2]
