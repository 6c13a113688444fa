"""The sandbox of a machine without bubblewrap: a container of an engine, of the base alone, without network.

What goes in is copied in and what comes out is copied out, so that nothing of this machine is mounted.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import EngineError
from .oci.canonical import canonical_json
from .oci.store import Store
from .resolver.source.sandbox import ENVIRONMENT, Ended, Limits, Sandbox
from .resolver.source.usage import share_of_memory

if TYPE_CHECKING:
    from .bases.types import Base
    from .shipping.engine import Engine

_NAME = "envbuild-sandbox"
_USER = 65534
_LOG = 64 << 10
_TALK = 120
_TICK = 0.2
_LOOK = 5.0  # seconds between two looks at how much was written


class Container:
    """A sandbox by an engine on this machine. The image of the base goes with the container that was made of it."""

    def __init__(self, engine: Engine, base: Base, store: Store) -> None:
        self._engine = engine
        self._base = base
        self._store = store
        self.title = engine.info().title

    def run(self, python: str, given: Path, out: Path, limits: Limits, tick: Callable[[], object]) -> Ended:
        """See `Sandbox`. Raises EngineError."""
        with self._image() as image, _client(self._engine) as client:
            memory = _memory(client, limits)
            settings = client.create_host_config(
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                pids_limit=limits.tasks,
                # All of it in memory: what is swapped out would count for nobody. Without a bound where there is none.
                mem_limit=memory,
                memswap_limit=memory,
                oom_score_adj=1000,
                log_config={"type": "json-file", "config": {"max-size": "1m", "max-file": "1"}},
            )
            # Named before it is there: who is interrupted meanwhile knows what to remove.
            identity = image.replace(":", "-")
            try:
                client.create_container(
                    image,
                    name=identity,
                    command=["-I", "-B", "/given/worker.py"],
                    entrypoint=[python],
                    environment=dict(ENVIRONMENT),
                    user=f"{_USER}:{_USER}",
                    working_dir="/",
                    host_config=settings,
                    # To be found by, where a run was killed.
                    labels={_NAME: image},
                    # Those of the person's own docker may have a password in them.
                    use_config_proxy=False,
                )
                with tempfile.TemporaryFile() as file:
                    _packed(given, file)
                    client.put_archive(identity, "/", file)
                client.start(identity)
                why = _waited(client, identity, limits, tick)
                state = client.inspect_container(identity)["State"]
                if not why and state["ExitCode"] and state.get("OOMKilled"):
                    why = _out_of_memory(limits, memory)
                said = client.logs(identity, stdout=True, stderr=True, tail=200)[-_LOG:].decode("utf-8", "replace")
                if not why:
                    _taken(client.get_archive(identity, "/out")[0], out, limits)
                return Ended(code=int(state["ExitCode"]), said=said, why=why)
            finally:
                with suppress(Exception):
                    client.remove_container(identity, force=True, v=True)

    @contextmanager
    def _image(self) -> Iterator[str]:
        """The base as an image of the engine, of its layers alone: what it sets is not set."""
        from .oci.image import make_image
        from .oci.reference import parse_reference
        from .shipping.load import load

        base = self._base
        config = {
            "architecture": base.architecture,
            "os": "linux",
            "config": {},
            "created": "1970-01-01T00:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in base.layers]},
        }
        image = make_image(canonical_json(config), base.layers, {})
        # Of its own: another run that ends first takes its name away, and not ours.
        name = parse_reference(f"{_NAME}:{image.config_digest.removeprefix('sha256:')[:12]}-{os.urandom(4).hex()}")
        try:
            load(image, [name], self._store, self._engine)
            yield name.familiar
        finally:
            with suppress(EngineError):
                self._engine.remove_image(name.familiar)


def containing(engine: Engine | None, store: Store) -> Callable[[Base], Sandbox | None]:
    """What gives a sandbox of `engine`, or of whichever answers, for a base; None where none on this machine does."""

    def find(base: Base) -> Sandbox | None:
        from .shipping.engine import connect

        found = engine or connect(required=False)
        return Container(found, base, store) if found is not None and found.endpoint.socket else None

    return find


def _memory(client: Any, limits: Limits) -> int | None:
    """The bytes of memory that a container may have: the engine's machine may be a smaller one. None for no bound."""
    told = client.info()
    if not told.get("MemoryLimit", True):
        return None
    most = int(told.get("MemTotal") or 0)
    return min(limits.memory, share_of_memory(most)) if most else limits.memory


def _out_of_memory(limits: Limits, memory: int | None) -> str:
    """Why a container was ended that took all of its `memory`, or of the machine's where it had no bound."""
    if memory is None:
        return "the memory of the engine's machine ran out"
    return replace(limits, memory=memory).exceeded(memory=memory + 1)


def _waited(client: Any, identity: str, limits: Limits, tick: Callable[[], object]) -> str:
    """Wait for the container's end; why it was ended before, or nothing."""
    started = looked = time.monotonic()
    while client.inspect_container(identity)["State"]["Running"]:
        tick()
        now = time.monotonic()
        why = limits.exceeded(seconds=now - started)
        if not why and now - looked > _LOOK:
            looked = now
            rows = client.containers(all=True, size=True, filters={"name": identity})
            why = limits.exceeded(disk=sum(int(row.get("SizeRw") or 0) for row in rows))
        if why:
            client.kill(identity)
            return why
        time.sleep(_TICK)
    return ""


def _packed(given: Path, file: IO[bytes]) -> None:
    """Write what is given as a tar to be laid at the root, with an empty /out for the build's own user."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode |= 0o555 if member.isdir() else 0o444
        return member

    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(given, "given", filter=plain)
        for name, mode, owner in (("out", 0o755, _USER), ("tmp", 0o1777, 0)):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, mode, owner, owner
            tar.addfile(member)
    file.seek(0)


def _taken(chunks: Iterable[bytes], out: Path, limits: Limits) -> None:
    """Lay the files of /out into `out`, and nothing that is no file. EngineError where that is too much."""
    with tempfile.TemporaryFile() as file:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > 2 * limits.wheel + (1 << 20):
                raise EngineError("the build left more than a wheel may have", hint="do not trust this source")
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            for member in tar:
                folder, _, name = member.name.partition("/")
                if not member.isreg() or folder != "out" or not name or "/" in name or name in (".", ".."):
                    continue
                content = tar.extractfile(member)
                with (out / name).open("xb") as target:
                    while content is not None and (piece := content.read(1 << 20)):
                        target.write(piece)


@contextmanager
def _client(engine: Engine) -> Iterator[Any]:
    """docker-py's client; what the engine refuses becomes an EngineError."""
    from docker.errors import DockerException
    from requests import RequestException

    from .local.container import client_of

    client = client_of(engine)
    client.timeout = _TALK
    try:
        yield client
    except (DockerException, RequestException, tarfile.TarError, json.JSONDecodeError) as error:
        said = getattr(error, "explanation", None) or str(error)
        raise EngineError(
            f"source could not be built in a container: {said}",
            hint="look at the daemon's log; with bubblewrap installed no engine is needed",
        ) from error
    finally:
        client.close()
