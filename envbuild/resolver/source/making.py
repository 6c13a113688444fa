"""One wheel made from a source that lies ready: what it is built with, the runs in the sandbox, and what they left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import CorruptBlobError, EnvbuildError, ResolveError, SourceBuildError
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...progress import Progress
from ...records import dataclass
from ..target import Platform
from ..types import Lock, LockedPackage, Source
from . import worker
from .bench import Bench
from .keeping import Built, keep, lend
from .sdists import Backend, plain
from .telling import failed
from .wheels import check_named, named, rewritten, taken

_ROUNDS = 3
_ANSWER = 1 << 20
_GRACE = 60  # seconds after which a build ends itself that nobody has ended in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A source to build: the package `name`, of `version` if that is known, and what a person is told that it is.

    `folder` has the source in `given/source`, there under the name `archive` if it is one.
    """

    folder: Path
    name: str
    version: str
    source: Source
    backend: Backend
    what: str
    archive: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes wheels for `platform` on `bench`. `cache` is uv's own folder, `environ` has its variables."""

    bench: Bench
    store: Store
    platform: Platform
    cache: Path
    environ: Mapping[str, str]
    progress: Progress

    @property
    def place(self) -> str:
        """What a wheel that does not run everywhere is kept for."""
        return place_of(self.bench, self.platform)

    def make(self, task: Task) -> Built:
        """Build it, and keep the wheel.

        Raises ResolveError where it cannot be built, with the last of what the build said, IntegrityError for a wheel
        of another package.
        """
        self.progress.note(f"building {task.what}, in a sandbox of {self.bench.title}: --allow-build")
        given = task.folder / "given"
        (given / "worker.py").write_bytes(Path(worker.__file__).read_bytes())
        needed = task.backend.requires
        said: tuple[str, ...] = ()  # as the backend writes what it asks for, which may be otherwise than we do
        for number in range(_ROUNDS):
            locked = self._requirements(needed, given / "wheels", task.what)
            asked = {
                "archive": task.archive,
                "backend": task.backend.backend,
                "backend_path": task.backend.path,
                "known": [*needed, *said],
                "largest": self.bench.limits.disk,
                "seconds": int(self.bench.limits.seconds) + _GRACE,
                "subdirectory": task.source.subdirectory,
                "version": task.source.tagged,
            }
            (given / "task.json").write_text(json.dumps(asked), encoding="utf-8")
            out = task.folder / f"run{number}" / "out"
            out.mkdir(parents=True)
            ended = self.bench.run(given, out, self._tick)
            if ended.code == worker.ASKS and not ended.why:
                asks = _asked(out, task.what)
                said = (*said, *asks)
                needed = (*needed, *plain(asks, task.what))
                continue
            if ended.why or ended.code:
                source = task.source
                elsewhere = f"{task.name}=={task.version}" if task.version else f"git+{source.url}@{source.commit}"
                raise failed(task.what, elsewhere, ended, self.bench.base.name)
            return self._kept(task, out, locked)
        raise SourceBuildError(
            f"{task.what}: its build asks for more requirements each time: {', '.join(needed)[:300]}"
        )

    def bring(self, packages: tuple[LockedPackage, ...], folder: Path, noun: str) -> None:
        """Fetch files by their hashes into `folder`; one that is damaged in the store is fetched again, once."""
        from ..fetching import fetch

        lock = Lock(packages=packages, python=self.platform.python, platform=self.platform.tag, requirements=())
        dropped: set[str] = set()
        while True:
            fetch(lock, self.store, environ=self.environ, noun=noun)
            try:
                for package in packages:
                    lend(self.store, package.sha256, folder / package.filename)
            except CorruptBlobError as error:
                if error.digest in dropped:
                    raise
                dropped.add(error.digest)
                self.store.drop(error.digest)
            else:
                return

    def _requirements(self, requires: Sequence[str], folder: Path, what: str) -> tuple[LockedPackage, ...]:
        """Lay the wheels of what builds into `folder`: chosen from the person's indexes, and nothing of them is run."""
        from ..explain import error_of, without_wheels
        from ..pylock import select
        from ..requirements import Inputs
        from ..uv import compile_lock

        if folder.exists():
            shutil.rmtree(folder)  # of the round before, which may have had other versions
        folder.mkdir()
        if not requires:
            return ()
        platform = self.bench.platform
        answer = compile_lock(
            sorted(set(requires)), (), platform, cache=self.cache, environ=self.environ, tick=self._tick
        )
        if not answer.solved:
            error = error_of(answer, Inputs(asks=()), platform)
            said = f"{what}: what it is built with ({', '.join(requires)[:300]}) cannot be had:\n{error.message}"
            kind = SourceBuildError if isinstance(error, ResolveError) else type(error)
            raise kind(said, hint=_hint(without_wheels(answer), error))
        packages = select(answer.lock, platform)
        self.bring(packages, folder, "wheels")
        return packages

    def _kept(self, task: Task, out: Path, locked: Sequence[LockedPackage]) -> Built:
        target = task.folder / "wheel"
        with taken(out, self.bench.limits, task.what) as (file, filename):
            wheel = named(filename, task.what)
            check_named(file, wheel, task.name, task.version, task.what)
            if wheel.tags.isdisjoint(map(str, self.platform.tags())):
                raise SourceBuildError(
                    f"{task.what}: the build gave {wheel.filename}, which does not run on Python {self.platform.minor} "
                    f"on {self.platform.tag}",
                    hint="build the wheel on a machine of that kind, and name its folder with --find-links",
                )
            with storage_errors(target):
                sha256, size = rewritten(file, target, self.bench.limits.wheel, task.what)
        with target.open("rb") as written:
            self.store.ingest(iter(_reader(written.read), b""), expected=f"sha256:{sha256}")
        built = Built(
            name=task.name,
            version=wheel.version,
            filename=wheel.filename,
            sha256=sha256,
            size=size,
            source=task.source,
        )
        keep(self.store, built, "" if wheel.pure else self.place, locked)
        return built

    def _tick(self) -> None:
        self.progress.advance("resolve", 0)


def place_of(bench: Bench, platform: Platform) -> str:
    """The base and the Python that a wheel runs on, as part of a key."""
    return f"{bench.base.digest} {platform.minor} {platform.machine}"


def _hint(source: Sequence[str], error: EnvbuildError) -> str:
    """What to do about requirements of a build, of which those named by `source` have no wheel."""
    if not source or not isinstance(error, ResolveError):
        return error.hint
    return (
        f"what builds is taken from wheels alone, and {' and '.join(source)} has none: build one "
        f"(`pip wheel --no-deps {source[0]}`) and name its folder with --find-links"
    )


def _reader(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(1 << 20)


def _asked(out: Path, what: str) -> list[str]:
    """What a backend asks for besides, as text that nobody has checked."""
    try:
        descriptor = os.open(out / "requires.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = json.loads(file.read(_ANSWER))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceBuildError(f"{what}: its build asks for requirements that cannot be read: {error}") from None
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise SourceBuildError(f"{what}: its build asks for requirements that are no list of texts")
    return found
