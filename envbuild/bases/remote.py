"""Bases that lie in a registry, by tag or by digest. Fetched once, then known by their digest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import BaseImageError, CorruptBlobError, IntegrityError, NetworkError
from ..oci.remote import RemoteImage, parse_remote
from ..oci.store import Store
from ..progress import Progress
from .catalogue import REGISTRY_PYTHONS, official_image, other_pythons
from .images import REVISION, describe, summary_of
from .manifest import recall, remember
from .types import Base

if TYPE_CHECKING:
    from ..oci.registry import Registry
    from ..oci.transport import Transport


def open_remote(
    name: str, store: Store, *, platform: str, architecture: str, progress: Progress, locked: bool = False
) -> Base:
    """The image `name` of a registry for `platform`, its layers in `store`.

    A digest that the store knows asks nobody. A tag is asked for its digest each time; where the registry does not
    answer and the tag is known, its last digest is taken, with a warning; with `locked` it is an error if the tag is
    known for another. Raises BaseImageError, NetworkError, IntegrityError, StorageError.
    """
    image = parse_remote(name)
    progress.start("base", image.name)
    base = _recall(image.digest, image, store, platform) if image.digest else None
    if base is None:
        try:
            base = _ask(image, store, platform, architecture, progress, locked=locked)
        except NetworkError as error:
            raise NetworkError(f"the base {image.name}: {error.message}", hint=_ways_on(image, error.hint)) from error
        except CorruptBlobError:
            raise
        except (BaseImageError, IntegrityError) as error:
            if image.name in error.message:
                raise
            raise type(error)(f"the base {image.name}: {error.message}", hint=error.hint) from error
    progress.done("base", summary_of(base, cached=base.cached))
    return base


def _ask(
    image: RemoteImage, store: Store, platform: str, architecture: str, progress: Progress, *, locked: bool
) -> Base:
    from ..oci.patience import UnreachableError
    from ..oci.registry import Registry
    from ..oci.transport import Transport

    with Transport() as transport:
        registry = Registry(image, transport)
        if image.digest:
            return _fetch(image.digest, image, registry, transport, store, platform, architecture, progress)
        last = str((store.get_key(_tag_key(image)) or {}).get("digest") or "")
        known = _recall(last, image, store, platform) if last else None
        try:
            # Docker Hub counts a GET of a manifest as a pull, and a HEAD not.
            digest = registry.digest_of(image.tag) if known is not None or (locked and last) else ""
        except UnreachableError as error:
            if known is None:
                raise
            progress.warn(f"{error.message}: {image.name} is taken as it was last, {last}")
            return known
        if known is not None and digest == last:
            return known
        if locked and last:
            digest = digest or registry.manifest(image.tag).digest
            _check_unmoved(image, digest, last)
        base = _recall(digest, image, store, platform) if digest else None
        if base is None:
            base = _fetch(digest or image.tag, image, registry, transport, store, platform, architecture, progress)
        if known is not None and known.digest != base.digest:
            progress.note(f"{image.name} is another image than last time: {base.digest}")
        return base


def _check_unmoved(image: RemoteImage, digest: str, last: str) -> None:
    """BaseImageError where the tag is another image now than it was when what is locked was built."""
    if digest != last:
        raise BaseImageError(
            f"{image.name} is another image than last time: now {digest}, and it was {last}",
            hint=f"--locked takes no other: write --base {image.domain}/{image.path}@{last} for the one that it was, "
            "or run once without --locked",
        )


def _fetch(
    reference: str,
    image: RemoteImage,
    registry: Registry,
    transport: Transport,
    store: Store,
    platform: str,
    architecture: str,
    progress: Progress,
) -> Base:
    """The image from the registry. Whatever is remembered of it is written last, once all of it is sound."""
    from ..oci.pulling import pull

    document = registry.manifest(reference)
    base = _recall(document.digest, image, store, platform)
    if base is None:
        stored = pull(
            document,
            registry,
            image,
            store,
            platform=platform,
            stop=transport.stop,
            begin=lambda total: progress.start("base", image.name, total=total),
            advance=lambda size: progress.advance("base", size),
        )
        base = describe(image.name, stored, store, architecture, registry=True)
        # By the digest of its index as well as by its own, which is what an image on it names.
        for digest in {document.digest, base.digest}:
            remember(store, _key(digest, platform), base)
    if image.tag and not image.digest:
        store.put_key(_tag_key(image), {"digest": document.digest})
    return base


def _key(digest: str, platform: str) -> str:
    return f"base-image:{REVISION}:{platform}:registry:{digest}"


def _tag_key(image: RemoteImage) -> str:
    return f"registry-tag:{image.name}"


def _recall(digest: str, image: RemoteImage, store: Store, platform: str) -> Base | None:
    """The base that a digest (of an index or of a manifest) stands for, if all of it is in the store."""
    return recall(store, _key(digest, platform), name=image.name)


def _ways_on(image: RemoteImage, hint: str) -> str:
    """What to do when the registry cannot be reached."""
    from ..oci.endpoint import VARIABLE

    ways = [hint] if hint else []
    if image.domain == "docker.io":
        short = image.name.removeprefix("docker.io/").removeprefix("library/")
        if not os.environ.get(VARIABLE):
            ways.append(f"name a mirror of docker.io with {VARIABLE}=HOST")
        ways.append(f"take the image from an engine or a file: --base docker-daemon:{short}, --base oci-archive:FILE")
    else:
        ways.append("take the image from an engine or a file: --base docker-daemon:REF, --base oci-archive:FILE")
    if image.name in map(official_image, REGISTRY_PYTHONS):
        ways.append(f"or {other_pythons()}, which need no registry")
    return "; ".join(ways)
