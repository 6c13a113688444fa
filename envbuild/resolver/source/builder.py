"""Wheels from source: those that were built before out of the cache, the others built in a sandbox.

A wheel is kept in the store, under what it was built from. One that runs everywhere (`py3-none-any`) serves every
Python and every base; another the base alone that it was built on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import IntegrityError, ResolveError
from ...oci.canonical import digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...progress import SILENT, Progress
from ...records import dataclass
from ..target import Platform
from ..types import Lock, LockedPackage, Source
from . import worker
from .bench import Bench
from .links import ALL, GitLink
from .sdists import Backend, Sdist, backend_of, find_sdist, plain, pyproject_of
from .telling import failed
from .wheels import check_named, named, rewritten, taken

# Raise it when the same source would be built into other bytes than before.
FORMAT = 1
_WHEEL = "built-wheel:"
_ROUNDS = 3
_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A wheel from source, in the store: `sha256` is hex, `size` its bytes."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    source: Source

    def package(self) -> LockedPackage:
        """The package of a lock."""
        return LockedPackage(
            name=self.name,
            version=self.version,
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
            source=self.source,
        )


class Builder:
    """Builds for one image. `allowed` are the names that `--allow-build` gave; `bench` is None where nothing may run.

    `cache` is uv's own folder, `environ` has its variables.
    """

    def __init__(
        self,
        allowed: Collection[str],
        platform: Platform,
        store: Store,
        *,
        bench: Bench | None,
        cache: Path,
        environ: Mapping[str, str],
        progress: Progress = SILENT,
    ) -> None:
        self.allowed = frozenset(allowed)
        self._platform = platform
        self._store = store
        self._bench = bench
        self._cache = cache
        self._environ = environ
        self._progress = progress

    def allows(self, name: str) -> bool:
        """Whether the package may be built."""
        return name in self.allowed or ALL in self.allowed

    def sdist(self, name: str, bounds: Sequence[str], exempt: Sequence[str] = ()) -> Built | None:
        """The newest source of a package within `bounds`, as a wheel; None where the indexes have no source of it."""
        found = find_sdist(
            name,
            bounds,
            self._platform,
            cache=self._cache,
            environ=self._environ,
            exempt=exempt,
            tick=self._tick,
        )
        return None if found is None else self._of_sdist(found, found.version)

    def git(self, link: GitLink) -> Built:
        """What a link stands for now, as a wheel."""
        from .git import Git

        if self._bench is None and not link.pinned:
            raise self._nowhere(link.name)
        commit = link.ref if link.pinned else Git(link, self._tick).commit()
        source = Source(
            url=link.url, commit=commit, subdirectory=link.subdirectory, ref="" if link.pinned else link.ref
        )
        return self._known(link.name, source) or self._of_commit(link, source)

    def bring(self, packages: Sequence[LockedPackage], where: str = "") -> None:
        """Have the wheels of those that were built from source in the store, building what it lacks.

        Raises ResolveError for a package that may not be built, IntegrityError where the wheel comes out otherwise than
        it was locked. `where` names the lock.
        """
        for package in packages:
            if package.source is None or self._store.has(f"sha256:{package.sha256}"):
                continue
            if not self.allows(package.name):
                raise ResolveError(
                    f"{where or 'the lock'}: {package.name} {package.version} was built from {package.source.title}, "
                    "and this machine does not have that wheel",
                    hint=f"--allow-build {package.name} builds it again",
                )
            self._again(package, package.source, where)

    def _again(self, package: LockedPackage, source: Source, where: str) -> None:
        if source.sha256:
            sdist = Sdist(
                name=package.name,
                version=package.version,
                filename=source.filename,
                sha256=source.sha256,
                url=source.url,
            )
            built = self._of_sdist(sdist, package.version)
        else:
            link = GitLink(
                name=package.name,
                url=source.url,
                ref=source.commit,
                subdirectory=source.subdirectory,
                extras="",
                marker="",
                where=where or package.name,
            )
            built = self._known(link.name, source) or self._of_commit(link, source)
        if built.sha256 != package.sha256:
            raise IntegrityError(
                f"{where or 'the lock'}: {package.name} {package.version}, built from {source.title} again, is not the "
                f"wheel that was locked: {built.filename} {built.sha256[:12]}, and not {package.filename} "
                f"{package.sha256[:12]}",
                hint="its build gives other bytes each time, or with other build requirements: lock anew (--upgrade)",
            )

    def _of_sdist(self, sdist: Sdist, version: str) -> Built:
        from ..fetching import fetch

        source = Source(url=_public(sdist.url), filename=sdist.filename, sha256=sdist.sha256)
        known = self._known(sdist.name, source)
        if known is not None:
            return known
        bench = self._at(sdist.name)
        what = f"{sdist.name} {version}, from {sdist.filename}"
        archive = LockedPackage(
            name=sdist.name, version=version, filename=sdist.filename, sha256=sdist.sha256, size=0, url=sdist.url
        )
        fetch(self._lock((archive,)), self._store, environ=self._environ, noun="source archives")
        blob = self._store.blob(f"sha256:{sdist.sha256}")
        backend = backend_of(pyproject_of(blob, sdist.filename, "", what), what)
        with self._store.temporary() as folder:
            place = folder / "given" / "source"
            place.mkdir(parents=True)
            _lend(blob, place / sdist.filename)
            return self._build(bench, folder, sdist.name, version, source, backend, what, archive=sdist.filename)

    def _of_commit(self, link: GitLink, source: Source) -> Built:
        from .git import Git

        bench = self._at(link.name)
        what = f"{link.name}, from {source.title}"
        with self._store.temporary() as folder:
            place = folder / "given" / "source"
            place.mkdir(parents=True)
            self._progress.note(f"fetching {what}")
            Git(link, self._tick).checkout(source.commit, place)
            project = (place / link.subdirectory / "pyproject.toml").resolve()
            if not (place / link.subdirectory).is_dir():
                raise ResolveError(
                    f"{link.where}: {source.title} has no folder {link.subdirectory}",
                    hint="name another in #subdirectory=, or leave it out",
                )
            inside = project.is_file() and project.is_relative_to(place.resolve())
            if inside and project.stat().st_size > _ANSWER:
                raise ResolveError(f"{what}: its pyproject.toml is larger than a MiB, which none is")
            backend = backend_of(project.read_bytes() if inside else None, what)
            return self._build(bench, folder, link.name, "", source, backend, what)

    def _build(
        self,
        bench: Bench,
        folder: Path,
        name: str,
        version: str,
        source: Source,
        backend: Backend,
        what: str,
        *,
        archive: str = "",
    ) -> Built:
        """Build what lies in `folder`/given/source, and keep the wheel. `archive` is its file there, if it is one."""
        self._progress.note(f"building {what}, in a sandbox of {bench.title}: --allow-build")
        given = folder / "given"
        (given / "worker.py").write_bytes(Path(worker.__file__).read_bytes())
        needed = backend.requires
        for number in range(_ROUNDS):
            locked = self._requirements(bench, needed, given / "wheels", what)
            task = {
                "archive": archive,
                "backend": backend.backend,
                "backend_path": backend.path,
                "known": needed,
                "subdirectory": source.subdirectory,
            }
            (given / "task.json").write_text(json.dumps(task), encoding="utf-8")
            out = folder / f"run{number}" / "out"
            out.mkdir(parents=True)
            ended = bench.run(given, out, self._tick)
            if ended.code == worker.ASKS and not ended.why:
                needed = (*needed, *plain(_asked(out, what), what))
                continue
            if ended.why or ended.code:
                asked = f"{name}=={version}" if version else f"git+{source.url}@{source.commit}"
                raise failed(what, asked, ended, bench.base.name)
            return self._keep(bench, folder, out, name, version, source, locked, what)
        raise ResolveError(f"{what}: its build asks for more requirements each time: {', '.join(needed)[:300]}")

    def _keep(
        self,
        bench: Bench,
        folder: Path,
        out: Path,
        name: str,
        version: str,
        source: Source,
        locked: Sequence[LockedPackage],
        what: str,
    ) -> Built:
        with taken(out, bench.limits, what) as (file, filename):
            wheel = named(filename, what)
            check_named(file, wheel, name, version, what)
            if wheel.tags.isdisjoint(map(str, self._platform.tags())):
                raise ResolveError(
                    f"{what}: the build gave {wheel.filename}, which does not run on Python {self._platform.minor} on "
                    f"{self._platform.tag}",
                    hint="build the wheel on a machine of that kind, and name its folder with --find-links",
                )
            with storage_errors(folder):
                sha256, size = rewritten(file, folder / "wheel", what)
        with (folder / "wheel").open("rb") as written:
            self._store.ingest(iter(lambda: written.read(1 << 20), b""), expected=f"sha256:{sha256}")
        row = {
            "digest": f"sha256:{sha256}",
            "size": size,
            "filename": wheel.filename,
            "version": wheel.version,
            "requires": [[p.name, p.version, p.sha256] for p in locked],
        }
        self._store.put_key(_key(name, source, "" if wheel.pure else self._place(bench.base.digest)), row)
        self._store.put_key(f"{_WHEEL}{sha256}", {"digest": f"sha256:{sha256}", "built": _told(name, source)})
        return Built(
            name=name,
            version=wheel.version,
            filename=wheel.filename,
            sha256=sha256,
            size=size,
            source=source,
        )

    def _known(self, name: str, source: Source) -> Built | None:
        """The wheel of an earlier build that runs on the platform; None where the store has none."""
        places = ["", *([self._place(self._bench.base.digest)] if self._bench else [])]
        for place in places:
            found = recall(self._store, name, source, place)
            if found is not None:
                return found
        return None

    def _place(self, base: str) -> str:
        return f"{base} {self._platform.minor} {self._platform.machine}"

    def _requirements(
        self, bench: Bench, requires: Sequence[str], folder: Path, what: str
    ) -> tuple[LockedPackage, ...]:
        """Lay the wheels of what builds into `folder`: chosen from the person's indexes, and nothing of them is run."""
        from ..explain import error_of
        from ..fetching import fetch
        from ..pylock import select
        from ..requirements import Inputs
        from ..uv import compile_lock

        folder.mkdir(exist_ok=True)
        if not requires:
            return ()
        platform = bench.platform
        answer = compile_lock(
            sorted(set(requires)), (), platform, cache=self._cache, environ=self._environ, tick=self._tick
        )
        if not answer.solved:
            error = error_of(answer, Inputs(asks=()), platform)
            said = f"{what}: what it is built with ({', '.join(requires)[:300]}) cannot be had:\n{error.message}"
            raise type(error)(said, hint=error.hint)
        packages = select(answer.lock, platform)
        fetch(self._lock(packages), self._store, environ=self._environ)
        for package in packages:
            target = folder / package.filename
            if not target.exists():
                _lend(self._store.blob(f"sha256:{package.sha256}"), target)
        return packages

    def _at(self, name: str) -> Bench:
        """The bench, which is known to work before anything is fetched for it."""
        if self._bench is None:
            raise self._nowhere(name)
        self._bench.open()
        return self._bench

    def _nowhere(self, name: str) -> ResolveError:
        return ResolveError(
            f"{name} has to be built from source, and here nothing is built",
            hint=f"build it once with `envbuild lock MODEL -o FOLDER --allow-build {name}`: the cache keeps the wheel",
        )

    def _lock(self, packages: tuple[LockedPackage, ...]) -> Lock:
        return Lock(packages=packages, python=self._platform.python, platform=self._platform.tag, requirements=())

    def _tick(self) -> None:
        self._progress.advance("resolve", 0)

    @contextmanager
    def shelf(self) -> Iterator[Callable[[Built], Path]]:
        """A folder of wheels for uv, while the block lasts: called with a wheel, it is laid there under its name."""
        with self._store.temporary() as folder:

            def lay(built: Built) -> Path:
                place = folder / built.filename
                if not place.exists():
                    _lend(self._store.blob(f"sha256:{built.sha256}"), place)
                return place

            yield lay


def recall(store: Store, name: str, source: Source, place: str = "") -> Built | None:
    """The wheel of the package that was built from `source` before, for every Python or for `place` alone."""
    match store.get_key(_key(name, source, place)):
        case {"digest": str(digest), "size": int(size), "filename": str(filename), "version": str(version)}:
            if store.has(digest, size):
                return Built(
                    name=name,
                    version=version,
                    filename=filename,
                    sha256=digest.removeprefix("sha256:"),
                    size=size,
                    source=source,
                )
    return None


def built_here(store: Store, package: LockedPackage) -> bool:
    """Whether this machine built the very wheel of a package from what it says that it was built from."""
    known = store.get_key(f"{_WHEEL}{package.sha256}")
    said = _told(package.name, package.source) if package.source is not None else None
    return known is not None and known.get("built") == said and store.has(f"sha256:{package.sha256}")


def _told(name: str, source: Source) -> list[str]:
    """What a record tells of a source: no address is in it."""
    return [name, source.filename, source.sha256, source.commit, source.subdirectory]


def _key(name: str, source: Source, place: str) -> str:
    return "built:" + digest_of([FORMAT, name, source.identity, place])


def _asked(out: Path, what: str) -> list[str]:
    """What a backend asks for besides, as text that nobody has checked."""
    try:
        descriptor = os.open(out / "requires.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = json.loads(file.read(_ANSWER))
    except (OSError, ValueError, RecursionError) as error:
        raise ResolveError(f"{what}: its build asks for requirements that cannot be read: {error}") from None
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise ResolveError(f"{what}: its build asks for requirements that are no list of texts")
    return found


def _lend(blob: Path, target: Path) -> None:
    """The blob under another name; a copy where the disk has no links."""
    import shutil

    with storage_errors(target):
        try:
            os.link(blob, target)
        except OSError:
            shutil.copyfile(blob, target)


def _public(url: str) -> str:
    from ..indexes import without_credentials

    return without_credentials(url)
