"""Pushing what was built: compressed, with what the next build needs to use its layers without seeing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from .making import Made, together
from .progress import Progress, Summary

if TYPE_CHECKING:
    from .backends.assemble import Assembled
    from .deliver import Destination
    from .oci.compress import Compression
    from .oci.store import Store
    from .oci.types import Artifact, Image
    from .options import PushOptions
    from .shipping.push import Pushed


def push_built(made: Sequence[Made], goal: Destination) -> Pushed:
    """Compress the layers that are here, and push the images, one a platform, under the names of `goal`.

    Raises what `push` raises.
    """
    from .prepare import told_of
    from .resolver.handing import contents_record
    from .shipping.push import Known, push
    from .shipping.recall import packages_artifact

    how, progress, store = cast("PushOptions", goal.push), made[0].job.progress, made[0].job.store
    images: list[Image] = []
    artifacts: list[Artifact] = []
    sources: dict[str, Sequence[str]] = {}
    for one in made:
        record = contents_record(one.lock, store, told_of(one.lock, one.job))
        packages = None if record is None else packages_artifact(record)
        artifacts += [packages] if packages is not None else []
        images.append(_packed(one.assembled, how, store, packages.digest if packages is not None else "", progress))
        if one.job.recalling is not None and one.assembled.unseen:
            sources |= one.job.recalling.sources()
    whole, referrers = together(images, [one.statements for one in made])
    known = Known(
        unseen=frozenset(digest for one in made for digest in one.assembled.unseen),
        sources=sources,
        artifacts=tuple({artifact.digest: artifact for artifact in artifacts}.values()),
        referrers=referrers,
    )
    count = sum(len(image.layers) for image in images)
    progress.start("push", goal.references[0].familiar, total=sum(image.size for image in images))
    pushed = push(
        whole, goal.references, store, known=known, insecure=how.insecure, signer=goal.signer, progress=progress
    )
    there = pushed.there + pushed.mounted
    detail = f"{there} blob{'s' if there != 1 else ''} there already" if there else ""
    progress.done("push", Summary(count=count, noun="layers", size=pushed.sent, detail=detail))
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
