"""Pushing an image: every blob that the registry lacks, then the manifest, then the names.

A name is given last, so that it never stands for an image of which something is missing, or for one without a
signature where one is wanted. What was done before a push that failed is there for the next one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from ..errors import UsageError
from ..oci.canonical import sha256_digest
from ..oci.disk import storage_errors
from ..oci.reference import DEFAULT_DOMAIN, Reference
from ..oci.remote import RemoteImage
from ..oci.transport import Transport
from ..oci.types import INDEX, MANIFEST, Artifact, Image, ImageIndex
from ..oci.uploads import Uploads
from ..progress import SILENT, Progress, Summary
from .referring import refer
from .target import Blob, How, Target

if TYPE_CHECKING:
    from ..oci.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an image beyond its bytes.

    `unseen` has the digests of layers that this machine has not, `sources` the repositories of the registry that may
    have a layer, by its digest. `artifacts` are pushed beside the image by digest alone, `referrers` so that they are
    found by their subject.
    """

    unseen: frozenset[str] = frozenset()
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    referrers: tuple[Artifact, ...] = ()


class Signer(Protocol):
    """What signs an image where it lies: `key` as a person named it, `key_id` the digest of its public half."""

    key: str
    key_id: str

    def sign(self, image: RemoteImage, transport: Transport) -> bool:
        """Make the registry have a signature of `image`, which has a digest; False where it had one by this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signed what was pushed: `images` are REGISTRY/NAME@DIGEST, `made` counts those without one before."""

    key: str
    key_id: str
    images: tuple[str, ...]
    made: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a push did. `references` are NAME:TAG@DIGEST; `sent` is the bytes that went out, without a signature's.

    `uploaded`, `mounted` and `there` count blobs: those that were sent, taken over from another repository of the same
    registry, and there already. A blob that goes to two repositories is counted in both.
    """

    references: tuple[str, ...]
    digest: str
    sent: int
    uploaded: int
    mounted: int
    there: int
    signature: Signature | None = None


def check_names(references: Sequence[Reference]) -> None:
    """UsageError unless there is a name, and each can be pushed to."""
    if not references:
        raise UsageError("a pushed image needs a name", hint="add -t REGISTRY/NAME[:TAG]")
    for reference in references:
        if reference.domain == DEFAULT_DOMAIN and reference.path.startswith("library/"):
            raise UsageError(
                f"{reference.familiar} names no registry to push to",
                hint=f"write -t REGISTRY/{reference.familiar}, or -t USER/{reference.familiar} for Docker Hub",
            )


def check_access(references: Sequence[Reference], *, insecure: bool = False) -> None:
    """Find out before the work whether every repository may be pushed to. RegistryError, NetworkError."""
    with _transport(references, insecure=insecure) as transport:
        for repository in _by_repository(references):
            Uploads(repository, transport).check()


def push(
    whole: Image | ImageIndex,
    references: Sequence[Reference],
    store: Store,
    *,
    known: Known | None = None,
    insecure: bool = False,
    signer: Signer | None = None,
    progress: Progress = SILENT,
) -> Pushed:
    """Make the registries have `whole`, whose layers are in `store` as they are to be there, under every name.

    What the names stand for, an image or an index, is signed in every repository before it gets a name in any.
    `insecure` lets the registries of the names speak plain http, or have a certificate that nobody vouches for. Raises
    RegistryError, NetworkError, IntegrityError, StorageError; CorruptBlobError for a layer of the store, GoneLayerError
    for one that is unseen.
    """
    check_names(references)
    known = known or Known()
    images = (whole,) if isinstance(whole, Image) else whole.images
    beside = [*known.artifacts, *([] if isinstance(whole, Image) else whole.artifacts)]
    counts: dict[How, int] = {"there": 0, "mounted": 0, "sent": 0}
    sent = 0
    digest = sha256_digest(_named(whole)[0])
    repositories = _by_repository(references)
    targets: list[tuple[Target, list[str]]] = []
    with _transport(references, insecure=insecure) as transport, _temporary() as folder:
        blobs = _blobs(images, [*beside, *known.referrers], known.unseen, store, Path(folder))
        for repository, tags in repositories.items():
            target = Target(repository, transport, store, known.sources, progress)
            for how, size in target.bring_all(blobs):
                counts[how] += 1
                sent += size
            for artifact in beside:
                target.uploads.put_manifest(artifact.digest, artifact.manifest, MANIFEST)
            if isinstance(whole, ImageIndex):
                for image in images:
                    target.uploads.put_manifest(image.manifest_digest, image.manifest, MANIFEST)
            for artifact in known.referrers:
                refer(artifact, target.uploads)
            targets.append((target, tags))
        signature = None
        if signer is not None:
            for target, _ in targets:
                target.uploads.put_manifest(digest, *_named(whole))
            signature = _signed(signer, list(repositories), digest, transport, progress)
        for target, tags in targets:
            for tag in tags:
                target.uploads.put_manifest(tag, *_named(whole))
    return Pushed(
        references=tuple(f"{name.familiar}@{digest}" for name in references),
        digest=digest,
        sent=sent,
        uploaded=counts["sent"],
        mounted=counts["mounted"],
        there=counts["there"],
        signature=signature,
    )


def _signed(
    signer: Signer, repositories: Sequence[RemoteImage], digest: str, transport: Transport, progress: Progress
) -> Signature:
    """Sign the manifest in every repository."""
    images = [replace(repository, digest=digest) for repository in repositories]
    progress.start("sign", total=len(images))
    made = 0
    for image in images:
        made += signer.sign(image, transport)
        progress.advance("sign")
    detail = f"by {signer.key}" if made else f"by {signer.key}, as before"
    progress.done("sign", Summary(count=len(images), noun="images", detail=detail))
    return Signature(key=signer.key, key_id=signer.key_id, images=tuple(image.canonical for image in images), made=made)


def _named(whole: Image | ImageIndex) -> tuple[bytes, str]:
    """What the names stand for, and its type."""
    return (whole.manifest, MANIFEST) if isinstance(whole, Image) else (whole.content, INDEX)


def _blobs(
    images: Sequence[Image], artifacts: Sequence[Artifact], unseen: frozenset[str], store: Store, folder: Path
) -> list[Blob]:
    """Every blob once; those that are no layers are written to `folder`."""
    found = [
        Blob(digest=layer.digest, size=layer.size, path=None if layer.digest in unseen else store.blob(layer.digest))
        for image in images
        for layer in image.layers
    ]
    small = [*(image.config for image in images), *(data for artifact in artifacts for data in artifact.blobs)]
    for data in small:
        digest = sha256_digest(data)
        path = folder / digest[7:]
        with storage_errors(path):
            path.write_bytes(data)
        found.append(Blob(digest=digest, size=len(data), path=path))
    return list({blob.digest: blob for blob in found}.values())


def _temporary() -> TemporaryDirectory[str]:
    with storage_errors(Path(os.environ.get("TMPDIR") or "/tmp")):
        return TemporaryDirectory(prefix="envbuild-")


def _by_repository(references: Sequence[Reference]) -> dict[RemoteImage, list[str]]:
    """The tags of each repository, in the order given."""
    found: dict[RemoteImage, list[str]] = {}
    for reference in references:
        tags = found.setdefault(RemoteImage(domain=reference.domain, path=reference.path), [])
        if reference.tag not in tags:
            tags.append(reference.tag)
    return found


def _transport(references: Sequence[Reference], *, insecure: bool) -> Transport:
    hosts = frozenset(reference.domain for reference in references) if insecure else frozenset()
    return Transport(insecure=hosts)
