"""The conda packages of a lock that somebody else wrote, without addresses: the channels of the model are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...errors import ResolveError
from ...model.conda_way import lock_beside
from ...model.types import Environment
from ...oci.store import Store
from ...progress import Progress
from ..types import Lock
from ..vouching import is_vouched, vouch
from .addresses import public
from .extras import extras
from .locking import bring
from .types import CondaPackage


def brought(
    packages: Sequence[CondaPackage],
    environment: Environment,
    root: Path,
    *,
    store: Store,
    cache: Path,
    progress: Progress,
) -> tuple[CondaPackage, ...]:
    """`packages`, known by name and hash, in `store` and with all that is found in them.

    The channels are those of `environment`, that of the model in the folder `root`; what its own conda-lock.yml names
    is taken from there. Unless this machine had the same packages from channels before, each must be in one of them:
    that a file is in the store tells nothing, since an image that was looked at may have brought it. Raises
    ResolveError, NetworkError, IntegrityError or StorageError.
    """
    from .files import looked_into

    own = _of_lock(packages, environment, root)
    others = [package for package in packages if package.sha256 not in own]
    whole = dict(own)
    lacking = [package for package in others if not store.has(f"sha256:{package.sha256}")]
    asked = others if others and not is_vouched(cache, as_lock(others)) else lacking
    if asked:
        whole |= {package.sha256: package for package in _located(asked, environment, cache, progress)}
    if asked == others and others:
        vouch(cache, as_lock(others))
    found = [whole.get(package.sha256, package) for package in packages]
    _confirm([whole[sha256] for sha256 in sorted(own)], store, cache, progress)
    bring(found, store, progress)
    return looked_into(found, store, _subdir(packages))[0]


def _confirm(packages: Sequence[CondaPackage], store: Store, cache: Path, progress: Progress) -> None:
    """Have `packages`, which a lock in the image names, from their addresses once, whatever is in `store` already."""
    if not packages or is_vouched(cache, as_lock(packages)):
        return
    with store.temporary() as folder:
        bring(packages, Store(folder), progress)
    vouch(cache, as_lock(packages))


def as_lock(packages: Sequence[CondaPackage]) -> Lock:
    """A lock of these packages alone, to be vouched for."""
    return Lock(packages=(), python="", platform="", requirements=(), conda=tuple(packages))


def _of_lock(packages: Sequence[CondaPackage], environment: Environment, root: Path) -> dict[str, CondaPackage]:
    """Those of `packages` that the model's own conda-lock.yml names, by sha256 (hex)."""
    path = lock_beside(environment, root)
    if path is None:
        return {}
    from .lockfile import read_conda_lock

    wanted = {package.sha256: package for package in packages}
    locked = read_conda_lock(path, _subdir(packages)).conda
    return {p.sha256: replace(wanted[p.sha256], url=p.url) for p in locked if p.sha256 in wanted}


def _located(
    packages: Sequence[CondaPackage], environment: Environment, cache: Path, progress: Progress
) -> list[CondaPackage]:
    """`packages` with the addresses that the channels have them at. Raises ResolveError where none has one."""
    from .channels import channels_at, files_named, look_again
    from .solving import unreachable
    from .specs import channels_of

    channels = channels_of(environment)
    with extras("looking for conda packages"):
        from rattler.exceptions import FetchRepoDataError, GatewayError, InvalidChannelError, InvalidUrlError, IoError
    try:
        sources = channels_at(channels)
        names = [package.name for package in packages]
        tick = partial(progress.advance, "resolve", 0)
        look_again(cache / "conda")
        answer = files_named(names, _subdir(packages), sources, cache / "conda", tick)
    except (InvalidChannelError, InvalidUrlError, GatewayError, FetchRepoDataError, IoError) as error:
        raise unreachable(str(error), channels) from None
    known = {
        (record.file_name, record.sha256.hex()): record.url for records in answer for record in records if record.sha256
    }
    found = []
    for package in packages:
        url = known.get((package.filename, package.sha256))
        if url is None:
            raise ResolveError(
                f"none of the model's channels has {package.filename} with the hash that the image names",
                hint="the channel may have dropped it, or it never was there: build the image again from its model",
            )
        found.append(replace(package, url=public(str(url))))
    return found


def _subdir(packages: Sequence[CondaPackage]) -> str:
    return next((package.subdir for package in packages if package.subdir != "noarch"), "linux-64")
