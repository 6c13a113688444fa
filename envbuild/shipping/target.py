"""One repository that an image is pushed to: what it has, what it can take over from others, what has to be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import StorageError
from ..oci.patience import StoppedError
from ..oci.remote import RemoteImage
from ..oci.sending import Source
from ..oci.transport import Transport
from ..oci.uploads import Uploads
from ..progress import Progress
from ..threads import pool
from .gone import GoneLayerError

if TYPE_CHECKING:
    from ..oci.store import Store

How = Literal["there", "mounted", "sent"]
_AT_A_TIME = 4
# How many repositories of a registry are remembered to have a blob, and are asked for it.
_REMEMBERED = 4
# Seconds of waiting for another build after which it is looked whether this one still goes on.
_LOOK_UP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob to push: `path` is its file, None for one that only the registry has; `size` its bytes."""

    digest: str
    size: int
    path: Path | None


class Target:
    """One repository that an image goes to."""

    def __init__(
        self,
        repository: RemoteImage,
        transport: Transport,
        store: Store,
        sources: Mapping[str, Sequence[str]],
        progress: Progress,
    ) -> None:
        self.uploads = Uploads(repository, transport)
        self._domain = repository.domain
        self._stop = transport.stop
        self._store = store
        self._sources = sources
        self._progress = progress

    def bring_all(self, blobs: Sequence[Blob]) -> Iterator[tuple[How, int]]:
        """Make the repository have the blobs, several at a time; the first that fails stops the others."""
        with pool(_AT_A_TIME) as threads:
            tasks = [threads.submit(self._bring, blob) for blob in blobs]
            try:
                for task in as_completed(tasks):
                    # Those that were stopped failed because of another, which is to be told.
                    with suppress(StoppedError):
                        yield task.result()
            except BaseException:
                self._stop.set()
                threads.shutdown(wait=True, cancel_futures=True)
                raise

    def _bring(self, blob: Blob) -> tuple[How, int]:
        if self._stop.is_set():
            raise StoppedError("stopped")
        with self._alone(blob.digest):
            found = self._find(blob)
            if found is not None:
                self._progress.advance("push", blob.size)
                self._remember(blob.digest)
                return found, 0
            if blob.path is None:
                raise GoneLayerError(blob.digest)
            with Source(blob.path, blob.digest, blob.size) as source:
                sent = self.uploads.send(source, self._advance)
            self._remember(blob.digest)
            return "sent", sent

    def _find(self, blob: Blob) -> How | None:
        """Whether the blob need not be sent, and why."""
        if self.uploads.has(blob.digest):
            return "there"
        for other in dict.fromkeys((*self._sources.get(blob.digest, ()), *self._elsewhere(blob.digest))):
            if other != self.uploads.repository and self.uploads.mount(blob.digest, other):
                return "mounted"
        return None

    def _advance(self, size: int) -> None:
        self._progress.advance("push", size)

    @contextmanager
    def _alone(self, digest: str) -> Iterator[None]:
        """Keep another build of this machine from sending the same blob to the same place at the same time.

        StoppedError where this one ends meanwhile: what the other sends may take long.
        """
        from filelock import FileLock, Timeout

        name = hashlib.sha256(f"{self._domain}/{self.uploads.repository}@{digest}".encode()).hexdigest()
        try:
            self._store.create()
            lock = FileLock(self._store.root / "tmp" / f"push-{name}.lock")
            while not lock.is_locked:
                if self._stop.is_set():
                    raise StoppedError("stopped")
                with suppress(Timeout):
                    lock.acquire(timeout=_LOOK_UP)
        except (OSError, StorageError):  # a cache that cannot be written to: both send it, and nothing is wrong
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def _elsewhere(self, digest: str) -> list[str]:
        """Other repositories of the registry that had the blob when it was last seen."""
        found = (self._store.get_key(self._key(digest)) or {}).get("repositories")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def _remember(self, digest: str) -> None:
        before = self._elsewhere(digest)
        if before[:1] == [self.uploads.repository]:
            return
        latest = [self.uploads.repository, *(name for name in before if name != self.uploads.repository)]
        with suppress(StorageError):  # not remembering it costs bytes alone
            self._store.put_key(self._key(digest), {"repositories": latest[:_REMEMBERED]})

    def _key(self, digest: str) -> str:
        return f"pushed:{self._domain}:{digest}"
