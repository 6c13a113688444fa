"""Containers of built images, run the way a strict cluster runs them, and questions to them."""

from __future__ import annotations

import http.client
import json
import math
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# A root that cannot be written, no capability, and a user that the image has never heard of.
STRICT = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", "12345:0")


@dataclass(frozen=True)
class Answer:
    """What a server answered: `body` is JSON where it is JSON, else text."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Container:
    """A running container that listens on a loopback port of the host."""

    name: str
    port: int

    def ask(self, method: str, path: str, payload: Any = None, timeout: float = 60) -> Answer:
        data = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"} if data is not None else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return _answer(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.read(), dict(error.headers))

    def post(self, path: str, payload: Any) -> Answer:
        return self.ask("POST", path, payload)

    def exchange(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Answer:
        """Send exactly these headers, and a body of bytes as it is, of others as JSON; the answer's are in lower case.

        A body that is only nearly JSON, as one with a bare NaN, is text in the answer.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, data, dict(headers or {}))
            reply = connection.getresponse()
            given = {name.lower(): value for name, value in reply.getheaders()}
            return _answer(reply.status, reply.read(), given)
        finally:
            connection.close()

    def logs(self) -> str:
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def inspect(self) -> dict[str, Any]:
        done = subprocess.run(["docker", "inspect", self.name], capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found


def _answer(status: int, data: bytes, headers: dict[str, str]) -> Answer:
    text = data.decode()
    try:
        return Answer(status=status, body=json.loads(text, parse_constant=_no_json), headers=headers)
    except ValueError:
        return Answer(status=status, body=text, headers=headers)


def _no_json(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    image: str,
    *,
    options: Sequence[str] = STRICT,
    arguments: Sequence[str] = (),
    seconds: float = 180,
    path: str = "/",
) -> Iterator[Container]:
    """Run `image` on the host's network and wait until it answers `GET path`; fails with its log if it does not.

    `arguments` stand behind the image, for its entrypoint.

    The host's network because an engine inside a container often has no bridge; $PORT picks the port.
    """
    port = free_port()
    name = f"envbuild-test-{port}"
    command = ["docker", "run", "--detach", "--name", name, "--network", "host", "--env", f"PORT={port}"]
    subprocess.run([*command, *options, image, *arguments], capture_output=True, text=True, check=True)
    container = Container(name=name, port=port)
    try:
        _wait(container, seconds, path)
        yield container
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


def _wait(container: Container, seconds: float, path: str) -> None:
    end = time.monotonic() + seconds
    look = time.monotonic() + 0.5
    while time.monotonic() < end:
        try:
            if container.ask("GET", path, timeout=5).status == 200:
                return
        except OSError:
            # Seldom: the engine's client takes more of the processor than the question to the server.
            if time.monotonic() > look:
                look = time.monotonic() + 0.5
                if not container.inspect()["State"]["Running"]:
                    break
        time.sleep(0.05)
    raise AssertionError(f"no answer from {container.name}:\n{container.logs()}")


def same(found: Any, expected: Any) -> bool:
    """Whether two JSON values are equal, numbers to within 1e-6."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, (int, float)) and isinstance(expected, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(same(a, b) for a, b in zip(found, expected, strict=True))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in found)
    return bool(found == expected)
