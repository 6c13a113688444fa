"""A package index of tiny wheels on loopback, and a resolution against it."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from values import a_server

from envbuild.model.types import CondaDependency, Environment, Line, Requirement, Span
from envbuild.progress import Progress
from envbuild.resolver import resolve
from envbuild.resolver.types import Lock
from envbuild.servers.types import Server, ServerPackage


def requirement(text: str, line: int = 1, file: str = "conda.yaml") -> Requirement:
    from packaging.requirements import Requirement as Parsed
    from packaging.utils import canonicalize_name

    parsed = Parsed(text)
    return Requirement(
        text=text,
        name=canonicalize_name(parsed.name),
        specifier=str(parsed.specifier),
        extras=tuple(sorted(parsed.extras)),
        marker=str(parsed.marker or ""),
        url=parsed.url or "",
        span=Span(file=file, line=line),
    )


def environment(
    *pip: str, constraints: Sequence[str] = (), conda: Sequence[str] = (), lines: Sequence[str] = ()
) -> Environment:
    """An environment of conda.yaml whose pip list begins at line 7."""
    return Environment(
        source="conda.yaml",
        files=("conda.yaml",),
        pip=tuple(requirement(text, 7 + index) for index, text in enumerate(pip)),
        constraints=tuple(requirement(text, file="constraints.txt") for text in constraints),
        conda=tuple(
            CondaDependency(text=text, name=re.split("[<>= ]", text)[0], span=Span(file="conda.yaml", line=3))
            for text in conda
        ),
        lines=tuple(Line(text=text, span=Span(file="requirements.txt", line=4)) for text in lines),
    )


def server(*packages: ServerPackage, constraints: Sequence[str] = ()) -> Server:
    return a_server(name="tiny", packages=packages, constraints=tuple(constraints))


class Notes(Progress):
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.summaries: dict[str, Any] = {}
        self.advanced = 0

    def note(self, message: str) -> None:
        self.notes.append(message)

    def advance(self, phase: Any, amount: int = 1, *, what: str = "") -> None:
        self.advanced += amount

    def done(self, phase: Any, summary: Any) -> None:
        self.summaries[phase] = summary


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    python: str = "",
    padding: int = 0,
) -> Path:
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    metadata += f"Requires-Python: {python}\n" if python else ""
    contents = {
        f"{stem}/__init__.py": "#" * padding + "\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/RECORD": "",
    }
    path = folder / f"{stem}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in contents.items():
            archive.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), text)
    return path


def write_source(folder: Path, name: str, version: str = "1.0") -> Path:
    path = folder / f"{name}-{version}.tar.gz"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        member.size = len(metadata)
        archive.addfile(member, io.BytesIO(metadata))
    return path


class Index:
    """A simple index (PEP 503) over a folder, and one at `whl/NAME/` over each folder NAME in it.

    Behaviour is changed through its attributes.

    `login` is `user:password` that must be given, `logins` those for paths that begin so; `answers` gives the next
    statuses of a path; `cut` the number of bytes after which a path's connection breaks off once; `redirect` sends file
    requests to another index.
    `pages` are content types and bytes that paths are answered with.
    `uploaded` are the times at which files were published, by their names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.retry_after = ""
        self.uploaded: dict[str, str] = {}
        self.login = ""
        self.logins: dict[str, str] = {}
        self.answers: dict[str, list[int]] = {}
        self.cut: dict[str, int] = {}
        self.redirect = ""
        self.replaced: dict[str, bytes] = {}
        self.pages: dict[str, tuple[str, bytes]] = {}
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_HEAD(self) -> None:
                index.answer(self)

            def do_GET(self) -> None:
                index.answer(self)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.simple = f"{self.base}/simple/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wheel(self, name: str, version: str = "1.0", **more: Any) -> Path:
        return write_wheel(self.folder, name, version, **more)

    def source(self, name: str, version: str = "1.0") -> Path:
        return write_source(self.folder, name, version)

    def downloads(self) -> list[str]:
        """The files that were asked for with GET, in order."""
        return [path for method, path in self.requests if method == "GET" and path.startswith("/files/")]

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, handler.path))
        self.headers.append(dict(handler.headers))
        login = next((found for start, found in self.logins.items() if handler.path.startswith(start)), self.login)
        wanted = "Basic " + base64.b64encode(login.encode()).decode()
        if login and handler.headers.get("Authorization") != wanted:
            return self._send(handler, 401, b"", {"WWW-Authenticate": "Basic realm=index"})
        if handler.command == "GET" and self.answers.get(handler.path):
            status = self.answers[handler.path].pop(0)
            if status != 200:
                return self._send(handler, status, b"", {"Retry-After": self.retry_after} if self.retry_after else None)
        if handler.path in self.pages:
            kind, data = self.pages[handler.path]
            return self._send(handler, 200, data, {"Content-Type": kind})
        if match := re.fullmatch(r"/(?:simple|whl/(\w+))/([^/]+)/", handler.path):
            return self._page(handler, match[2], f"{match[1]}/" if match[1] else "")
        name = handler.path.removeprefix("/files/")
        path = self.folder / name
        if handler.path == f"/files/{name}" and path.is_file():
            if self.redirect:
                return self._send(handler, 302, b"", {"Location": f"{self.redirect}{handler.path}"})
            return self._file(handler, self.replaced.get(name, path.read_bytes()))
        return self._send(handler, 404, b"")

    def _page(self, handler: http.server.BaseHTTPRequestHandler, project: str, below: str) -> None:
        links = []
        folder = self.folder / below
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            name = re.match(r"(.+?)-\d", path.name)
            if name and re.sub(r"[-_.]+", "-", name[1]).lower() == project:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                time = f' data-upload-time="{found}"' if (found := self.uploaded.get(path.name)) else ""
                links.append(f'<a href="/files/{below}{path.name}#sha256={digest}"{time}>{path.name}</a>')
        page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        self._send(handler, 200 if links else 404, page, {"Content-Type": "text/html"})

    def _file(self, handler: http.server.BaseHTTPRequestHandler, data: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        status, whole = 200, len(data)
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", "")):
            first, last = int(match[1]), int(match[2] or whole - 1)
            data, status = data[first : last + 1], 206
            headers["Content-Range"] = f"bytes {first}-{last}/{whole}"
        elif handler.command == "GET" and handler.path in self.cut:
            handler.send_response(200)
            handler.send_header("Content-Length", str(whole))
            handler.end_headers()
            handler.wfile.write(data[: self.cut.pop(handler.path)])
            handler.close_connection = True
            return
        self._send(handler, status, data, headers)

    def _send(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which nothing of this machine's indexes, proxies and logins is left."""
    import os

    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")) or name.lower().endswith("_proxy") or name == "NETRC":
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.fixture
def make_index(clean: None, tmp_path: Path) -> Iterator[Callable[[str], Index]]:
    made: list[Index] = []

    def make(name: str) -> Index:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Index(folder))
        return made[-1]

    yield make
    for index in made:
        index.close()


@pytest.fixture
def index(make_index: Callable[[str], Index], monkeypatch: pytest.MonkeyPatch) -> Index:
    """The default index of the test, empty at first."""
    made = make_index("index")
    monkeypatch.setenv("UV_DEFAULT_INDEX", made.simple)
    return made


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Lock]:
    """Resolve for Python 3.11.2 on glibc 2.36 against whatever index the environment names."""

    def resolved(asked: Environment, profile: Server | None = None, **changes: Any) -> Lock:
        arguments: dict[str, Any] = {
            "python": "3.11.2",
            "glibc": "2.36",
            "architecture": "amd64",
            "cache": tmp_path / "cache",
            "model_root": tmp_path / "model",
        }
        return resolve(asked, profile or server(), **{**arguments, **changes})

    return resolved


@pytest.fixture
def env() -> Callable[..., Environment]:
    return environment


@pytest.fixture
def req() -> Callable[..., Requirement]:
    return requirement


@pytest.fixture
def profile() -> Callable[..., Server]:
    return server


@pytest.fixture
def notes() -> Notes:
    return Notes()
