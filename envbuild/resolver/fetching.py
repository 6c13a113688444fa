"""The wheels of a lock, by hash, into the store: in parallel, each once, and never one that is not as locked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..errors import CorruptBlobError, IntegrityError, ResolveError
from ..model.redact import redact
from ..oci.store import Store
from ..progress import SILENT, Progress, Summary
from .lockcache import remember_sizes
from .types import Lock, LockedPackage

_THREADS = 8
_TICK = 0.5  # seconds between two looks at a phase in which nothing arrives
# Where a lock file was named, --upgrade is refused.
_FILE_ANEW = "write the lock file anew with `envbuild lock MODEL -o FILE --upgrade`"
ANEW = "resolve anew with --upgrade, or a lock file with `envbuild lock MODEL -o FILE --upgrade`"


class Stopped(Exception):  # noqa: N818 - no error, and never seen outside
    """Another wheel failed, so this one is given up."""


Arrived = Callable[[LockedPackage], object]


def fetch(
    lock: Lock,
    store: Store,
    progress: Progress = SILENT,
    *,
    arrived: Arrived | None = None,
    environ: Mapping[str, str] | None = None,
    noun: str = "wheels",
) -> Lock:
    """Bring every wheel of `lock` into `store` and give the lock with their sizes. `noun` is what they are called.

    `environ` names the indexes with their credentials, by default the process's. `arrived` is called for each wheel
    that came, in the thread that brought it, while others still come. A wheel that is there is not asked for again, and
    one that broke off goes on where it stopped. The first failure ends all: NetworkError, IntegrityError (the hash
    differs), StorageError; ResolveError for one that was built from source and is not there. Wheels that were finished
    stay.
    """
    missing = [p for p in lock.packages if not store.has(_digest(p), p.size or None)]
    for package in missing:
        if package.source is not None:
            raise ResolveError(
                f"the wheel of {package.name} {package.version}, which was built from {package.source.title}, is not "
                "in the cache any more, and nobody else has it",
                hint=f"run it again: --allow-build {package.name} builds it anew",
            )
    at_hand = sum(_size(store, p) for p in lock.packages if p not in missing)
    total = sum(p.size for p in missing) if all(p.size for p in missing) else 0
    progress.start("fetch", f"{len(missing)} {noun}", total=total)
    if missing:
        _download(missing, lock, store, progress, arrived, environ)
    sized = tuple(replace(p, size=_size(store, p)) for p in lock.packages)
    done = replace(lock, packages=sized)
    if sized != lock.packages:
        remember_sizes(done)
    size = sum(p.size for p in sized)
    cached = len(sized) - len(missing)
    progress.done("fetch", Summary(count=len(sized), noun=noun, size=size, cached=cached, cached_size=at_hand))
    return done


def _download(
    missing: list[LockedPackage],
    lock: Lock,
    store: Store,
    progress: Progress,
    arrived: Arrived | None,
    environ: Mapping[str, str] | None,
) -> None:
    import threading
    from concurrent.futures import FIRST_EXCEPTION, Future, wait

    from ..threads import pool
    from .download import Downloader

    stop = threading.Event()
    store.create()
    with Downloader(stop, environ) as downloader, pool(min(_THREADS, len(missing))) as threads:

        def bring(package: LockedPackage) -> None:
            def chunks() -> Iterator[bytes]:
                received = 0
                for chunk in downloader.stream(package.url, what=f"{package.name} {package.version}"):
                    received += len(chunk)
                    if package.size and received > package.size:
                        raise IntegrityError(f"it has more than the {package.size} bytes that it should have")
                    progress.advance("fetch", len(chunk), what=package.name)
                    yield chunk
                if stop.is_set():
                    raise Stopped

            try:
                store.ingest(chunks(), expected=_digest(package))
            except IntegrityError as error:
                raise _replaced(package, lock, error.message) from error
            if arrived is not None:
                arrived(package)

        jobs: list[Future[None]] = [threads.submit(bring, package) for package in missing]
        try:
            waiting = set(jobs)
            while waiting:
                ended, waiting = wait(waiting, timeout=_TICK, return_when=FIRST_EXCEPTION)
                if any(job.exception() for job in ended):
                    break
                # A server that is silent brings nothing that would be told.
                progress.advance("fetch", 0)
        finally:
            stop.set()
            threads.shutdown(wait=True, cancel_futures=True)
    for job in jobs:
        error = None if job.cancelled() else job.exception()
        if error is not None and not isinstance(error, Stopped):
            raise error


def _replaced(package: LockedPackage, lock: Lock, said: str) -> IntegrityError:
    """The error of a file that is another than its hash says: who wrote the hash can write another one."""
    title = f"{package.filename} of {package.name} {package.version}"
    own = next((text for text in lock.requirements if _hashed(text, package)), "")
    if own:
        return IntegrityError(
            f"{title} is not the file that the requirement {redact(own)!r} names: {said}",
            hint="the hash is that requirement's own: correct it there if the file is the right one; if not, do not "
            "trust it",
        )
    named = lock.from_cache and not lock.entry
    return IntegrityError(
        f"{title} is not the file that was locked: {said}",
        hint=f"if its publisher did not replace it, do not trust it; if so, {_FILE_ANEW if named else ANEW}",
    )


def _hashed(text: str, package: LockedPackage) -> bool:
    """Whether a requirement names the file by an address of the web, with the hash that is expected."""
    found = re.match(r"([\w.-]+)[^@]*@\s*https?://\S+#(?:\S*&)?sha256=([0-9A-Fa-f]+)", text)
    same = found is not None and re.sub(r"[-_.]+", "-", found[1]).lower() == package.name
    return found is not None and same and found[2].lower() == package.sha256


def _digest(package: LockedPackage) -> str:
    return f"sha256:{package.sha256}"


def _size(store: Store, package: LockedPackage) -> int:
    """Bytes of a wheel that is there. CorruptBlobError where another process has just removed it."""
    try:
        return store.blob(_digest(package)).stat().st_size
    except FileNotFoundError:
        raise CorruptBlobError(_digest(package)) from None
