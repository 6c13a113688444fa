"""Engines behind TCP, TLS or SSH, through the docker package, which is imported only here."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from ..errors import EngineError
from .answers import refused, said_well
from .endpoint import Endpoint
from .engine import EngineInfo, is_complete

_WORK = 3600
_TLS_FILES = (("ca_cert", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem"))


class RemoteEngine:
    """An engine at an address that is no unix socket."""

    def __init__(self, endpoint: Endpoint, *, timeout: float = 10.0) -> None:
        self.address = endpoint.address
        self.endpoint = endpoint
        self._info: EngineInfo | None = None
        with self._errors():
            from docker import APIClient

            client = APIClient(
                base_url=endpoint.address,
                timeout=int(timeout),
                tls=_tls(endpoint),
                use_ssh_client=endpoint.address.startswith("ssh://"),
            )
            self._server = client.version()
            client.timeout = _WORK
        self._client: Any = client

    def info(self) -> EngineInfo:
        """What the engine is; asked once."""
        if self._info is None:
            with self._errors():
                parts = [str(part.get("Name")) for part in self._server.get("Components") or ()]
                podman = any("podman" in part.lower() for part in parts)
                self._info = EngineInfo.of(self._client.info(), product="podman" if podman else "docker")
        return self._info

    def inspect_image(self, reference: str) -> Mapping[str, Any] | None:
        """The image of a name or an id, or None."""
        from docker.errors import NotFound

        with self._errors():
            try:
                return cast(Mapping[str, Any], self._client.inspect_image(reference))
            except NotFound:
                return None

    def history(self, reference: str) -> list[Mapping[str, Any]]:
        """The steps that made an image, latest first."""
        with self._errors():
            return cast("list[Mapping[str, Any]]", self._client.history(reference))

    def complete(self, reference: str) -> bool:
        """Whether the engine has every layer of a named image."""
        with self._errors():
            answer = self._client.get(
                f"{self._client.base_url}/images/json",
                params={"filters": json.dumps({"reference": [reference]}), "manifests": 1},
                timeout=_WORK,
            )
            answer.raise_for_status()
            return is_complete(answer.json())

    def load(self, chunks: Iterable[bytes]) -> list[str]:
        """Stream an archive to the engine."""
        said = []
        with self._errors():
            for entry in self._client.load_image(data=chunks, quiet=True):
                if text := said_well(entry):
                    said.append(text)
        return said

    def tag(self, image_id: str, reference: str) -> None:
        """Name an image."""
        repository, _, tag = reference.rpartition(":")
        with self._errors():
            self._client.tag(image_id, repository, tag)

    def save(self, reference: str) -> BinaryIO:
        """The image as a stream; close it after use."""
        with self._errors():
            chunks = self._client.get_image(reference)
        return cast(BinaryIO, io.BufferedReader(_Chunks(chunks, self), 1 << 20))

    def remove_image(self, image_id: str) -> bool:
        """Remove an image; False if it is used, has several names, or is gone."""
        from docker.errors import APIError

        with self._errors():
            try:
                self._client.remove_image(image_id, force=False)
            except APIError:
                return False
        return True

    def close(self) -> None:
        """Close the session."""
        self._client.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the errors of docker, requests and paramiko into EngineError."""
        try:
            yield
        except EngineError:
            raise
        except Exception as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> Exception:
        """The EngineError for an error on the way; any other error as it is."""
        from docker.errors import APIError, DockerException
        from requests import RequestException

        if isinstance(error, APIError):
            return refused(str(error.explanation or error))
        if isinstance(error, (DockerException, RequestException, OSError)):
            return EngineError(
                f"the container engine at {self.address} does not answer: {error}",
                hint="check DOCKER_HOST and the Docker context, or use --output oci-archive=image.tar",
            )
        return error


class _Chunks(io.RawIOBase):
    """A stream of chunks as a file."""

    def __init__(self, chunks: Iterator[bytes], engine: RemoteEngine) -> None:
        self._chunks = iter(chunks)
        self._engine = engine
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return 0
        except Exception as error:
            raise self._engine.failure(error) from error
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _tls(endpoint: Endpoint) -> Any:
    """The key files of an endpoint as docker's own configuration; False for a plain connection."""
    if not endpoint.tls:
        return False
    from pathlib import Path

    from docker.tls import TLSConfig

    found = {name: str(Path(endpoint.tls) / file) for name, file in _TLS_FILES if (Path(endpoint.tls) / file).is_file()}
    pair = (found["cert"], found["key"]) if {"cert", "key"} <= set(found) else None
    return TLSConfig(client_cert=pair, ca_cert=found.get("ca_cert"), verify=endpoint.verify)
