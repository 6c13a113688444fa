"""The steps before the plan: platform, base, lock, and the wheels when they are wanted."""

from __future__ import annotations

import os
import platform as host
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from .bases import choose, open_base, python_notes
from .bases.types import Base, Choice, Foreseen
from .errors import CorruptBlobError, UsageError
from .model.types import Model
from .oci.store import Store
from .options import Options, cache_dir
from .progress import SILENT, Progress
from .records import dataclass
from .resolver.types import Lock
from .servers.types import Server

if TYPE_CHECKING:
    from .shipping.engine import Engine

ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
Done = TypeVar("Done")
Save = Callable[[str], AbstractContextManager[BinaryIO]]
Inspect = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """How a base is read from a container engine; both None where there is none."""

    save: Save | None = None
    inspect: Inspect | None = None

    @classmethod
    def of(cls, engine: Engine | None) -> Images:
        """Through `engine`."""
        return cls(save=engine.save, inspect=engine.inspect_image) if engine else cls()

    @classmethod
    def connected(cls, options: Options) -> Images:
        """Through whichever engine answers, where the base needs one."""
        if not options.base.startswith("docker-daemon:"):
            return cls()
        from .shipping.engine import connect

        return cls.of(connect(required=True))


def open_store(options: Options) -> Store:
    """The store in the cache folder."""
    return Store(cache_dir(options) / "store")


def choose_platform(options: Options) -> str:
    """`linux/<architecture>` as asked, else this machine's architecture."""
    if options.platform:
        if options.platform != "linux/amd64":
            raise UsageError(
                f"--platform {options.platform} is not supported",
                hint="this version builds linux/amd64",
            )
        return options.platform
    architecture = ARCHITECTURES.get(host.machine(), "")
    if architecture != "amd64":
        raise UsageError(
            f"no image can be made for this machine's architecture ({host.machine()})",
            hint="--platform linux/amd64 makes an image for x86-64",
        )
    return "linux/amd64"


def prepare_base(
    model: Model,
    options: Options,
    store: Store,
    images: Images,
    progress: Progress,
    foreseen: Callable[[Foreseen], None] | None = None,
) -> tuple[Base, Choice]:
    """Choose the base by the Python that is wanted, and open it. `foreseen` is `open_base`'s."""
    wanted, source = wanted_python(model, options)
    choice = choose(options.base, wanted, python_source=source)
    for note in choice.notes:
        progress.note(note)
    base = open_base(
        choice.name,
        store,
        platform=choose_platform(options),
        progress=progress,
        save=images.save,
        inspect=images.inspect,
        foreseen=foreseen,
        apt=options.apt,
        # What --apt adds is locked on this machine, so somebody must be able to have its security updates.
        refresh=bool(options.apt) and options.upgrade,
    )
    notes = base.notes if base.assembled else (*base.notes, *python_notes(base, wanted, source))
    for note in notes:
        progress.note(note)
    return base, choice


def wanted_python(model: Model, options: Options) -> tuple[str, str]:
    """The Python version that is wanted (`3.11.7` or `3.11`), and where that was said; empty where nothing says."""
    if options.python:
        return options.python, "--python"
    pin = model.environment.python
    if pin is not None and pin.minor:
        return _version(pin.text) or pin.minor, f"{pin.span.file}:{pin.span.line}"
    if model.mlmodel is not None and model.mlmodel.python_version:
        return model.mlmodel.python_version, "MLmodel"
    return "", ""


def _version(text: str) -> str:
    """The plain version that a pin names, or nothing for a range or a wildcard."""
    plain = text.strip().lstrip("=").strip()
    return plain if all(part.isdigit() for part in plain.split(".")) else ""


def prepare_both(
    model: Model,
    server: Server,
    options: Options,
    store: Store,
    images: Images,
    progress: Progress,
    *,
    to_read: bool = False,
) -> tuple[Base, Choice, Lock]:
    """The base and the lock. Where the base has to be made, the packages are resolved meanwhile for what it will be.

    `to_read` says that the rules look into the wheels next: then they are fetched and read meanwhile too.
    """
    from .aside import Aside

    expected: list[Foreseen] = []
    with Aside[Lock](progress) as aside:

        def resolve_aside(foreseen: Foreseen) -> None:
            expected.append(foreseen)
            aside.start(lambda listener: resolve_and_fetch(foreseen, listener))

        def resolve_and_fetch(foreseen: Foreseen, listener: Progress) -> Lock:
            lock = _resolve(model, server, foreseen, options, listener)
            if to_read:
                from .resolver.contents import read_contents

                lock = fetch_all(lock, store, listener)
                # What came is read already; this gathers it, and reads what was there before.
                read_contents(lock, store)
            return lock

        base, choice = prepare_base(model, options, store, images, progress, resolve_aside)
        if aside.started and expected[0].fits(base):
            return base, choice, aside.result()
    return base, choice, prepare_lock(model, server, base, options, progress)


def prepare_lock(model: Model, server: Server, base: Base, options: Options, progress: Progress) -> Lock:
    """Resolve, or take the lock that the cache has for the same inputs."""
    foreseen = Foreseen(python=base.interpreter.version, glibc=base.glibc, architecture=base.architecture)
    return _resolve(model, server, foreseen, options, progress)


def _resolve(model: Model, server: Server, base: Foreseen, options: Options, progress: Progress) -> Lock:
    from .model import extra_requirements
    from .resolver import resolve

    return resolve(
        model.environment,
        server,
        python=base.python,
        glibc=base.glibc,
        architecture=base.architecture,
        cache=cache_dir(options),
        extra=extra_requirements(options.requirements),
        inject=options.inject,
        full_mlflow=options.full_mlflow,
        upgrade=options.upgrade,
        locked=options.locked,
        model_root=model.root,
        progress=progress,
    )


def fetch_all(lock: Lock, store: Store, progress: Progress) -> Lock:
    """Bring every wheel of `lock` into the store, and read each while others still come; the lock with their sizes."""
    from .resolver import fetch
    from .resolver.contents import read_one

    if all(package.size and store.has(f"sha256:{package.sha256}", package.size) for package in lock.packages):
        return lock
    return fetch(lock, store, progress, arrived=lambda package: read_one(package, lock, store))


def fetcher(lock: Lock, store: Store, progress: Progress) -> Callable[[Sequence[str]], None]:
    """A function that brings the wheels with the given sha256 (hex) of `lock` into the store."""

    def fetch_wheels(wanted: Sequence[str]) -> None:
        from .resolver import fetch

        chosen = frozenset(wanted)
        fetch(replace(lock, packages=tuple(p for p in lock.packages if p.sha256 in chosen)), store, progress)

    return fetch_wheels


def created() -> str:
    """SOURCE_DATE_EPOCH as RFC 3339, or empty where it is not set."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return ""
    from .backends.assemble import rfc3339

    try:
        return rfc3339(int(text))
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {text!r}", hint="it must be a whole number of seconds since 1970"
        ) from None


def with_sound_blobs(
    work: Callable[[Base], Done],
    base: Base,
    model: Model,
    options: Options,
    store: Store,
    images: Images,
    progress: Progress,
) -> Done:
    """What `work` makes on `base`. A damaged entry of the cache is a miss: it is dropped and made anew, each once."""
    dropped: set[str] = set()
    while True:
        try:
            return work(base)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            store.drop(error.digest)
            progress.warn(f"the cached blob {error.digest[:19]} was damaged and is made anew")
            base, _ = prepare_base(model, options, store, images, SILENT)
