"""Have the base's own interpreter compile groups of modules, each group in a fresh process, several at once."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import EnvbuildError
from ...oci.canonical import digest_of
from . import COMPILE_REVISION
from .records import pack

if TYPE_CHECKING:
    from ...oci.store import Store

_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The interpreter that compiles.

    `command` and `environment` start it; `identity` names the bytes it is made of; `tag` is that of the names
    of its .pyc files (`cpython-311`).
    """

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    identity: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Modules that one process compiles: all that are wanted of a wheel, say.

    `content` names the bytes of everything in the group's place (a wheel's hash), `folder` is the path in the
    image that `paths` (sorted) are relative to, without a leading slash. `read` gives their sources.
    """

    title: str
    content: str
    folder: str
    paths: tuple[str, ...]
    read: Callable[[Sequence[str]], Sequence[bytes]]

    def key(self, toolchain: Toolchain) -> str:
        """What determines the bytecode."""
        parts = [COMPILE_REVISION, toolchain.identity, toolchain.tag, self.content, self.folder, list(self.paths)]
        return "bytecode:" + digest_of(parts)


def compile_groups(groups: Sequence[Group], toolchain: Toolchain, store: Store) -> list[str]:
    """The digests of the blobs with the groups' .pyc files, as records whose paths are the sources' in the image.

    What is in the store is not compiled again. Modules that do not compile are left out. EnvbuildError: the
    interpreter failed, with the name of the group.
    """
    digests = {number: _known(store, group.key(toolchain)) for number, group in enumerate(groups)}
    missing = sorted(
        (number for number, digest in digests.items() if not digest),
        key=lambda number: (-len(groups[number].paths), number),  # the longest first: the last one ends sooner
    )
    if missing:
        jobs = min(len(os.sched_getaffinity(0)), len(missing))
        running = _Running()
        pool = ThreadPoolExecutor(jobs)
        try:
            work = {pool.submit(_compile, groups[number], toolchain, store, running): number for number in missing}
            for future in as_completed(work):
                digests[work[future]] = future.result()
        except BaseException:
            running.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return [digests[number] for number in range(len(groups))]


def pyc_path(path: str, tag: str) -> str:
    """Where Python looks for the bytecode of the source at `path`."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _known(store: Store, key: str) -> str:
    match store.get_key(key):
        case {"digest": str(digest), "size": int(size)} if store.has(digest, size):
            return digest
    return ""


def _compile(group: Group, toolchain: Toolchain, store: Store, running: _Running) -> str:
    sources = zip((f"{group.folder}/{path}" for path in group.paths), group.read(group.paths), strict=True)
    code, out, err = running.run(
        [*toolchain.command, "-S", "-s", "-B", str(_WORKER), toolchain.tag],
        dict(toolchain.environment),
        pack(sources),
        group.title,
    )
    if code:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else f"signal {-code}" if code < 0 else f"exit code {code}"
        raise EnvbuildError(
            f"the base's Python could not compile {group.title}: {said}",
            hint="build with `--bytecode off`; the image will start more slowly",
        )
    digest, size = store.ingest([out])
    store.put_key(group.key(toolchain), {"digest": digest, "size": size})
    return digest


class _Running:
    """The processes at work, so that an interrupted run leaves none behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self, command: Sequence[str], environment: dict[str, str], data: bytes, title: str
    ) -> tuple[int, bytes, bytes]:
        """Exit code, stdout and stderr of `command` with `data` on its stdin."""
        with self._lock:
            if self._stopped:
                raise EnvbuildError("the compilation was interrupted")
            try:
                process = subprocess.Popen(
                    command,
                    env=environment,
                    cwd="/",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                raise EnvbuildError(
                    f"the base's Python cannot be started to compile {title}: {error.strerror or error}",
                    hint="build with `--bytecode off`; the image will start more slowly",
                ) from error
            self._processes.add(process)
        try:
            out, err = process.communicate(data)
        finally:
            with self._lock:
                self._processes.discard(process)
        return process.returncode, out, err

    def stop(self) -> None:
        """Kill what runs, and start nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()
