"""Pushing what was built: compressed, with what the next build needs to use its layers without seeing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from .progress import Progress, Summary

if TYPE_CHECKING:
    from .attesting.attestations import Statement
    from .backends.assemble import Assembled
    from .deliver import Destination
    from .job import Job
    from .oci.compress import Compression
    from .oci.store import Store
    from .oci.types import Artifact, Image, ImageIndex
    from .options import PushOptions
    from .recalling import Recalling
    from .resolver.types import Lock
    from .shipping.push import Pushed


def push_built(
    built: Assembled, goal: Destination, job: Job, lock: Lock, statements: Sequence[Statement] = ()
) -> Pushed:
    """Compress the layers that are here, and push the image under the names of `goal`, with `statements` about it.

    Raises what `push` raises.
    """
    store, progress = job.store, job.progress
    from .resolver.handing import contents_record
    from .shipping.push import Known, push
    from .shipping.recall import packages_artifact

    how = cast("PushOptions", goal.push)
    record = contents_record(lock, store)
    artifacts = () if record is None else (packages_artifact(record),)
    image = _packed(built, how, store, artifacts[0].digest if artifacts else "", progress)
    whole: Image | ImageIndex = image
    referrers: tuple[Artifact, ...] = ()
    if statements:
        from .attesting.attestations import attested

        both = attested(image, statements)
        whole, referrers = both.index, both.referrers
    known = Known(unseen=built.unseen, sources=_sources(built, job.recalling), artifacts=artifacts, referrers=referrers)
    progress.start("push", goal.references[0].familiar, total=image.size)
    pushed = push(whole, goal.references, store, known=known, insecure=how.insecure, progress=progress)
    there = pushed.there + pushed.mounted
    detail = f"{there} blob{'s' if there != 1 else ''} there already" if there else ""
    progress.done("push", Summary(count=len(image.layers), noun="layers", size=pushed.sent, detail=detail))
    return pushed


def _packed(built: Assembled, how: PushOptions, store: Store, packages: str, progress: Progress) -> Image:
    """The image as it is pushed: its layers compressed, and told by what they are made from."""
    from .oci.compress import compressed_all, compressor_name
    from .oci.image import with_layers
    from .shipping.recall import COMPRESSOR, KEY, PACKAGES

    kind = cast("Compression", how.compression)
    plain = [layer for _, layer, _ in built.layers if layer.digest not in built.unseen]
    progress.start("compress", total=len(set(plain)))
    packed = iter(compressed_all(store, plain, kind, on_done=lambda *_: progress.advance("compress")))
    layers = [layer if layer.digest in built.unseen else next(packed) for _, layer, _ in built.layers]
    progress.done("compress", Summary(count=len(plain), noun="layers", size=sum(layer.size for layer in layers)))
    name = compressor_name(kind)
    notes = [{} if planned.kind == "base" else {KEY: planned.key, COMPRESSOR: name} for planned, _, _ in built.layers]
    annotations = {PACKAGES: packages} if packages else {}
    return with_layers(built.image, layers, annotations=annotations, notes=notes)


def _sources(built: Assembled, recalling: Recalling | None) -> Mapping[str, Sequence[str]]:
    return recalling.sources() if recalling is not None and built.unseen else {}
