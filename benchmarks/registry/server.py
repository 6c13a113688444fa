"""A real registry on loopback (Debian's docker-registry), and what it holds afterwards."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import needs
from ..errors import BenchError
from ..processes import run

PROGRAM = "docker-registry"
LIMIT = 20.0
"""Seconds in which it has to start, and to end."""
_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {data}}}}}
http: {{addr: '{address}'}}
"""
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A layer in a registry: what made it, as the image's history tells, its digest, and its bytes there."""

    made_by: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A registry that answers at `address` (HOST:PORT) and keeps its files below `folder`."""

    address: str
    folder: Path
    pid: int

    def stored(self) -> int:
        """The bytes of all blobs that it holds: layers, configs and manifests, each once."""
        blobs = self.folder / "data/docker/registry/v2/blobs/sha256"
        return sum(path.stat().st_size for path in blobs.glob("*/*/data"))

    def layers(self, repository: str, tag: str) -> tuple[Stored, ...]:
        """The layers of an image, bottom first. BenchError if there is no such image, or an index of several."""
        manifest = json.loads(self._get(f"/v2/{repository}/manifests/{tag}"))
        config = json.loads(self._get(f"/v2/{repository}/blobs/{manifest['config']['digest']}"))
        made = [entry.get("created_by", "") for entry in config["history"] if not entry.get("empty_layer")]
        if len(made) != len(manifest["layers"]):
            raise BenchError(f"{repository}:{tag} has {len(manifest['layers'])} layers and a history of {len(made)}")
        return tuple(
            Stored(made_by=by, digest=layer["digest"], size=layer["size"])
            for by, layer in zip(made, manifest["layers"], strict=True)
        )

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": ", ".join(_MANIFESTS)})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"the registry does not answer for {path}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchError(f"the registry answered {answer.status} for {path}")
        return body


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A registry whose files are below `folder`. BenchError if it does not start; it is ended on exit."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{needs.free_port()}"
    (folder / "registry.yml").write_text(_CONFIG.format(data=folder / "data", address=address), encoding="utf-8")
    log = folder / "registry.log"
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(
                [PROGRAM, "serve", str(folder / "registry.yml")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise BenchError(f"{PROGRAM} cannot be started: {error.strerror}") from error
    try:
        _wait(address, process, log)
        yield Server(address=address, folder=folder, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def version() -> str:
    """What the registry says of its version."""
    words = run([PROGRAM, "--version"]).stdout.split()
    return words[-1] if words else "?"


def weigh(layers: tuple[Stored, ...], weights: str) -> tuple[Stored, ...]:
    """The layers whose history has `weights` in it. BenchError if there are none: they could not be set aside."""
    found = tuple(layer for layer in layers if weights in layer.made_by)
    if not found:
        raise BenchError(f"no layer of the image says that it holds the model ({weights!r})")
    return found


def _wait(address: str, process: subprocess.Popen[Any], log: Path) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.02)
    raise BenchError(f"the registry does not start:\n{log.read_text(errors='replace')[-2000:]}")
