from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envbuild.bases import lock as lock_module
from envbuild.bases import release as release_module
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.progress import Progress, Summary

SUITES = {"bookworm": "debian", "bookworm-updates": "debian", "bookworm-security": "debian-security"}
NAMES = (
    *("base-files", "ca-certificates", "libc-bin", "libc6", "libgomp1", "libpython3.11-stdlib", "libstdc++6"),
    *("media-types", "ncurses-base", "netbase", "python3-distutils", "python3.11-minimal", "tzdata"),
)


def make_tar(entries: dict[str, bytes | str | int]) -> bytes:
    """bytes: a file; str: a symbolic link; int: a folder of this mode."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, what in entries.items():
            info = tarfile.TarInfo("./" + path)
            if isinstance(what, int):
                info.type, info.mode = tarfile.DIRTYPE, what
                tar.addfile(info)
            elif isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what
                tar.addfile(info)
            else:
                info.size, info.mode = len(what), 0o755 if "/bin/" in path else 0o644
                tar.addfile(info, io.BytesIO(what))
    return out.getvalue()


def make_ar(members: dict[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, content in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    return out


def make_deb(
    name: str,
    version: str,
    entries: dict[str, bytes | str | int],
    *,
    fields: str = "",
    pack: tuple[str, Callable[[bytes], bytes]] = (".xz", lzma.compress),
    postinst: str = "",
) -> bytes:
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n{fields}Description: test\n"
    sums = "".join(
        f"{hashlib.md5(content).hexdigest()}  {path}\n"
        for path, content in entries.items()
        if isinstance(content, bytes)
    )
    suffix, compress = pack
    members: dict[str, bytes | str | int] = {"control": control.encode(), "md5sums": sums.encode()}
    if postinst:
        members["postinst"] = postinst.encode()
    return make_ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(make_tar(members)),
            f"data.tar{suffix}": compress(make_tar(entries)),
        }
    )


@dataclass
class DebianArchive:
    """A small Debian archive on loopback, signed by a key of its own."""

    keyring: bytes
    signer: object
    files: dict[str, bytes] = field(default_factory=dict)
    stanzas: dict[str, list[str]] = field(default_factory=lambda: {suite: [] for suite in SUITES})
    requests: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    architectures: tuple[str, ...] = ("amd64",)
    url: str = ""
    date: datetime = field(default_factory=lambda: datetime.now(timezone.utc) - timedelta(hours=1))
    until: datetime | None = None

    def add(
        self,
        name: str,
        version: str = "1.0-1",
        entries: dict[str, bytes | str | int] | None = None,
        *,
        suite: str = "bookworm",
        fields: str = "",
        pack: tuple[str, Callable[[bytes], bytes]] = (".xz", lzma.compress),
        postinst: str = "",
    ) -> str:
        """Put a package into a suite; returns the path of its .deb on the server."""
        if entries is None:
            entries = {f"usr/share/doc/{name}/copyright": f"{name} {version}\n".encode()}
        deb = make_deb(name, version, entries, fields=fields, pack=pack, postinst=postinst)
        pool = f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb"
        path = f"/{SUITES[suite]}/{pool}"
        self.files[path] = deb
        self.stanzas[suite].append(
            f"Package: {name}\nVersion: {version}\n{fields}Filename: {pool}\nSize: {len(deb)}\n"
            f"SHA256: {hashlib.sha256(deb).hexdigest()}\nDescription: test\n"
        )
        return path

    def sign(self, text: str, signer: object | None = None) -> bytes:
        import pysequoia

        return pysequoia.sign(signer or self.signer, text.encode(), mode=pysequoia.SignatureMode.CLEAR)  # type: ignore[arg-type]

    def publish(self, *, codename: str = "") -> None:
        """Write the indexes of every suite and sign them."""
        for suite, archive in SUITES.items():
            packages = lzma.compress("\n".join(self.stanzas[suite]).encode())
            for architecture in self.architectures:
                self.files[f"/{archive}/dists/{suite}/main/binary-{architecture}/Packages.xz"] = packages
            self.files[f"/{archive}/dists/{suite}/InRelease"] = self.sign(self.release(suite, packages, codename))

    def release(self, suite: str, packages: bytes, codename: str = "") -> str:
        form = "%a, %d %b %Y %H:%M:%S UTC"
        until = f"Valid-Until: {self.until.strftime(form)}\n" if self.until else ""
        sha256 = hashlib.sha256(packages).hexdigest()
        rows = (f" {sha256} {len(packages)} main/binary-{name}/Packages.xz\n" for name in self.architectures)
        head = f"Origin: Debian\nCodename: {codename or suite}\nDate: {self.date.strftime(form)}\n{until}SHA256:\n"
        return head + "".join(rows)

    def asked_for(self, text: str) -> list[str]:
        return [path for path in self.requests if text in path]


def _serve(archive: DebianArchive) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            archive.requests.append(self.path)
            status = archive.answers.pop(0) if archive.answers else 200
            content = archive.files.get(self.path)
            if status == 200 and content is None:
                status = 404
            body = content if status == 200 and content is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    archive.url = f"http://127.0.0.1:{server.server_address[1]}/debian"
    return server


@pytest.fixture(scope="session")
def keys() -> tuple[bytes, object, object]:
    """(the archive's certificate, its signer, the signer of a key that is not in the keyring)."""
    import pysequoia

    key = pysequoia.Tsk.generate(user_id="Test Archive <archive@example.org>")
    other = pysequoia.Tsk.generate(user_id="Somebody <else@example.org>")
    return bytes(key.extract_certificate()), key.signer(), other.signer()


@pytest.fixture
def empty_archive(
    keys: tuple[bytes, object, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DebianArchive]:
    """An archive without packages, and envbuild set up to use it: its mirror, its keyring, no shipped lock."""
    archive = DebianArchive(keyring=keys[0], signer=keys[1])
    server = _serve(archive)
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(keys[0])
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setattr(release_module, "KEYRING", keyring)
    monkeypatch.setattr(lock_module, "DATA", data)
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", archive.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield archive
    server.shutdown()
    server.server_close()


@pytest.fixture
def archive(empty_archive: DebianArchive) -> DebianArchive:
    """An archive with every package that a base asks for, published."""
    for name in NAMES:
        if name == "base-files":
            entries: dict[str, bytes | str | int] = {
                "bin": 0o755,
                "tmp": 0o1777,
                "root": 0o700,
                "var/local": 0o2775,
                "usr/lib/os-release": b"ID=debian\n",
                "etc/os-release": "../usr/lib/os-release",
                "usr/share/doc/base-files/copyright": b"free\n",
                "usr/share/doc/base-files/README": b"long\n",
                "usr/share/man/man1/x.1.gz": b"manual",
            }
        elif name == "ca-certificates":
            entries = {
                "usr/share/ca-certificates/mozilla/B.crt": b"certificate B",
                "usr/share/ca-certificates/mozilla/A.crt": b"certificate A\n",
                "usr/sbin/update-ca-certificates": b"#!/bin/sh\n",
            }
        elif name == "libc6":
            entries = {
                "lib/x86_64-linux-gnu/libc.so.6": b"not really ELF",
                "lib/x86_64-linux-gnu/libold.so": "../../usr/lib/x86_64-linux-gnu/libnew.so",
                "lib64/ld-linux-x86-64.so.2": "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            }
        elif name == "python3.11-minimal":
            empty_archive.add(name, "3.11.2-6+deb12u9", {"usr/bin/python3.11": b"\x7fELF"})
            continue
        elif name == "libpython3.11-stdlib":
            entries = {"usr/lib/python3.11/os.py": b"", "usr/lib/python3.11/test/support.py": b"x"}
        else:
            empty_archive.add(name)
            continue
        empty_archive.add(name, "2.36-9" if name == "libc6" else "1.0-1", entries)
    empty_archive.publish()
    return empty_archive


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


class Recorder(Progress):
    """What was told during a run."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.summaries: list[Summary] = []
        self.advanced = 0
        self._lock = threading.Lock()

    def note(self, message: str) -> None:
        self.notes.append(message)

    def done(self, phase: str, summary: Summary) -> None:
        self.summaries.append(summary)

    def advance(self, phase: str, amount: int = 1, *, what: str = "") -> None:
        with self._lock:
            self.advanced += amount


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make_image_layer(store: Store) -> Callable[[dict[str, bytes | str | int]], Layer]:
    """A layer of the store with these files, links (str) and folders (int), whiteouts allowed."""

    def make(entries: dict[str, bytes | str | int]) -> Layer:
        content = make_tar(entries)
        digest = store.put(content)
        return Layer(diff_id=digest, digest=digest, size=len(content))

    return make


@pytest.fixture(scope="session")
def real_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store for the real bases, shared by the tests that need the Debian archive."""
    return Store(tmp_path_factory.mktemp("real-bases"))


@pytest.fixture
def deb_factory() -> Callable[..., bytes]:
    return make_deb
