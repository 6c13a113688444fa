"""One image made from its plan, with what is said of it: neither named nor delivered yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import prepare
from .records import dataclass

if TYPE_CHECKING:
    from .attesting.attestations import Statement
    from .backends.assemble import Assembled
    from .bases.types import Base
    from .describing import Wanted
    from .job import Job
    from .oci.types import Artifact, Image, ImageIndex
    from .planner.types import Plan
    from .resolver.types import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that is made: its layers are in the store, or unseen in a registry."""

    plan: Plan
    lock: Lock
    job: Job
    assembled: Assembled
    statements: tuple[Statement, ...] = ()


def make(plan: Plan, base: Base, lock: Lock, job: Job, *, attach: Wanted | None, unseen: bool) -> Made:
    """Assemble `plan`, and say what `attach` wants said; with `unseen`, layers may stay where only a registry has them.

    Raises CorruptBlobError for a damaged entry of the cache, and what assembling raises.
    """
    from .backends.assemble import assemble

    fetch, created = prepare.fetcher(lock, job), prepare.created()
    recalled = job.recalling.layers() if unseen and job.recalling is not None else {}
    assembled = assemble(
        plan, base=base, store=job.store, fetch=fetch, created=created, recalled=recalled, progress=job.progress
    )
    said: tuple[Statement, ...] = ()
    if attach is not None:
        from .describing import statements

        missed = [(p.title, layer) for p, layer, _ in assembled.layers if layer.digest in assembled.unseen]
        said = statements(attach, plan, base=base, lock=lock, job=job, fetch=fetch, created=created, unseen=missed)
    return Made(plan=plan, lock=lock, job=job, assembled=assembled, statements=said)


def together(
    images: Sequence[Image], statements: Sequence[Sequence[Statement]]
) -> tuple[Image | ImageIndex, tuple[Artifact, ...]]:
    """What the names will stand for, and the referrers of each image: `images` with the statements about each.

    That is an image alone, or an index where there are several or something is attached.
    """
    if len(images) == 1 and not statements[0]:
        return images[0], ()
    from .attesting.attestations import attested, platform_of
    from .oci.canonical import canonical_json
    from .oci.types import INDEX, MANIFEST, ImageIndex

    named: list[object] = []
    artifacts: list[Artifact] = []
    referrers: list[Artifact] = []
    for image, said in zip(images, statements, strict=True):
        entry = {"mediaType": MANIFEST, "digest": image.manifest_digest, "size": len(image.manifest)}
        if said:
            both = attested(image, said)
            named += json.loads(both.index.content)["manifests"]
            artifacts += both.index.artifacts
            referrers += both.referrers
        else:
            named.append({**entry, "platform": platform_of(image)})
    content = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": named})
    return ImageIndex(content=content, images=tuple(images), artifacts=tuple(artifacts)), tuple(referrers)
