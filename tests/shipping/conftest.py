from __future__ import annotations

import json
import os
import secrets
import shutil
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from envbuild.oci.image import finish_image
from envbuild.oci.layer import build_layer
from envbuild.oci.reference import Reference, parse_reference
from envbuild.oci.store import Store
from envbuild.oci.types import Image, Layer

MakeImage = Callable[..., Image]
PREFIX = "envbuild-shipping-test"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def seed() -> bytes:
    """Bytes that no engine has seen."""
    return secrets.token_bytes(16)


@pytest.fixture
def names() -> list[Reference]:
    """Two image names that no other test uses."""
    word = f"{PREFIX}-{secrets.token_hex(6)}"
    return [parse_reference(f"{word}:1"), parse_reference(f"{word}:latest")]


@pytest.fixture
def make_image(store: Store, seed: bytes) -> MakeImage:
    """A function that makes an image of a lower layer of 3 MB, a middle one, and a small model on top."""

    def make(model: bytes = b"model", *, ours: bool = True, middle: bytes = b"m", into: Store = store) -> Image:
        def one(name: str, content: bytes) -> Layer:
            return build_layer(into, lambda tar: tar.data(f"opt/{name}", content))

        lower = (seed * 200_000)[:3_000_000]
        layers = [one("lower", lower), one("middle", seed + middle * 500_000), one("model", seed + model)]
        labels = {"dev.envbuild.plan": "1"} if ours else {}
        return finish_image(
            base_config={},
            base_layers=(),
            layers=[(layer, "layer") for layer in layers],
            config={"architecture": "amd64", "os": "linux", "config": {"Labels": labels, "Cmd": ["/x"]}},
            annotations={},
            created="1980-01-01T00:00:00Z",
        )

    return make


Answer = Callable[[BaseHTTPRequestHandler], None]


class FakeDaemon:
    """A daemon on a real unix socket that answers as it is told: `METHOD path` to a function or to JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, Any] = {
            "GET /_ping": "OK",
            "GET /info": {"ID": "fake", "ServerVersion": "20.10.24", "OSType": "linux", "Architecture": "x86_64"},
        }
        self.requests: list[str] = []
        self.received = 0
        self.ended_well = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self) -> str:
                return "local"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_any(self) -> None:
                route = f"{self.command} {self.path.partition('?')[0]}"
                fake.requests.append(f"{self.command} {self.path}")
                answer = fake.answers.get(route)
                if callable(answer):
                    answer(self)
                elif answer is None:
                    reply(self, 404, {"message": "no such image"})
                else:
                    reply(self, 200, answer)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # clients that hang up are part of the tests

        self._server = Server(str(path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def read_body(self, handler: BaseHTTPRequestHandler, limit: int = 1 << 40) -> bytes:
        """A chunked body, up to `limit` bytes of it."""
        body = b""
        while len(body) < limit:
            line = handler.rfile.readline().strip()
            size = int(line or b"0", 16)
            body += handler.rfile.read(size)
            handler.rfile.readline()
            self.received = len(body)
            if not size:
                self.ended_well = line == b"0"
                break
        return body


def reply(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Api-Version", "1.41")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


@pytest.fixture
def send() -> Callable[[BaseHTTPRequestHandler, int, Any], None]:
    """Answers a request of the fake daemon."""
    return reply


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    folder = Path(tempfile.mkdtemp(prefix="eb-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def daemon(sockets: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(sockets / "fake.sock")
    yield fake
    fake.stop()


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No engine is named anywhere; the home folder is empty."""
    for name in [name for name in os.environ if name.startswith("DOCKER_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    return home
