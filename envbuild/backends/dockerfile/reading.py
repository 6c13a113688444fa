"""The bytes of a context's entries, checked against their hash while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ...errors import CorruptBlobError, EnvbuildError, ModelError
from ...oci.store import Store
from .types import Entry

_CHUNK = 1 << 20


def size_of(entry: Entry) -> int:
    """The bytes of an entry's content; a link has none."""
    return len(entry.text.encode()) if entry.text is not None else 0 if entry.target is not None else entry.size


def blob(store: Store, path: str, sha256: str) -> Entry:
    """A file of the store as one of the context. EnvbuildError where it is not there."""
    source = store.blob(f"sha256:{sha256}")
    try:
        size = source.stat().st_size
    except OSError:
        raise EnvbuildError(f"{path.rpartition('/')[2]} did not arrive in the cache") from None
    return Entry(path=path, source=source, sha256=sha256, size=size)


def chunks_of(entry: Entry) -> Iterator[bytes]:
    """The content of an entry that is no link, exactly `size_of` bytes or an error before the end.

    CorruptBlobError: a blob of the cache is damaged. ModelError: a file changed since it was planned, or is gone.
    """
    if entry.text is not None:
        yield entry.text.encode()
        return
    assert entry.source is not None
    hasher = hashlib.sha256()
    left = entry.size
    try:
        with entry.source.open("rb", buffering=0) as file:
            while left:
                chunk = file.read(min(left, _CHUNK))
                if not chunk:
                    raise _changed(entry)
                hasher.update(chunk)
                left -= len(chunk)
                if not left and (file.read(1) or hasher.hexdigest() != entry.sha256):
                    raise _changed(entry)
                yield chunk
            if not entry.size and (file.read(1) or hasher.hexdigest() != entry.sha256):
                raise _changed(entry)
    except FileNotFoundError:
        raise _changed(entry) from None
    except OSError as error:
        raise ModelError(f"{entry.source} cannot be read: {error.strerror}") from error


def _changed(entry: Entry) -> EnvbuildError:
    assert entry.source is not None
    if entry.source.name == entry.sha256:  # a blob is named by its hash
        return CorruptBlobError(f"sha256:{entry.sha256}")
    return ModelError(
        f"{entry.source} changed or went away while the context was written",
        hint="wait until whatever writes it is done, then run the command again",
    )
