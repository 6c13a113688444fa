"""The Docker Engine API over a unix socket, by the standard library alone: it starts in milliseconds."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Literal, cast
from urllib.parse import quote, urlencode

from ..errors import EngineError
from .answers import OTHERWISE, MissingError, messages, refusal
from .endpoint import Endpoint
from .engine import EngineInfo, RefusedError, is_complete
from .wire import Answer, Connection

_ASK = 60.0  # seconds for an answer that needs no work
_WORK = 3600.0  # seconds of silence while the engine unpacks or packs layers
_LIMIT = 64 << 20  # bytes of an answer that are kept in memory


class UnixEngine:
    """An engine behind a unix socket. Paths have no version, so the engine answers in its own newest."""

    def __init__(self, path: str, *, timeout: float = 10.0) -> None:
        self._path = path
        self._info: EngineInfo | None = None
        self._connection: Connection | None = None
        with self._errors(), self._request("GET", "/_ping", timeout=timeout) as answer:
            # Anything may listen on a socket: only an engine says which API it speaks.
            if answer.status != 200 or not answer.header("Api-Version"):
                raise EngineError(
                    f"what listens on {path} is no container engine (HTTP {answer.status})",
                    hint=f"set DOCKER_HOST to the engine's socket, {OTHERWISE}",
                )
            podman = answer.header("Libpod-API-Version") or "podman" in answer.header("Server").lower()
        self._product: Literal["docker", "podman"] = "podman" if podman else "docker"

    @property
    def address(self) -> str:
        """`unix:///var/run/docker.sock`."""
        return f"unix://{self._path}"

    @property
    def endpoint(self) -> Endpoint:
        """The socket."""
        return Endpoint(address=self.address, socket=self._path)

    def info(self) -> EngineInfo:
        """What the engine is; asked once."""
        if self._info is None:
            self._info = EngineInfo.of(self._ask("GET", "/info"), product=self._product)
        return self._info

    def inspect_image(self, reference: str) -> Mapping[str, Any] | None:
        """The image of a name or an id, or None."""
        try:
            return cast(Mapping[str, Any], self._ask("GET", f"/images/{quote(reference)}/json"))
        except MissingError:
            return None

    def history(self, reference: str) -> list[Mapping[str, Any]]:
        """The steps that made an image, latest first."""
        return cast("list[Mapping[str, Any]]", self._ask("GET", f"/images/{quote(reference)}/history"))

    def complete(self, reference: str) -> bool:
        """Whether the engine has every layer of a named image."""
        query = urlencode({"filters": json.dumps({"reference": [reference]}), "manifests": 1})
        return is_complete(self._ask("GET", f"/images/json?{query}"))

    def tag(self, image_id: str, reference: str) -> None:
        """Name an image."""
        repository, _, tag = reference.rpartition(":")
        query = urlencode({"repo": repository, "tag": tag})
        self._ask("POST", f"/images/{quote(image_id)}/tag?{query}")

    def remove_image(self, image_id: str) -> bool:
        """Remove an image; False if it is used, has several names, or is gone."""
        try:
            self._ask("DELETE", f"/images/{quote(image_id)}?force=0", timeout=_WORK)
        except RefusedError:
            return False
        return True

    def load(self, chunks: Iterable[bytes]) -> list[str]:
        """Stream an archive to the engine. Its answer is read meanwhile, so neither waits for the other."""
        with self._errors():
            connection = Connection(self._path, _WORK)
            try:
                return self._load(connection, chunks)
            finally:
                connection.close()

    def save(self, reference: str) -> BinaryIO:
        """The image as a stream; close it after use."""
        with self._errors():
            connection = Connection(self._path, _WORK)
            try:
                connection.request("GET", f"/images/get?{urlencode({'names': reference})}")
                answer = connection.answer()
                if answer.status != 200:
                    raise refusal(answer.status, answer.read(_LIMIT))
            except BaseException:
                connection.close()
                raise
        return cast(BinaryIO, io.BufferedReader(_Saved(connection, answer, self._path), 1 << 20))

    def close(self) -> None:
        """Close the connection that is kept for short questions."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _load(self, connection: Connection, chunks: Iterable[bytes]) -> list[str]:
        headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
        wire = connection.request("POST", "/images/load?quiet=1", headers)
        reader = _Reader(connection)
        reader.start()
        try:
            for chunk in filter(None, chunks):  # an empty chunk would end the body
                # An engine that answers early or hangs up wants no more: its answer, if any, says why.
                if reader.finished.is_set() or not _sent(wire, chunk):
                    break
            else:
                _sent(wire, b"")
        except BaseException:
            # Without the last chunk the engine takes the archive as broken, and loads nothing.
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            reader.join(5.0)
            raise
        while reader.is_alive():
            reader.join(0.5)  # in turns, so that Ctrl-C is heard
        if reader.failure is not None:
            raise reader.failure
        if reader.status != 200:
            raise refusal(reader.status, reader.body)
        return messages(reader.body)

    def _ask(self, method: str, path: str, timeout: float = _ASK) -> Any:
        with self._errors(), self._request(method, path, timeout=timeout) as answer:
            body = answer.read(_LIMIT)
            if answer.status >= 400:
                raise refusal(answer.status, body)
            return json.loads(body) if body.strip() else {}

    @contextmanager
    def _request(self, method: str, path: str, *, timeout: float) -> Iterator[Answer]:
        """One short question over the kept connection, opened anew if the engine has closed it meanwhile."""
        for attempt in (1, 2):
            fresh = self._connection is None
            connection = self._connection or Connection(self._path, timeout)
            connection.timeout = timeout
            try:
                connection.request(method, path)
                answer = connection.answer()
                break
            except BaseException as error:
                connection.close()
                self._connection = None
                if fresh or attempt == 2 or not isinstance(error, OSError):
                    raise
        self._connection = connection
        try:
            yield answer
            answer.read(_LIMIT)
            if answer.closes or not answer.finished:
                self.close()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what goes wrong on the way into an EngineError that names the socket and a way out."""
        try:
            yield
        except PermissionError as error:
            raise EngineError(
                f"{self._path} may not be opened by this user",
                hint="add yourself to the docker group (sudo usermod -aG docker $USER, then log in anew), " + OTHERWISE,
            ) from error
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise EngineError(
                f"no container engine answers on {self._path}", hint=f"start the daemon, {OTHERWISE}"
            ) from error
        except TimeoutError as error:
            raise EngineError(
                f"the container engine on {self._path} does not answer",
                hint=f"restart the daemon, {OTHERWISE}",
            ) from error
        except (OSError, ValueError) as error:
            raise EngineError(
                f"the connection to the container engine on {self._path} broke off: {_why(error)}",
                hint="look at the daemon's log, start it again and run the command again",
            ) from error


def _sent(wire: socket.socket, chunk: bytes) -> bool:
    """Send one chunk of a chunked body (an empty one ends it). False if the engine has hung up."""
    try:
        wire.sendall(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
    except OSError:
        return False
    return True


class _Reader(threading.Thread):
    """Reads the engine's answer while the archive is still being sent."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self.finished = threading.Event()
        self.failure: Exception | None = None
        self.status = 0
        self.body = b""

    def run(self) -> None:
        """Read it to its end."""
        try:
            answer = self._connection.answer()
            self.status = answer.status
            self.body = answer.read(_LIMIT)
        except OSError as error:
            self.failure = error
        finally:
            self.finished.set()


class _Saved(io.RawIOBase):
    """The archive that an engine saves, which ends early with an EngineError and not as if it were whole."""

    def __init__(self, connection: Connection, answer: Answer, path: str) -> None:
        self._connection = connection
        self._answer = answer
        self._path = path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._answer.readinto(buffer)
        except OSError as error:
            raise EngineError(
                f"the container engine on {self._path} stopped while it saved the image: {_why(error)}",
                hint="look at the daemon's log and run the command again",
            ) from error

    def close(self) -> None:
        self._connection.close()
        super().close()


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
