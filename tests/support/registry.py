"""A real registry on loopback (Debian's docker-registry), and images pushed to it by skopeo."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from containers import free_port


@dataclass
class Running:
    """A registry at `address` whose files lie in `folder`; `log` has a line for each request."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "registry.log"

    def start(self) -> None:
        """Start it, or start it anew with what it has stored."""
        with self.log.open("ab") as log:
            command = ["docker-registry", "serve", str(self.folder / "registry.yml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        _wait(self.address, self.process, self.log)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def registry(folder: Path, *, htpasswd: str = "", certificate: Path | None = None) -> Iterator[str]:
    """Run a registry whose files lie in `folder`; gives HOST:PORT. With `htpasswd` (a line of one) it wants a login.

    With `certificate`, a file that holds its key too, it speaks TLS.
    """
    with running(folder, htpasswd=htpasswd, certificate=certificate) as found:
        yield found.address


@contextmanager
def running(folder: Path, *, htpasswd: str = "", certificate: Path | None = None) -> Iterator[Running]:
    """As `registry`, to be killed and started anew."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    tls = f", tls: {{certificate: '{certificate}', key: '{certificate}'}}" if certificate else ""
    text = (
        "version: 0.1\n"
        "log: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
        f"http: {{addr: '{address}'{tls}}}\n"
    )
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd + "\n")
        text += f"auth: {{htpasswd: {{realm: 'a test, with a comma', path: {folder / 'htpasswd'}}}}}\n"
    (folder / "registry.yml").write_text(text)
    found = Running(address, folder)
    found.start()
    try:
        yield found
    finally:
        assert found.process is not None
        found.process.terminate()
        found.process.wait()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"the registry does not start: {log.read_text()}")


def push(layout: Path, address: str, name: str, *options: str, login: str = "") -> str:
    """Push the image in an OCI layout as `name` (`library/python:3.12-slim`); gives the full reference."""
    target = f"{address}/{name}"
    credentials = ["--dest-creds", login] if login else []
    done = subprocess.run(
        ["skopeo", "copy", "--dest-tls-verify=false", *credentials, *options, f"oci:{layout}", f"docker://{target}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target
