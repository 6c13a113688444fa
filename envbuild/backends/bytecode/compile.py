"""Have the base's own interpreter compile groups of modules, each as if in a fresh process, several at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...oci.canonical import digest_of
from . import COMPILE_REVISION
from .processes import Processes

if TYPE_CHECKING:
    from ...oci.store import Store


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
    """Modules that are compiled one after the other: all that are wanted of a wheel, say.

    `content` names the bytes of everything in the group's place (a wheel's hash), `folder` is the path in the
    image that `paths` (sorted) are relative to, without a leading slash. `read` gives their sources, one by one.
    """

    title: str
    content: str
    folder: str
    paths: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterable[bytes]]

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
        processes = Processes(toolchain)
        pool = ThreadPoolExecutor(jobs)
        try:
            work = {pool.submit(_compile, groups[n], toolchain, store, processes): n for n in missing}
            for future in as_completed(work):
                digests[work[future]] = future.result()
        finally:
            processes.stop()  # before the threads are waited for, who wait for their processes
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


def _compile(group: Group, toolchain: Toolchain, store: Store, processes: Processes) -> str:
    sources = zip((f"{group.folder}/{path}" for path in group.paths), group.read(group.paths), strict=True)
    digest, size = store.ingest(processes.compile(group, sources))
    store.put_key(group.key(toolchain), {"digest": digest, "size": size})
    return digest
