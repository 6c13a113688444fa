"""A registry in memory that can be told to misbehave, and remembers who asked what."""

from __future__ import annotations

import gzip
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from envbuild.oci.canonical import canonical_json, sha256_digest

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
GLIBC = b"\x00GNU C Library (Test) stable release version 2.36.\n"
PYTHON: dict[str, bytes] = {
    "usr/lib/x86_64-linux-gnu/libc.so.6": GLIBC,
    "usr/local/bin/python3.12": b"\x7fELF",
    "usr/local/lib/python3.12/os.py": b"",
}


def tar_of(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


Fault = Callable[["Handler"], bool]
"""Answers in place of the registry and gives True, or leaves the answer to it and gives False."""


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    authorization: str
    range: str


@dataclass
class FaultyRegistry:
    """What it holds and does. `faults` are tried in order before each answer; `login` is `name:password` or nothing.

    `auth` is `bearer` or `basic` or nothing. A token is good for the requests that `token_uses` counts.
    """

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    auth: str = ""
    login: str = ""
    identity_token: str = ""
    token_uses: int = 1_000_000
    tokens: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    address: str = ""

    def add_image(
        self,
        *tags: str,
        files: Mapping[str, bytes] = PYTHON,
        extra: Mapping[str, bytes] | None = None,
        env: tuple[str, ...] = ("PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.12.7"),
        architecture: str = "amd64",
        docker: bool = False,
    ) -> str:
        """An image of one or two gzip layers under `tags`; gives its digest."""
        plain = [tar_of(files), *([tar_of(extra)] if extra else [])]
        packed = [gzip.compress(layer, mtime=0) for layer in plain]
        config = canonical_json(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {"Env": list(env)},
                "rootfs": {"type": "layers", "diff_ids": [sha256_digest(layer) for layer in plain]},
            }
        )
        kinds = (
            (DOCKER + "distribution.manifest.v2+json", DOCKER + "container.image.v1+json")
            if docker
            else (OCI + "manifest.v1+json", OCI + "config.v1+json")
        )
        layer_kind = DOCKER + "image.rootfs.diff.tar.gzip" if docker else OCI + "layer.v1.tar+gzip"
        manifest = {
            "schemaVersion": 2,
            "mediaType": kinds[0],
            "config": self.put(config, kinds[1]),
            "layers": [self.put(layer, layer_kind) for layer in packed],
        }
        return self.add_manifest(manifest, kinds[0], *tags)

    def put(self, data: bytes, media_type: str) -> dict[str, Any]:
        digest = sha256_digest(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def add_manifest(self, content: Any, media_type: str, *tags: str) -> str:
        raw = content if isinstance(content, bytes) else canonical_json(content)
        digest = sha256_digest(raw)
        for name in (digest, *tags):
            self.manifests[name] = (media_type, raw)
        return digest

    def count(self, method: str, part: str) -> int:
        return sum(1 for one in self.asked if one.method == method and part in one.path)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    registry: FaultyRegistry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body would wait for the other side to acknowledge the headers

    def handle_one_request(self) -> None:
        # A plain server that is asked for TLS would wait for the end of the line.
        if self.rfile.peek(1)[:1] == b"\x16":  # type: ignore[attr-defined]
            self.close_connection = True
            return
        super().handle_one_request()

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode())
        self._note()
        registry = self.registry
        if form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == [registry.identity_token]:
            self._give_token(form.get("scope", [""])[0])
        else:
            self.answer(401, b"{}")

    def do_GET(self) -> None:
        self._note()
        for fault in list(self.registry.faults):
            if fault(self):
                return
        path = urlsplit(self.path)
        if path.path == "/token":
            query = parse_qs(path.query)
            if self.registry.login and not self._basic():
                self.answer(401, json.dumps({"errors": [{"message": "incorrect username or password"}]}).encode())
            else:
                self._give_token(query.get("scope", [""])[0])
            return
        if not self._let_in():
            return
        kind, name = path.path.split("/")[-2:]
        if kind == "manifests" and name in self.registry.manifests:
            media_type, raw = self.registry.manifests[name]
            self.answer(200, raw, **{"Content-Type": media_type, "Docker-Content-Digest": sha256_digest(raw)})
        elif kind == "blobs" and name in self.registry.blobs:
            self.blob(self.registry.blobs[name])
        else:
            self.answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such\x07"}]}).encode())

    def blob(self, data: bytes, *, sent: int | None = None) -> None:
        """Answer with a blob or the asked range of it; after `sent` bytes the connection ends."""
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        part = data[start:]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part[:sent])
        if sent is not None:
            self.wfile.flush()
            self.close_connection = True

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, **self.registry.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _note(self) -> None:
        get = self.headers.get
        self.registry.asked.append(Asked(self.command, self.path, get("Authorization", ""), get("Range", "")))

    def _basic(self) -> bool:
        import base64

        return self.headers.get("Authorization") == "Basic " + base64.b64encode(self.registry.login.encode()).decode()

    def _give_token(self, scope: str) -> None:
        token = f"token-{len(self.registry.tokens)}"
        self.registry.tokens[token] = self.registry.token_uses if scope == "repository:team/base:pull" else 0
        self.answer(200, json.dumps({"token": token, "expires_in": 60}).encode())

    def _let_in(self) -> bool:
        registry = self.registry
        if registry.auth == "basic" and not self._basic():
            self.answer(401, b"", **{"WWW-Authenticate": 'Basic realm="a, b"'})
            return False
        if registry.auth == "bearer":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if registry.tokens.get(token, 0) <= 0:
                challenge = (
                    f'Bearer realm="http://{registry.address}/token",service="a, b",scope="repository:team/base:pull"'
                )
                self.answer(401, b"{}", **{"WWW-Authenticate": challenge})
                return False
            registry.tokens[token] -= 1
        return True


@contextmanager
def serving(registry: FaultyRegistry, *, certificate: Path | None = None) -> Iterator[FaultyRegistry]:
    """The registry on a loopback port of its own; over TLS with a `certificate`, a file that holds its key too."""
    handler = type("Bound", (Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    registry.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
