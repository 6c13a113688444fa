"""What a container engine does for envbuild, and finding the one to speak to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Literal, Protocol

from ..errors import EngineError
from ..records import dataclass
from .endpoint import Endpoint, candidates

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine says of itself.

    `store` is how it keeps images: `classic` knows layers by the hash of their plain tar, `containerd` keeps
    the blobs as they came. `id` is the engine's own (podman has none), `architecture` is as in an image (`amd64`).
    """

    id: str
    product: Literal["docker", "podman"]
    version: str
    store: Literal["classic", "containerd"]
    architecture: str
    os: str

    @property
    def title(self) -> str:
        """`docker 26.1.5`, for people."""
        return f"{self.product} {self.version.partition('+')[0]}"

    @classmethod
    def of(cls, answer: Mapping[str, Any], *, product: Literal["docker", "podman"]) -> EngineInfo:
        """Read the answer to `GET /info`."""
        status = answer.get("DriverStatus") or ()
        drivers = [str(pair[1]) for pair in status if isinstance(pair, (list, tuple)) and len(pair) == 2]
        architecture = str(answer.get("Architecture", ""))
        return cls(
            id=str(answer.get("ID", "")) if product == "docker" else "",
            product=product,
            version=str(answer.get("ServerVersion", "")),
            store="containerd" if any("io.containerd.snapshotter" in name for name in drivers) else "classic",
            architecture=_ARCHITECTURES.get(architecture, architecture),
            os=str(answer.get("OSType", "")) or "linux",
        )


def is_complete(listed: Iterable[Mapping[str, Any]]) -> bool:
    """Read the answer to `GET /images/json` with `manifests`: an image in part is left out, or says so."""
    for entry in listed:
        manifests = entry.get("Manifests")
        if manifests is None or any(part.get("Available") for part in manifests):
            return True
    return False


class RefusedError(EngineError):
    """The engine is there and said no. Other EngineErrors mean that it is not there, or went away."""


class Engine(Protocol):
    """A container engine. Every method raises EngineError with the engine's own words."""

    @property
    def address(self) -> str:
        """Where it is: `unix:///var/run/docker.sock`."""

    @property
    def endpoint(self) -> Endpoint:
        """How it is reached, for a client of another kind."""

    def info(self) -> EngineInfo:
        """What it is; asked once."""

    def inspect_image(self, reference: str) -> Mapping[str, Any] | None:
        """The engine's description of an image by name or id, or None if it has none such."""

    def history(self, reference: str) -> list[Mapping[str, Any]]:
        """How an image came to be, its latest step first: `CreatedBy`, and `Size` in bytes of what it added."""

    def complete(self, reference: str) -> bool:
        """Whether it has every layer of a named image: the containerd store also names what it has in part."""

    def load(self, chunks: Iterable[bytes]) -> list[str]:
        """Load an archive that is streamed to it; what the engine said meanwhile."""

    def tag(self, image_id: str, reference: str) -> None:
        """Give an image that it has one more name."""

    def save(self, reference: str) -> BinaryIO:
        """A Docker archive of an image, as a stream to read and to close."""

    def remove_image(self, image_id: str) -> bool:
        """Remove an image that nothing uses, without force. False if the engine keeps it."""

    def close(self) -> None:
        """Let go of the connection."""


def connect(*, required: bool) -> Engine | None:
    """The engine that a `docker` command here would speak to, else podman's.

    Looks at DOCKER_HOST, at Docker's current context, then at the usual sockets. If none answers: None, or
    with `required` an EngineError that names what is there and the way out.
    """
    problems: list[EngineError] = []
    for endpoint in candidates():
        try:
            return _open(endpoint, timeout=10.0 if required else 2.0)
        except EngineError as error:
            problems.append(error)
    if not required:
        return None
    if problems:
        raise problems[0]
    raise EngineError(
        "no container engine was found",
        hint="start Docker or podman, set DOCKER_HOST, or write a file: --output oci-archive=image.tar",
    )


def _open(endpoint: Endpoint, *, timeout: float) -> Engine:
    if endpoint.problem:
        raise EngineError(endpoint.problem, hint=endpoint.hint)
    if endpoint.socket:
        from .unix import UnixEngine

        return UnixEngine(endpoint.socket, timeout=timeout)
    from .remote import RemoteEngine

    return RemoteEngine(endpoint, timeout=timeout)
