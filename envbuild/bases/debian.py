"""An assembled base, from its lock to a `Base` in the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..errors import BaseImageError, CorruptBlobError, EnvbuildError, NetworkError
from ..oci.canonical import digest_of
from ..oci.store import Store
from ..oci.types import Layer
from ..progress import Progress, Summary
from .lock import BaseLock, from_json, shipped, to_json, upstream_version
from .manifest import assembled_config, recall, remember, store_manifest
from .rootfs import host_architecture
from .suites import ARCHITECTURES, RECIPE, SUITES, Suite
from .types import Base, Foreseen, Interpreter, SystemPackage

if TYPE_CHECKING:
    from .download import Downloader


def open_debian(
    suite: Suite,
    store: Store,
    *,
    architecture: str,
    refresh: bool,
    progress: Progress,
    foreseen: Callable[[Foreseen], None] | None = None,
    apt: Sequence[str] = (),
) -> Base:
    """The base of `suite` for `architecture` (Debian's name), from the cache if it was made before.

    `apt` are packages beyond the base's own: what they and the base are made of is locked once, by the newest packages
    of that day, and kept in the store. `refresh` reads the indexes and takes the newest packages, also for later calls
    with the same store. `foreseen` is told what the base will be before it is made, where a lock says so; a mirror may
    still make it another.
    """
    if architecture not in ARCHITECTURES:
        raise BaseImageError(
            f"{suite.name} cannot be assembled for {architecture}",
            hint=f"choose --platform linux/{' or linux/'.join(sorted(ARCHITECTURES))}",
        )
    ships = shipped(suite.codename, architecture)
    apt = tuple(sorted(set(apt)))
    lock = kept_lock(suite, architecture, ships, store, apt) or (None if apt else ships)
    base = recall(store, base_key(lock), name=suite.name) if lock and not refresh else None
    if base is not None and lock is not None:
        progress.start("base", suite.name)
        progress.done("base", _summary(base, lock, downloaded=0, cached=True))
    else:
        if (likely := lock or ships) and not refresh and foreseen is not None:
            foreseen(
                Foreseen(
                    python=python_version(suite, likely),
                    glibc=upstream_version(likely.version("libc6")),
                    architecture=ARCHITECTURES[architecture][0],
                )
            )
        base, lock = _make(suite, architecture, lock, ships, store, refresh=refresh, progress=progress, apt=apt)
    if ships is not None and replace(lock, packages=lock.own, apt=(), added=()).digest == ships.digest:
        return base
    return replace(base, notes=(f"its packages are those of {lock.date}, not the ones that envbuild ships",))


def _make(
    suite: Suite,
    architecture: str,
    lock: BaseLock | None,
    ships: BaseLock | None,
    store: Store,
    *,
    refresh: bool,
    progress: Progress,
    apt: tuple[str, ...],
) -> tuple[Base, BaseLock]:
    from .mirrors import VARIABLE

    downloader = make_downloader(os.environ)
    progress.start("base", suite.name, total=lock.size if lock else 0)
    if lock is None or refresh:
        lock = _resolve(suite, architecture, lock or ships, downloader, progress, apt)
        _keep_lock(lock, store)
    received, gone = downloader.fetch_all(lock.packages, store, lambda n: progress.advance("base", n))
    if gone:
        names = ", ".join(f"{p.name} {p.version}" for p in gone[:3]) + (" and more" if len(gone) > 3 else "")
        progress.note(
            f"the mirror no longer has {names}: {suite.name} takes its newest packages instead of the locked ones"
        )
        lock = _resolve(suite, architecture, lock, downloader, progress, apt)
        more, gone = downloader.fetch_all(lock.packages, store, lambda n: progress.advance("base", n))
        if gone:
            raise NetworkError(
                f"the mirror's index names {gone[0].path}, but the mirror does not have it",
                hint=f"the mirror is incomplete or being updated; try again later or name another with {VARIABLE}",
            )
        received += more
        _keep_lock(lock, store)
    base = assemble_base(suite, lock, store, downloader)
    progress.done("base", _summary(base, lock, downloaded=received, cached=False))
    return base, lock


def make_downloader(environ: Mapping[str, str]) -> Downloader:
    """A downloader over the mirrors that the environment or this machine names."""
    from .download import Downloader
    from .mirrors import find_mirrors

    return Downloader(find_mirrors(environ))


def _resolve(
    suite: Suite,
    architecture: str,
    lock: BaseLock | None,
    downloader: Downloader,
    progress: Progress,
    apt: tuple[str, ...],
) -> BaseLock:
    from .release import KEYRING
    from .resolve import resolve_lock

    new = resolve_lock(
        suite,
        architecture,
        downloader,
        keyring=KEYRING.read_bytes(),
        now=datetime.now(timezone.utc),
        not_before=lock,
        apt=apt,
    )
    if new.added:
        size = sum(package.size for package in new.packages if package.name in new.added) / 1e6
        progress.note(f"{suite.name} with {', '.join(new.apt)}: {len(new.added)} more packages, {size:.1f} MB packed")
    if lock is not None:
        changed = [
            f"{p.name} {lock.version(p.name) or '(new)'} -> {p.version}"
            for p in new.packages
            if lock.version(p.name) != p.version and (p.name not in new.added or p.name in lock.added)
        ]
        shown = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if len(changed) > 8 else "")
        progress.note(f"{suite.name} as of {new.date}: " + (shown or "no package changed"))
    return new


def _layer(lock: BaseLock, store: Store, downloader: Downloader) -> Layer:
    """The base's layer. A damaged .deb in the cache is a miss: it is fetched anew."""
    from .assemble import assemble_layer

    for _ in lock.packages:
        try:
            return assemble_layer(lock, store)
        except CorruptBlobError as error:
            store.drop(error.digest)
            _, gone = downloader.fetch_all(lock.packages, store, lambda _: None)
            if gone:
                raise NetworkError(
                    f"{gone[0].name} {gone[0].version} was damaged in the cache, and the mirror no longer has it",
                    hint="open the base again: its packages are then taken anew",
                ) from None
    return assemble_layer(lock, store)


def assemble_base(suite: Suite, lock: BaseLock, store: Store, downloader: Downloader) -> Base:
    """The base of `lock`, whose .debs are in the store, put together and remembered; see `assemble_layer`."""
    layer = _layer(lock, store, downloader)
    config = assembled_config(suite.name, ARCHITECTURES[lock.architecture][0], layer, lock.apt)
    base = Base(
        name=suite.name,
        digest=store_manifest(store, config, [layer]),
        architecture=ARCHITECTURES[lock.architecture][0],
        interpreter=Interpreter(
            version=python_version(suite, lock), executable=f"/usr/bin/python{suite.python}", home="/usr"
        ),
        glibc=upstream_version(lock.version("libc6")),
        layers=(layer,),
        config=config,
        packages=tuple(SystemPackage(name=p.name, version=p.version, sha256=p.sha256) for p in lock.packages),
        assembled=True,
    )
    remember(store, base_key(lock), base)
    return base


def python_version(suite: Suite, lock: BaseLock) -> str:
    """The full version of the base's Python, `3.11.2`."""
    return upstream_version(lock.version(f"python{suite.python}-minimal"))


def _summary(base: Base, lock: BaseLock, *, downloaded: int, cached: bool) -> Summary:
    count = len(base.packages)
    elsewhere = f" for linux/{base.architecture}" if base.architecture != host_architecture() else ""
    return Summary(
        count=count,
        noun="packages",
        size=base.layers[0].size,
        cached=count if cached else 0,
        cached_size=base.layers[0].size if cached else max(lock.size - downloaded, 0),
        detail=f"{base.name}{elsewhere}, Python {base.interpreter.version}",
    )


def base_key(lock: BaseLock) -> str:
    """What the base of `lock` is remembered under."""
    return f"base:{RECIPE}:{lock.suite}:{lock.architecture}:{lock.digest}"


def _lock_key(suite: str, architecture: str, apt: Sequence[str]) -> str:
    return f"base-lock:{suite}:{architecture}" + "".join(f"+{name}" for name in apt)


def _keep_lock(lock: BaseLock, store: Store) -> None:
    ships = shipped(lock.suite, lock.architecture)
    value = {"replaces": ships.digest if ships else "", "lock": to_json(lock), "digest": digest_of(to_json(lock))}
    store.put_key(_lock_key(lock.suite, lock.architecture, lock.apt), value)


def kept_lock(
    suite: Suite, architecture: str, ships: BaseLock | None, store: Store, apt: Sequence[str]
) -> BaseLock | None:
    """The lock that an earlier refresh left in the store, unless the package has shipped a new one since."""
    value = store.get_key(_lock_key(suite.codename, architecture, apt))
    if value is None:
        return None
    try:
        lock = from_json(value["lock"])
        if digest_of(value["lock"]) != value["digest"]:
            return None
    except (EnvbuildError, KeyError, TypeError):
        return None
    return lock if value.get("replaces") == (ships.digest if ships else "") else None


def suite_of(name: str) -> Suite | None:
    """The suite that `debian:bookworm` names, None if it is no catalogue name."""
    kind, _, codename = name.partition(":")
    return SUITES.get(codename) if kind == "debian" else None
