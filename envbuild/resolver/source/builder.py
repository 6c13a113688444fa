"""Wheels from source: those that were built before out of the cache, the others built in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import CorruptBlobError, IntegrityError, ResolveError, SourceBuildError
from ...oci.store import Store
from ...progress import SILENT, Progress
from ..target import Platform
from ..types import LockedPackage, Source
from .bench import Bench
from .keeping import Built, built_here, lend, recall
from .links import ALL, GitLink, check_allowed, locked_link
from .making import Maker, Task, place_of
from .sdists import Sdist, backend_of, find_sdist, pyproject_of

_LARGEST = 1 << 20  # bytes of a pyproject.toml


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
        self._broken: dict[str, SourceBuildError] = {}  # by the hash of the archive

    @property
    def builds(self) -> bool:
        """Whether anything can be built here; else only what was built before is taken."""
        return self._bench is not None

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

    def git(self, link: GitLink, held: Source | None = None) -> Built:
        """What a link stands for now, as a wheel; or stood for when it was `held`, if it is written as it was then."""
        from .git import Git

        same = held is not None and (held.url, held.ref, held.subdirectory) == (link.url, link.ref, link.subdirectory)
        if held is not None and same and held.commit:
            commit = held.commit
        elif link.pinned:
            commit = link.ref
        elif self._bench is None:
            raise self._nowhere(link.name)
        else:
            commit = Git(link, self._tick).commit()
        source = Source(
            url=link.url, commit=commit, subdirectory=link.subdirectory, ref="" if link.pinned else link.ref
        )
        return self._known(link.name, source) or self._of_commit(link, source)

    def bring(self, packages: Sequence[LockedPackage], where: str = "") -> None:
        """Have the wheels of those that were built from source in the store, building what it lacks.

        That the store has the bytes is not enough: a lock may say of any wheel that it was built from anything. Raises
        ResolveError for a package that may not be built, IntegrityError where the wheel comes out otherwise than it was
        locked. `where` names the lock.
        """
        for package in packages:
            if package.source is None or self._mine(package, package.source):
                continue
            if not self.allows(package.name):
                raise ResolveError(
                    f"{where or 'the lock'}: {package.name} {package.version} was built from {package.source.title}, "
                    "and this machine has not built that wheel from it",
                    hint=f"--allow-build {package.name} builds it again",
                )
            self._again(package, package.source, where)

    def _mine(self, package: LockedPackage, source: Source) -> bool:
        """Whether this machine built the very wheel from that source. Both records are read, which keeps them young."""
        known = self._known(package.name, source)
        here = built_here(self._store, package)
        return here or (known is not None and known.sha256 == package.sha256)

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
            # Whoever wrote the lock chose the address: it is held to what a link of the model is held to.
            link = locked_link(package.name, source.url, source.commit, source.subdirectory, where or package.name)
            check_allowed(link, self.allowed, link.text, link.where)
            built = self._known(link.name, source) or self._of_commit(link, source)
        if built.sha256 != package.sha256:
            raise IntegrityError(
                f"{where or 'the lock'}: {package.name} {package.version}, built from {source.title} again, is not the "
                f"wheel that was locked: {built.filename} {built.sha256[:12]}, and not {package.filename} "
                f"{package.sha256[:12]}",
                hint="its build gives other bytes each time, or with other build requirements: lock anew (--upgrade)",
            )

    def _of_sdist(self, sdist: Sdist, version: str) -> Built:
        source = Source(url=_public(sdist.url), filename=sdist.filename, sha256=sdist.sha256)
        known = self._known(sdist.name, source)
        if known is not None:
            return known
        if sdist.sha256 in self._broken:
            raise self._broken[sdist.sha256]
        maker = self._maker(sdist.name)
        what = f"{sdist.name} {version}, from {sdist.filename}"
        archive = LockedPackage(
            name=sdist.name, version=version, filename=sdist.filename, sha256=sdist.sha256, size=0, url=sdist.url
        )
        with self._store.temporary() as folder:
            place = folder / "given" / "source"
            place.mkdir(parents=True)
            maker.bring((archive,), place, "source archives")
            limit = maker.bench.limits.disk
            document = pyproject_of(place / sdist.filename, sdist.filename, "", what, limit=limit)
            task = Task(
                folder=folder,
                name=sdist.name,
                version=version,
                source=source,
                backend=backend_of(document, what),
                what=what,
                archive=sdist.filename,
            )
            try:
                return maker.make(task)
            except SourceBuildError as error:
                # It is asked for again where something else gave way, and fails as it did.
                self._broken[sdist.sha256] = error
                raise

    def _of_commit(self, link: GitLink, source: Source) -> Built:
        from .git import Git

        maker = self._maker(link.name)
        what = f"{link.name}, from {source.title}"
        with self._store.temporary() as folder:
            place = folder / "given" / "source"
            place.mkdir(parents=True)
            self._progress.note(f"fetching {what}")
            Git(link, self._tick, disk=maker.bench.limits.disk).checkout(source.commit, place)
            try:
                there = (place / link.subdirectory).is_dir()
                project = (place / link.subdirectory / "pyproject.toml").resolve()
                inside = project.is_file() and project.is_relative_to(place.resolve())
                document = _head(project) if inside else None
            except (OSError, RuntimeError):  # a link to itself, or a name that is too long
                there, document = False, None
            if not there:
                raise ResolveError(
                    f"{link.where}: {source.title} has no folder {link.subdirectory[:200] or '.'} that can be read",
                    hint="name another in #subdirectory=, or leave it out",
                )
            if document is not None and len(document) > _LARGEST:
                raise SourceBuildError(f"{what}: its pyproject.toml is larger than a MiB, which none is")
            backend = backend_of(document, what)
            return maker.make(
                Task(folder=folder, name=link.name, version="", source=source, backend=backend, what=what)
            )

    def _known(self, name: str, source: Source) -> Built | None:
        """The wheel of an earlier build that runs on the platform; None where the store has none."""
        places = ["", *([place_of(self._bench, self._platform)] if self._bench else [])]
        for place in places:
            found = recall(self._store, name, source, place)
            if found is not None:
                return found
        return None

    def _maker(self, name: str) -> Maker:
        """What makes wheels here; the sandbox is known to work before anything is fetched for it."""
        if self._bench is None:
            raise self._nowhere(name)
        self._bench.open()
        return Maker(
            bench=self._bench,
            store=self._store,
            platform=self._platform,
            cache=self._cache,
            environ=self._environ,
            progress=self._progress,
        )

    def _nowhere(self, name: str) -> ResolveError:
        return ResolveError(
            f"{name} has to be built from source, and here nothing is built",
            hint=f"build it once with `envbuild lock MODEL -o FOLDER --allow-build {name}`: the cache keeps the wheel",
        )

    def _tick(self) -> None:
        self._progress.advance("resolve", 0)

    @contextmanager
    def shelf(self) -> Iterator[Callable[[Built], Path]]:
        """A folder of wheels for uv, while the block lasts: called with a wheel, it is laid there under its name."""
        with self._store.temporary() as folder:

            def lay(built: Built) -> Path:
                place = folder / built.filename
                if not place.exists():
                    try:
                        lend(self._store, built.sha256, place)
                    except CorruptBlobError as error:
                        self._store.drop(error.digest)
                        self._again(built.package(), built.source, "the cache")
                        lend(self._store, built.sha256, place)
                return place

            yield lay


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


def _public(url: str) -> str:
    from ..indexes import without_credentials

    return without_credentials(url)
