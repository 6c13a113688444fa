"""A registry in memory that is pushed to, keeps to the specification, and misbehaves as it is told.

What it stores is checked as a real one checks it, so that a test can ask afterwards whether all is well: `problems`.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Fault = Callable[["Writer"], bool]
"""Answers in place of the registry and gives True, or leaves the answer to it and gives False."""
_PIECE = 1 << 16


@dataclass
class WritableRegistry:
    """What it holds and how it behaves. `faults` are tried in order before each request is looked at.

    `after` are tried once a request was carried out, in place of its answer. `token` is what has to be sent, if not
    empty; `least` the bytes that a piece has at least; `patched` the status of a piece that was taken; `mounts` the
    status for a mount, 201 being one that is made; `relative` has Locations without a host; `other` another HOST:PORT
    that uploads go to.
    """

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorizations: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    after: list[Fault] = field(default_factory=list)
    stored_twice: list[str] = field(default_factory=list)
    received: int = 0
    token: str = ""
    realm: str = ""
    least: int = 0
    patched: int = 202
    mounts: int = 201
    relative: bool = False
    other: str = ""
    lies: str = ""
    address: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def problems(self) -> list[str]:
        """What is wrong with what is stored: a blob with another hash, a manifest that names what is not there."""
        found = [f"{d} is another" for (_, d), data in self.blobs.items() if _digest(data) != d]
        for (repository, name), raw in self.manifests.items():
            if name.startswith("sha256:"):
                continue  # what no tag stands for any more
            lacking = [digest for digest in _blobs_of(raw) if (repository, digest) not in self.blobs]
            found += [f"{repository}:{name} lacks {digest}" for digest in lacking]
        return [*found, *(f"{digest} was stored twice" for digest in self.stored_twice)]

    def count(self, method: str, part: str = "") -> int:
        return sum(1 for line in self.asked if line.startswith(method + " ") and part in line)


class Writer(BaseHTTPRequestHandler):
    """One connection."""

    registry: WritableRegistry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body would wait for the other side to acknowledge the headers

    def handle_one_request(self) -> None:
        # A plain server that is asked for TLS would wait for the end of the line.
        if self.rfile.peek(1)[:1] == b"\x16":  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self.left = 0
        super().handle_one_request()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._carry_out()

    def do_HEAD(self) -> None:
        self._carry_out()

    def do_POST(self) -> None:
        self._carry_out()

    def do_PATCH(self) -> None:
        self._carry_out()

    def do_PUT(self) -> None:
        self._carry_out()

    def do_DELETE(self) -> None:
        self._carry_out()

    def _carry_out(self) -> None:
        registry = self.registry
        self.left = int(self.headers.get("Content-Length") or 0)
        with registry.lock:
            registry.asked.append(f"{self.command} {self.path}")
            registry.authorizations.append((self.path, self.headers.get("Authorization", "")))
        try:
            for fault in list(registry.faults):
                if fault(self):
                    return
            url = urlsplit(self.path)
            if url.path == "/token":
                self.answer(200, json.dumps({"token": registry.token}).encode())
            elif registry.token and self.headers.get("Authorization") != f"Bearer {registry.token}":
                realm = registry.realm or f"http://{registry.address}/token"
                self.answer(
                    401, b"{}", **{"WWW-Authenticate": f'Bearer realm="{realm}",service="test, a registry",scope="x"'}
                )
            elif url.path == "/v2/":
                self.answer(200, b"{}")
            else:
                self._route(url.path, {key: values[0] for key, values in parse_qs(url.query).items()})
        except ConnectionError:
            self.close_connection = True

    def _route(self, path: str, query: dict[str, str]) -> None:
        matched = re.fullmatch(r"/v2/(.+?)/(blobs/uploads|blobs|manifests)/(.*)", path)
        if matched is None:
            self.answer(404, b"{}")
            return
        repository, kind, name = matched.groups()
        if kind == "manifests":
            self._manifest(repository, name)
        elif kind == "blobs":
            data = self.registry.blobs.get((repository, name))
            self.answer(404 if data is None else 200, data or b"")
        elif self.command == "POST":
            self._start(repository, query)
        elif name not in self.registry.uploads:
            self.answer(404, b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN"}]}')
        elif self.command == "PATCH":
            self._piece(repository, name)
        elif self.command == "PUT":
            self._end(repository, name, query.get("digest", ""))
        elif self.command == "DELETE":
            del self.registry.uploads[name]
            self.answer(204, b"")
        else:
            self.answer(204, b"", **self._where(repository, name))

    def _start(self, repository: str, query: dict[str, str]) -> None:
        registry = self.registry
        source = registry.blobs.get((query.get("from", ""), query.get("mount", "")))
        if "mount" in query and registry.mounts not in (201, 202):
            self.answer(registry.mounts, b"{}")
            return
        if source is not None and registry.mounts == 201:
            registry.blobs[repository, query["mount"]] = source
            self.answer(201, b"", Location=f"/v2/{repository}/blobs/{query['mount']}")
            return
        name = uuid.uuid4().hex
        registry.uploads[name] = bytearray()
        least = {"OCI-Chunk-Min-Length": str(registry.least)} if registry.least else {}
        self.answer(202, b"", **self._where(repository, name), **least)

    def _piece(self, repository: str, name: str) -> None:
        registry, held = self.registry, self.registry.uploads[name]
        start = re.match(r"([0-9]+)-", self.headers.get("Content-Range", "0-"))
        if start is None or int(start[1]) != len(held):
            self.answer(416, b"{}", **self._where(repository, name))
            return
        if registry.least and self.left < registry.least:
            self.answer(400, b'{"errors": [{"code": "SIZE_INVALID"}]}')
            return
        while data := self.take():
            held += data
        self.answer(registry.patched, b"", **self._where(repository, name))

    def _end(self, repository: str, name: str, digest: str) -> None:
        registry = self.registry
        held = registry.uploads[name]
        while data := self.take():
            held += data
        del registry.uploads[name]
        if _digest(held) != digest:
            self.answer(400, b'{"errors": [{"code": "DIGEST_INVALID"}]}')
            return
        with registry.lock:
            if (repository, digest) in registry.blobs:
                registry.stored_twice.append(digest)
            registry.blobs[repository, digest] = bytes(held)
        self.answer(201, b"", **{"Docker-Content-Digest": registry.lies or digest})

    def _manifest(self, repository: str, name: str) -> None:
        registry = self.registry
        if self.command != "PUT":
            raw = registry.manifests.get((repository, name))
            kind = {}
            if raw is not None:
                kind = {"Content-Type": json.loads(raw).get("mediaType", ""), "Docker-Content-Digest": _digest(raw)}
            self.answer(404 if raw is None else 200, raw or b"{}", **kind)
            return
        raw = b"".join(iter(self.take, b""))
        if any((repository, digest) not in registry.blobs for digest in _blobs_of(raw)):
            self.answer(404, b'{"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown"}]}')
            return
        registry.manifests[repository, name] = registry.manifests[repository, _digest(raw)] = raw
        self.answer(201, b"", **{"Docker-Content-Digest": registry.lies or _digest(raw)})

    def take(self, size: int = _PIECE) -> bytes:
        """The next bytes of the request's body; ConnectionError where the client is gone."""
        if not self.left:
            return b""
        data = self.rfile.read(min(size, self.left))
        if not data:
            raise ConnectionResetError
        self.left -= len(data)
        self.registry.received += len(data)
        return data

    def hang_up(self) -> bool:
        """End the connection without an answer."""
        self.close_connection = True
        self.connection.close()
        return True

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        for fault in list(self.registry.after):
            if fault(self):
                return
        while self.take():
            pass
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(0 if status == 204 else len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def _where(self, repository: str, name: str) -> dict[str, str]:
        registry = self.registry
        path = f"/v2/{repository}/blobs/uploads/{name}?state=a%2Bb"
        host = registry.other or registry.address
        held = len(registry.uploads[name])
        return {
            "Location": path if registry.relative else f"http://{host}{path}",
            "Range": f"0-{max(held - 1, 0)}",
        }


@contextmanager
def serving(registry: WritableRegistry) -> Iterator[WritableRegistry]:
    """Run it on a loopback port."""
    handler = type("Handler", (Writer,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are part of the tests
    registry.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _blobs_of(raw: bytes) -> list[str]:
    """The blobs that a manifest names; an index names none."""
    content = json.loads(raw)
    return [entry["digest"] for entry in (content.get("config"), *content.get("layers", ())) if entry]


def _digest(data: bytes | bytearray) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
