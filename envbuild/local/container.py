"""A server to be tried as a container, run the way a strict cluster runs it.

The root is read-only with a writable /tmp, there are no capabilities, and the user is one that the image does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import EngineError, UsageError
from ..servers import PROFILES
from ..shipping.engine import Engine
from .addresses import LOOPBACK, free_port
from .on_host import EXPECTED, how, read_expected
from .process import GRACE
from .refusals import BODY_LIMIT

_USER = "12345:0"
_LABEL = "dev.envbuild.server"
_KILLED = 137
_TALK = 60


class ContainerSubject:
    """A container; see `trial.Subject`."""

    def __init__(
        self, client: Any, identity: str, address: tuple[str, int], name: str, found: Mapping[str, Any]
    ) -> None:
        self._client = client
        self._id = identity
        self._config = found["Config"]
        self.name = name
        self.server = server_of(found, name)
        self.where = "in a container"
        self.address = address
        self.model_name = _environment(found).get("ENVBUILD_MODEL_NAME") or "model"

    def ended(self) -> str:
        """How it ended, in words; empty while it runs."""
        state = self._state()
        if state["Running"]:
            return ""
        killed = ", out of memory" if state.get("OOMKilled") else ""
        return f"the container ended with {how(int(state['ExitCode']))}{killed}"

    def log(self) -> str:
        """The last lines of its log."""
        with _errors("the container's log could not be read"):
            said: bytes = self._client.logs(self._id, stdout=True, stderr=True, tail=15)
        return said.decode("utf-8", "replace").rstrip("\n")

    def expected(self, seconds: float) -> Mapping[str, Any]:
        """What `expected.py` writes, run inside the container. Raises ServerError."""
        python = (self._config.get("Entrypoint") or ["python"])[0]
        with _errors("the model could not be asked in the container"):
            self._client.timeout = int(seconds) + _TALK
            made = self._client.exec_create(self._id, [python, "-c", EXPECTED])["Id"]
            out, said = self._client.exec_start(made, demux=True)
            code = self._client.exec_inspect(made)["ExitCode"]
            self._client.timeout = _TALK
        texts = [(part or b"").decode("utf-8", "replace") for part in (out, said)]
        return read_expected(texts[0], texts[1], int(code or 0))

    def stop(self) -> tuple[bool, str]:
        """Ask it to stop: whether it ended well and in time, and how it ended."""
        if early := self.ended():
            return False, early
        with _errors("the container could not be stopped"):
            self._client.timeout = GRACE + _TALK
            self._client.stop(self._id, timeout=GRACE)
        code = int(self._state()["ExitCode"])
        if code == _KILLED:
            return False, f"it was killed after {GRACE} seconds"
        return code in (0, 143), f"it ended with {how(code)}"

    def _state(self) -> Mapping[str, Any]:
        with _errors("the container could not be looked at"):
            state: Mapping[str, Any] = self._client.inspect_container(self._id)["State"]
        return state


@contextmanager
def in_container(engine: Engine, image: str, name: str) -> Iterator[ContainerSubject]:
    """Run `image`, a name or an id that `engine` has, and remove the container whatever happens.

    Raises EngineError for what the engine refuses, UsageError for an image that is not envbuild's.
    """
    found = engine.inspect_image(image)
    if found is None:
        raise EngineError(f"the engine has no image {image}", hint="build it, pull it or load it first")
    inside = port_of(found, name)
    client = client_of(engine)
    identity = ""
    try:
        with _errors(f"{name} could not be run as a container"):
            identity, address = _start(client, engine, image, inside)
        yield ContainerSubject(client, identity, address, name, found)
    finally:
        if identity:
            with suppress(Exception):
                client.remove_container(identity, force=True, v=True)
        client.close()


def server_of(found: Mapping[str, Any], name: str) -> str:
    """The profile that an image of envbuild's says it has. Raises UsageError for any other image."""
    labels = found["Config"].get("Labels") or {}
    server = str(labels.get(_LABEL, ""))
    if server not in PROFILES:
        raise UsageError(
            f"{name} was not made by envbuild: it has no label {_LABEL}", hint="`envbuild test` knows envbuild's own"
        )
    return server


def port_of(found: Mapping[str, Any], name: str) -> int:
    """The port that the server inside listens on by itself."""
    given = _environment(found).get("PORT", "")
    return int(given) if given.isdecimal() else PROFILES[server_of(found, name)].port


def _start(client: Any, engine: Engine, image: str, inside: int) -> tuple[str, tuple[str, int]]:
    """Start it behind a port of the loopback, or on the host's own network where an engine has no other."""
    from docker.errors import APIError

    # Of a list of networks only the engine's own bridge says that ports can be published.
    podman = engine.info().product == "podman"
    bridged = podman or any(network["Name"] == "bridge" for network in client.networks())
    if bridged:
        identity = _create(client, image, inside, host=False)
        try:
            client.start(identity)
            port = client.inspect_container(identity)["NetworkSettings"]["Ports"][f"{inside}/tcp"][0]["HostPort"]
            return identity, (LOOPBACK, int(port))
        except (APIError, KeyError, TypeError, IndexError):
            # The network is listed, and cannot be joined: an engine inside a container, say.
            client.remove_container(identity, force=True, v=True)
        except BaseException:
            client.remove_container(identity, force=True, v=True)
            raise
    port = free_port()
    identity = _create(client, image, port, host=True)
    try:
        client.start(identity)
    except BaseException:
        client.remove_container(identity, force=True, v=True)
        raise
    return identity, (LOOPBACK, port)


def _create(client: Any, image: str, port: int, *, host: bool) -> str:
    network: dict[str, Any] = {"network_mode": "host"} if host else {"port_bindings": {port: (LOOPBACK, None)}}
    settings = client.create_host_config(
        read_only=True, tmpfs={"/tmp": ""}, cap_drop=["ALL"], security_opt=["no-new-privileges"], **network
    )
    environment = {"PORT": str(port), "ENVBUILD_MAX_BODY": str(BODY_LIMIT), "ENVBUILD_LOG_FORMAT": "text"}
    if host:
        # The network is this machine's, so that the server would be open to everybody who can reach it.
        environment["ENVBUILD_HOST"] = LOOPBACK
    made = client.create_container(
        image, environment=environment, user=_USER, ports=None if host else [port], host_config=settings
    )
    return str(made["Id"])


def client_of(engine: Engine) -> Any:
    """docker-py's client of an engine on this machine. Raises EngineError for one that is elsewhere."""
    from docker import APIClient
    from docker.errors import DockerException

    endpoint = engine.endpoint
    if not endpoint.socket:
        raise EngineError(
            f"a container of the engine at {endpoint.address} cannot be reached from this machine",
            hint="run the trial where the engine is, or on this machine: envbuild test MODEL",
        )
    try:
        return APIClient(base_url=f"unix://{endpoint.socket}", version="auto", timeout=_TALK)
    except DockerException as error:
        raise EngineError(f"the engine at {endpoint.address} does not answer: {error}") from error


@contextmanager
def _errors(what: str) -> Iterator[None]:
    """Turn what the engine refuses, and what goes wrong on the way, into an EngineError."""
    from docker.errors import DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        said = getattr(error, "explanation", None) or str(error)
        if isinstance(said, bytes):
            said = said.decode("utf-8", "replace")
        raise EngineError(f"{what}: {said}", hint="look at the daemon's log") from error


def _environment(found: Mapping[str, Any]) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in found["Config"].get("Env") or ())
