"""One repository of a registry that is written to, by the protocol of the distribution specification 1.1.

A blob is sent in one request, or in pieces, and goes on where a broken connection left it. Registries differ in more
than the specification lets them; what they are known for is taken in stride, and said where it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import EnvbuildError, IntegrityError, NetworkError, RegistryError
from .canonical import sha256_digest
from .endpoint import may_send_on
from .headers import joined, number
from .patience import BrokenError, StoppedError
from .remote import RemoteImage
from .sending import Part, Source
from .session import Session
from .sources import JSON_LIMIT
from .transport import Transport
from .types import INDEX

if TYPE_CHECKING:
    import requests

PIECE = 64 << 20
"""Bytes of one request: some registries lie behind servers that take no more than 100 MB."""
_LEAST_PIECE = 256 << 10  # where less is taken at once, no image gets through
_MOST_PIECE = 1 << 30
_STARTED = frozenset({202})
_MOUNTED = frozenset({201, 202})
_TAKEN = frozenset({200, 201, 202, 204})  # 202 it is; some answer 201
_STORED = frozenset({200, 201, 202, 204})
_LOST = frozenset({404, 416})
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the rest of an upload goes, and the bytes that a piece must have at least."""

    url: str
    least: int = 0


class _TooMuchError(Exception):
    """A request was too large (413). `size` is the bytes of its body."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Uploads:
    """The repository of `image`. Methods may be called from several threads.

    Errors: RegistryError where the registry refuses, UnreachableError where it does not answer, NetworkError where what
    answers is no registry, IntegrityError, CorruptBlobError for a blob of this machine.
    """

    def __init__(self, image: RemoteImage, transport: Transport, *, piece: int = PIECE) -> None:
        self._session = Session(image, transport, actions="pull,push", mirror=False, refusal=RegistryError)
        self._stop = transport.stop
        self._piece = piece
        self.repository = self._session.repository
        self.shown = self._session.shown

    def check(self) -> None:
        """Begin an upload and give it up: whether this repository may be written to."""
        self._give_up(self._start(f"an upload to {self.repository}"))

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        what = f"the blob {digest[:19]} of {self.repository}"
        asked = self._session.ask(
            "HEAD", f"blobs/{digest}", what, {}, self._session.patience(what), good=frozenset({200, 404})
        )
        with asked as answer:
            return answer.status_code == 200

    def mount(self, digest: str, source: str) -> bool:
        """Take the blob over from another repository of this registry; False where that is not to be had.

        Whoever may not read there, or cannot mount, sends the blob; a registry that is gone is told of then.
        """
        what = f"the blob {digest[:19]} of {source}"
        try:
            url = self._session.url(f"blobs/uploads/?mount={digest}&from={source}")
            with self._session.attempt("POST", url, what, {}, good=_MOUNTED, body=b"") as answer:
                if answer.status_code == 201:
                    return True
                place = self._place(answer, url)
        except StoppedError:
            raise
        except BrokenError:
            # The answer may have been lost, and not the blob.
            return self.has(digest)
        except EnvbuildError:
            return False
        self._give_up(place)
        return False

    def send(self, source: Source, advance: Callable[[int], None]) -> int:
        """Send the blob, and give the bytes that went out. `advance` is told of them, and of what was lost as less."""
        what = f"the blob {source.digest[:19]} to {self.repository}"
        patience = self._session.patience(what)
        place: _Place | None = None
        offset = told = sent = 0

        def count(size: int) -> None:
            nonlocal told, sent
            if self._stop.is_set():
                raise StoppedError("stopped")
            told += size
            sent += max(size, 0)
            advance(size)

        while True:
            ending = False
            try:
                if place is None:
                    place = self._start(what)
                size = max(self._piece, place.least)
                whole = not offset and source.size <= size
                while not whole and offset < source.size:
                    part = Part(source, offset, min(size, source.size - offset), count)
                    place, offset = self._put_piece(place, what, part, offset)
                    patience.progressed()
                ending = True
                self._finish(place, what, source, Part(source, 0, source.size, count) if whole else None)
                return sent
            except _TooMuchError as error:
                self._shrink(error.size, 0 if place is None else place.least, what)
                advance(offset - told)
                told = offset
            except BrokenError as error:
                patience.failed(error.message, wait=error.wait, hint=error.hint)
                # The answer may have been lost, and not the blob.
                if ending and self.has(source.digest):
                    return sent
                place, offset = self._resumed(place, what)
                advance(offset - told)
                told = offset

    def put_manifest(self, reference: str, raw: bytes, media_type: str) -> bool:
        """Store a manifest or an index under a tag or its digest; what it names must be there.

        Whether the registry lists it among the referrers of its subject.
        """
        what = f"{reference} of {self.repository}"
        headers = {"Content-Type": media_type}
        asked = self._session.ask(
            "PUT", f"manifests/{reference}", what, headers, self._session.patience(what), good=_STORED, body=raw
        )
        with asked as answer:
            claimed = answer.headers.get("Docker-Content-Digest", "")
            listed = bool(answer.headers.get("OCI-Subject"))
        if claimed.startswith("sha256:") and claimed != sha256_digest(raw):
            raise IntegrityError(
                f"{self.shown} stored {what} with the hash {claimed}, sent was {sha256_digest(raw)}",
                hint="the registry or a proxy altered it: look at what the tag names before it is used",
            )
        return listed

    def listed(self, tag: str) -> list[dict[str, Any]]:
        """The descriptors of the index under `tag`; none where there is no such tag. NetworkError for what is no index.

        Whoever adds to the list stores all of it anew: what cannot be read must not pass for an empty one.
        """
        what = f"{tag} of {self.repository}"
        accept = {"Accept": INDEX}
        status, raw, _ = self._session.read(f"manifests/{tag}", what, accept, JSON_LIMIT, good=frozenset({404}))
        if status == 404:
            return []
        try:
            entries = json.loads(raw)["manifests"]
        except (ValueError, KeyError, TypeError, RecursionError):
            entries = None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise NetworkError(
                f"{self.shown} answers with no index where {what} was asked for",
                hint="is there a proxy in between, or is the tag used for something else?",
            )
        return entries

    def _start(self, what: str) -> _Place:
        patience = self._session.patience(what)
        with self._session.ask("POST", "blobs/uploads/", what, {}, patience, good=_STARTED, body=b"") as answer:
            return self._place(answer, self._session.url("blobs/uploads/"))

    def _put_piece(self, place: _Place, what: str, part: Part, offset: int) -> tuple[_Place, int]:
        """Send one piece; where the next goes, and how much has arrived."""
        end = offset + len(part)
        headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{offset}-{end - 1}"}
        good = _TAKEN | _LOST | {413}
        with self._session.attempt("PATCH", place.url, what, headers, good=good, body=part) as answer:
            if answer.status_code == 413:
                raise _TooMuchError(len(part))
            if answer.status_code in _LOST:
                raise BrokenError(f"it lost the upload ({answer.status_code})")
            following = self._place(answer, place.url, least=place.least)
            said = _RANGE.fullmatch(answer.headers.get("Range", ""))
        arrived = int(said[1]) + 1 if said else end
        if not offset < arrived <= end:
            raise NetworkError(f"{self.shown} says that it has {arrived} bytes of {what}", hint="is it a registry?")
        return following, arrived

    def _finish(self, place: _Place, what: str, source: Source, part: Part | None) -> None:
        """End the upload: the registry compares the hash, and so did this machine."""
        url = f"{place.url}{'&' if urlsplit(place.url).query else '?'}digest={source.digest}"
        headers = {"Content-Type": "application/octet-stream"}
        good = _STORED | _LOST | {400} | ({413} if part is not None else set())
        with self._session.attempt("PUT", url, what, headers, good=good, body=b"" if part is None else part) as answer:
            status, claimed = answer.status_code, answer.headers.get("Docker-Content-Digest", "")
        if status == 413:
            raise _TooMuchError(source.size)
        if status in _LOST:
            raise BrokenError(f"it lost the upload ({status})")
        if status == 400:
            source.check()
            raise BrokenError("it refuses what arrived as damaged (400)")
        if claimed.startswith("sha256:") and claimed != source.digest:
            raise IntegrityError(
                f"{self.shown} stored {what} with the hash {claimed}", hint="is it a registry, and is it well?"
            )

    def _shrink(self, size: int, least: int, what: str) -> None:
        """Send smaller pieces from now on: `size` bytes were too much. RegistryError where the registry takes none."""
        if size <= max(least, _LEAST_PIECE):
            wants = f", and it wants {least} at least" if least > _LEAST_PIECE else ""
            raise RegistryError(
                f"{self.shown}, or a proxy before it, takes no {size} bytes at once (413){wants}, for {what}",
                hint="raise what the proxy takes as the body of a request (in nginx: client_max_body_size 0)",
            )
        self._piece = min(self._piece, max(size // 2, least, _LEAST_PIECE))

    def _resumed(self, place: _Place | None, what: str) -> tuple[_Place | None, int]:
        """Where the upload goes on, and how much of it arrived; None where it has to begin anew."""
        if place is None:
            return None, 0
        asked = self._session.attempt("GET", place.url, what, {}, good=_TAKEN)
        with suppress(BrokenError, RegistryError, NetworkError), asked as answer:
            said = _RANGE.fullmatch(answer.headers.get("Range", ""))
            # `0-0` is nothing, or one byte: such an upload is begun anew.
            if said and int(said[1]) > 0:
                return self._place(answer, place.url, least=place.least), int(said[1]) + 1
        self._give_up(place)
        return None, 0

    def _give_up(self, place: _Place) -> None:
        """Tell the registry that an upload is not wanted any more. It would find out by itself, days later."""
        asked = self._session.attempt("DELETE", place.url, "an upload", {}, good=_TAKEN | _LOST)
        with suppress(BrokenError, RegistryError, NetworkError), asked:
            pass

    def _place(self, answer: requests.Response, asked: str, *, least: int = 0) -> _Place:
        """Where an answer says that the upload goes on: an address, or a path of the one that was asked."""
        location = answer.headers.get("Location", "")
        if not location:
            if answer.request.method == "POST":
                raise NetworkError(f"{self.shown} does not say where an upload goes", hint="is it a registry?")
            return _Place(url=asked, least=least)
        said = number(answer.headers.get("OCI-Chunk-Min-Length", ""))
        wanted = least if said is None else min(said, _MOST_PIECE)
        return _Place(url=self._trusted(joined(asked, location, self.shown)), least=wanted)

    def _trusted(self, url: str) -> str:
        """The address, if a registry may send an upload there."""
        parts, own = urlsplit(url), urlsplit(self._session.url(""))
        if parts.netloc == own.netloc:
            # Behind a server that ends TLS a registry takes itself for one without.
            return url if parts.scheme == own.scheme else url.replace(parts.scheme, own.scheme, 1)
        if not may_send_on(own.geturl(), url):
            raise NetworkError(
                f"{self.shown} sends uploads to {parts.scheme}://{parts.netloc.rpartition('@')[2]}, which is not safe",
                hint="is it the registry that was meant?",
            )
        return url
