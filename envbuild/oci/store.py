"""The content store: an OCI layout directory of blobs named by hash, with small key files beside it.

    oci-layout  index.json  blobs/sha256/<hex>  keys/<sha256 of the key>.json  sound/<hex>  tmp/

Every write goes to `tmp/` and is renamed into place, so a run that is killed leaves a store that works, and
two runs at once do not disturb each other: the last rename wins, with equal bytes. Nothing is synced to the
disk: after a power cut a blob may be damaged, which every reading notices.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import CorruptBlobError, IntegrityError, StorageError
from ..patterns import pattern
from . import soundness
from .canonical import canonical_json, sha256_digest
from .disk import remove_tree, storage_errors
from .hashing import Hasher
from .types import INDEX

_DIGEST = pattern(r"sha256:[0-9a-f]{64}")
_CHUNK = 1 << 20
# A use within this many seconds of the last one does not touch the file again.
_FRESH = 3600.0


class BlobWriter:
    """A blob in the making. Used as a context manager: a clean exit names it, an exception leaves nothing.

    `digest` and `size` are known after the exit.
    """

    def __init__(self, store: Store, expected: str = "") -> None:
        self._store = store
        self._expected = expected
        self._path = store.root / "tmp" / f"blob-{os.urandom(8).hex()}"
        self._hash = Hasher()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self.size = 0
        self.digest = ""

    def __enter__(self) -> BlobWriter:
        self._store.create()
        with storage_errors(self._path):
            self._file = self._path.open("xb", buffering=0)
        return self

    def write(self, data: bytes) -> int:
        """Append `data`; small pieces are gathered before they are hashed and written."""
        self._pending.append(data)
        self._pending_size += len(data)
        self.size += len(data)
        if self._pending_size >= _CHUNK:
            self._flush()
        return len(data)

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.size

    def _flush(self) -> None:
        data = memoryview(self._pending[0] if len(self._pending) == 1 else b"".join(self._pending))
        self._pending.clear()
        self._pending_size = 0
        self._hash.update(data)
        with storage_errors(self._path):
            while data:  # an unbuffered write may take less than it was given
                data = data[self._file.write(data) :]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                if self._pending:
                    self._flush()
                digest = "sha256:" + self._hash.hexdigest()
                if self._expected and digest != self._expected:
                    raise IntegrityError(
                        f"the content has the hash {digest}, expected was {self._expected}",
                        hint="the source changed or was tampered with; nothing was kept",
                    )
                with storage_errors(self._path):
                    written = os.fstat(self._file.fileno())
                    self._file.close()
                    self._path.replace(self._store.blob(digest))
                self.digest = digest
                self._store.written.add(digest)
                soundness.remember(self._store, written, digest)
        finally:
            self._hash.close()
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


class Store:
    """The blobs and keys under `root`, which is made when something is first written.

    Reading works on a read-only disk. What cannot be written raises StorageError. `written` has the digests of the
    blobs that were written through this object.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written: set[str] = set()
        self._created = False

    def create(self) -> None:
        """Make the folders and the two files that make the root an OCI layout, unless they are there."""
        if self._created:
            return
        with storage_errors(self.root):
            for folder in ("blobs/sha256", "keys", "tmp"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", index)):
            if not (self.root / name).exists():
                self.write_file(self.root / name, canonical_json(value))
        self._created = True

    def blob(self, digest: str) -> Path:
        """The path of a blob, whether or not it exists. IntegrityError: `digest` is no sha256 digest."""
        if not _DIGEST.fullmatch(digest):
            raise IntegrityError(f"{digest!r} is not a sha256 digest", hint="only sha256 is supported")
        return self.root / "blobs" / "sha256" / digest[7:]

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether the blob is there, with `size` bytes if given. Its content is checked when it is read."""
        path = self.blob(digest)
        try:
            found = path.stat()
        except OSError:
            return False
        if size is not None and found.st_size != size:
            return False
        self._used(path, found)
        return True

    def put(self, data: bytes) -> str:
        """Store small `data` and return its digest."""
        digest = sha256_digest(data)
        path = self.blob(digest)
        with suppress(OSError):
            if path.read_bytes() == data:
                self._used(path, path.stat())
                return digest
        with self.writer() as out:
            out.write(data)
        return digest

    def ingest(self, chunks: Iterable[bytes], *, expected: str = "") -> tuple[str, int]:
        """Store a stream; return digest and size in bytes. IntegrityError: the digest is not `expected`."""
        with BlobWriter(self, expected) as out:
            for chunk in chunks:
                out.write(chunk)
        return out.digest, out.size

    def writer(self) -> BlobWriter:
        """A context manager to write one blob to."""
        return BlobWriter(self)

    def read(self, digest: str) -> bytes:
        """A small blob, verified. CorruptBlobError: it is damaged or missing."""
        path = self.blob(digest)
        try:
            data = path.read_bytes()
            self._used(path, path.stat())
        except FileNotFoundError:
            raise CorruptBlobError(digest) from None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}") from error
        if sha256_digest(data) != digest:
            raise CorruptBlobError(digest)
        return data

    def stream(self, digest: str, *, chunk: int = _CHUNK) -> Iterator[bytes]:
        """A blob in pieces of at most `chunk` bytes; the last piece is given out only once the hash is right.

        CorruptBlobError: it is damaged or missing, so whoever wrote the pieces out must throw them away.
        """
        path = self.blob(digest)
        hasher = hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as file:
                self._used(path, os.fstat(file.fileno()))
                held = file.read(chunk)
                while held:
                    hasher.update(held)
                    ahead = file.read(chunk)
                    if not ahead:
                        break
                    yield held
                    held = ahead
        except FileNotFoundError:
            raise CorruptBlobError(digest) from None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}") from error
        if "sha256:" + hasher.hexdigest() != digest:
            raise CorruptBlobError(digest)
        if held:
            yield held

    def drop(self, digest: str) -> None:
        """Remove the blob and the keys whose value names it. It is no error if there is none."""
        path = self.blob(digest)
        needle = digest.encode()
        with storage_errors(path):
            for key in self.key_files():
                with suppress(FileNotFoundError):
                    if needle in key.read_bytes():
                        key.unlink()
            path.unlink(missing_ok=True)
            (soundness.folder(self) / path.name).unlink(missing_ok=True)

    def get_key(self, key: str) -> dict[str, Any] | None:
        """The value of `key`, or None if there is none or it cannot be read."""
        path = self._key_path(key)
        try:
            entry = json.loads(path.read_bytes())
            _touch(path, path.stat())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(entry, dict) or entry.get("key") != key:
            return None
        value = entry.get("value")
        return value if isinstance(value, dict) else None

    def put_key(self, key: str, value: Mapping[str, Any]) -> None:
        """Remember the JSON object `value` under `key`, which may be any text."""
        self.create()
        self.write_file(self._key_path(key), canonical_json({"key": key, "value": dict(value)}))

    def key_files(self) -> list[Path]:
        """All key files, sorted."""
        return sorted((self.root / "keys").glob("*.json"))

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A fresh folder on the store's own disk, removed on exit. Nobody else gets in: foreign code writes there."""
        self.create()
        path = self.root / "tmp" / f"dir-{os.urandom(8).hex()}"
        with storage_errors(path):
            path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            remove_tree(path)

    def _used(self, path: Path, found: os.stat_result) -> None:
        """Note a use of a blob; what is known of it stays known."""
        digest = "sha256:" + path.name
        if found.st_nlink > 1:
            # A layout that was delivered has the file too: its times are not the store's to set.
            soundness.note_use(self, digest, older_than=_FRESH)
            return
        if _touch(path, found, lambda: soundness.known(self, found, digest)):
            with suppress(OSError):
                soundness.remember(self, path.stat(), digest)

    def _key_path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.root / "keys" / f"{name}.json"

    def write_file(self, path: Path, data: bytes) -> None:
        """Put a small file of the store in its place, whole or not at all."""
        temporary = self.root / "tmp" / f"file-{os.urandom(8).hex()}"
        try:
            with storage_errors(path):
                temporary.write_bytes(data)
                temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _touch(path: Path, found: os.stat_result, asked: Callable[[], bool] = lambda: False) -> bool:
    """Note a use, for prune; what `asked` said right before. It is not important enough to fail for."""
    if time.time() - found.st_mtime > _FRESH:
        with suppress(OSError):
            said = asked()
            os.utime(path)
            return said
    return False
