"""One repository of a registry, by the protocol of the distribution specification 1.1. Reads only what was asked.

Whatever a registry answers is bounded in size and checked against its digest; a tag is the one thing that it is
believed for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import BaseImageError, IntegrityError, NetworkError
from .canonical import sha256_digest
from .headers import number
from .patience import StoppedError
from .reading import INDEXES, MANIFESTS
from .remote import RemoteImage
from .session import OK, Session
from .sources import JSON_LIMIT
from .transport import CHUNK, Transport, broken, cause_of

if TYPE_CHECKING:
    import requests

_NO_REFERRERS = frozenset({400, 403, 404, 405, 406, 415, 501})
_ACCEPT = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest or an index: its exact bytes, their digest, its type, and its content."""

    raw: bytes
    digest: str
    media_type: str
    content: dict[str, Any]


class Registry:
    """The repository that `image` lies in. Methods may be called from several threads.

    With `mirror` that of Docker Hub is asked in its place. Nothing is asked before the first method is called.

    Errors: UnreachableError where the registry does not answer, NetworkError where what answers is none, BaseImageError
    where it refuses or lacks something, IntegrityError.
    """

    def __init__(self, image: RemoteImage, transport: Transport, *, mirror: bool = True) -> None:
        self._session = Session(image, transport, mirror=mirror)
        self._stop = transport.stop

    @property
    def shown(self) -> str:
        """The registry's name for people."""
        return self._session.shown

    def has(self, reference: str) -> bool:
        """Whether there is a manifest or an index with this tag or digest."""
        what = f"{reference} of {self._session.repository}"
        patience = self._session.patience(what)
        asked = self._session.ask("HEAD", f"manifests/{reference}", what, _ACCEPT, patience, good=OK | {404})
        with asked as answer:
            return answer.status_code != 404

    def digest_of(self, tag: str) -> str:
        """The digest that `tag` has now, as the registry tells it without sending anything; empty if it does not."""
        what = f"{tag} of {self._session.repository}"
        with self._session.ask("HEAD", f"manifests/{tag}", what, _ACCEPT, self._session.patience(what)) as answer:
            digest = answer.headers.get("Docker-Content-Digest", "")
        return digest if digest.startswith("sha256:") and len(digest) == 71 else ""

    def manifest(self, reference: str) -> Document:
        """The manifest or index with this tag or digest. Its bytes have the digest that was asked for."""
        what = f"{reference} of {self._session.repository}"
        _, raw, headers = self._session.read(f"manifests/{reference}", what, _ACCEPT, JSON_LIMIT)
        announced = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if "html" in announced or raw[:64].lstrip()[:1] == b"<":
            raise NetworkError(
                f"{self.shown} answers with a web page where {what} was asked for",
                hint="is it a registry, and is there a proxy in between that wants a login?",
            )
        digest = sha256_digest(raw)
        for claimed in (reference, headers.get("Docker-Content-Digest", "")):
            if claimed.startswith("sha256:") and claimed != digest:
                raise IntegrityError(
                    f"{what} in {self.shown} has the hash {digest}, expected was {claimed}",
                    hint="the registry or a proxy altered it; nothing was kept",
                )
        try:
            content = json.loads(raw)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise NetworkError(
                f"{self.shown} answers with no JSON where {what} was asked for", hint="is it a registry?"
            )
        media_type = content.get("mediaType")
        return Document(
            raw=raw,
            digest=digest,
            media_type=media_type if isinstance(media_type, str) else announced,
            content=content,
        )

    def referrers(self, digest: str) -> list[dict[str, Any]]:
        """The descriptors of what names this manifest as its subject.

        A registry that keeps no such list, or answers with a page, is asked for the tag that stands in for it.
        """
        what = f"what refers to {digest[:19]} of {self._session.repository}"
        # What a registry does not know of, it refuses in its own way.
        _, raw, _ = self._session.read(f"referrers/{digest}", what, _ACCEPT, JSON_LIMIT, good=_NO_REFERRERS)
        try:
            listed = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            listed = None
        if not isinstance(listed, dict):
            tag = digest.replace(":", "-")
            listed = self.manifest(tag).content if self.has(tag) else {}
        entries = listed.get("manifests")
        return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []

    def small_blob(self, digest: str, size: int) -> bytes:
        """A blob that fits into memory, checked."""
        if size > JSON_LIMIT:
            what = f"{digest} of {self._session.repository}"
            raise BaseImageError(f"{what} is {size} bytes of JSON; {JSON_LIMIT} are the most")
        data = b"".join(self.blob(digest, size))
        if sha256_digest(data) != digest:
            raise IntegrityError(f"the blob {digest} from {self.shown} has another hash", hint="nothing was kept")
        return data

    def blob(self, digest: str, size: int) -> Iterator[bytes]:
        """The `size` bytes of a blob in pieces, resumed where the connection breaks. The caller checks the hash."""
        what = f"the blob {digest[:19]} of {self._session.repository}"
        patience = self._session.patience(what)
        received = 0
        while received < size or not size:
            headers = {"Range": f"bytes={received}-"} if received else {}
            with self._session.ask("GET", f"blobs/{digest}", what, headers, patience) as answer:
                skip = 0 if answer.headers.get("Content-Range", "").startswith(f"bytes {received}-") else received
                _check_announced(answer, size, what)
                reason = "the connection ended too early"
                try:
                    for chunk in answer.iter_content(CHUNK):
                        if self._stop.is_set():
                            raise StoppedError("stopped")
                        fresh = chunk[skip:]
                        skip = max(0, skip - len(chunk))
                        received += len(fresh)
                        if received > size:
                            raise IntegrityError(f"{what} from {self.shown} is longer than its {size} bytes")
                        if fresh:
                            patience.progressed()
                            yield fresh
                except broken() as error:
                    reason = cause_of(error)
            if received == size:
                return
            patience.failed(f"{reason}, after {received} of {size} bytes")


def _check_announced(answer: requests.Response, size: int, what: str) -> None:
    """A whole answer must announce the size that the manifest has."""
    length = number(answer.headers.get("Content-Length", ""))
    plain = answer.headers.get("Content-Encoding", "identity") == "identity"
    if answer.status_code == 200 and plain and length is not None and length != size:
        raise IntegrityError(
            f"{what} has {length} bytes, expected were {size}",
            hint="the registry or a proxy altered it; nothing was kept",
        )
