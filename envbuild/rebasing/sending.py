"""An image on its new base, brought to where it goes: what is there already stays there, and is not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..attesting.opened import Opened
from ..bases.types import Base
from ..oci.image import with_layers
from ..oci.reading import check_diff_id
from ..oci.store import Store
from ..oci.types import Artifact, Image
from ..progress import Progress, Summary
from .types import Part

if TYPE_CHECKING:
    from ..deliver import Destination
    from ..oci.compress import Compression
    from ..oci.remote import RemoteImage
    from ..options import PushOptions
    from ..shipping.push import Pushed


def bring(parts: Sequence[Part], opened: Opened, store: Store) -> None:
    """Have the blobs of the image's own layers in the store, as they are. Raises what reading the image raises.

    IntegrityError for a layer that does not unpack to what the image's config says.
    """
    for part in parts:
        layer = part.layer
        if not store.has(layer.digest, layer.size):
            store.ingest(opened.blobs(layer), expected=layer.digest)
        check_diff_id(store, layer)


class Sending:
    """The pushing of `image`, which is `base` and `own` on it, to the registries of `goal`.

    `source` is where the old image lies in a registry, None where it lies elsewhere. Where the new one goes to that
    same registry, layers that it has are left there unseen.
    """

    def __init__(
        self,
        image: Image,
        base: Base,
        own: Sequence[Part],
        opened: Opened,
        *,
        goal: Destination,
        source: RemoteImage | None,
        store: Store,
        progress: Progress,
    ) -> None:
        self._image = image
        self._base = base
        self._own = own
        self._opened = opened
        self._goal = goal
        self._source = source
        self._store = store
        self._progress = progress
        domains = {reference.domain for reference in goal.references}
        self._same = source is not None and domains == {source.domain}

    def push(self) -> Pushed:
        """Push it. What the registry was thought to have, and has not, is fetched and sent.

        Raises what `push` of envbuild.shipping raises.
        """
        from ..shipping.gone import GoneLayerError
        from ..shipping.push import Known, push

        kept = [part for part in self._own if part.how == "kept"]
        unseen = {part.layer.digest for part in kept} if self._same else set()
        if not self._same:
            bring(kept, self._opened, self._store)
        packages = self._packages()
        packed = self._packed(unseen, packages)
        references, how = self._goal.references, cast("PushOptions", self._goal.push)
        self._progress.start("push", references[0].familiar, total=packed.size)
        while True:
            known = Known(
                unseen=frozenset(unseen),
                sources=self._sources(packed),
                artifacts=(packages,) if packages is not None else (),
            )
            try:
                pushed = push(
                    packed,
                    references,
                    self._store,
                    known=known,
                    insecure=how.insecure,
                    signer=self._goal.signer,
                    progress=self._progress,
                )
                break
            except GoneLayerError as error:
                unseen.discard(error.digest)
                bring([part for part in kept if part.layer.digest == error.digest], self._opened, self._store)
        there = pushed.there + pushed.mounted
        detail = f"{there} blob{'s' if there != 1 else ''} there already" if there else ""
        self._progress.done("push", Summary(count=len(packed.layers), noun="layers", size=pushed.sent, detail=detail))
        return pushed

    def _packed(self, unseen: set[str], packages: Artifact | None) -> Image:
        """The image as it is pushed: compressed where it is not, but what a registry has keeps its bytes."""
        from ..oci.compress import compressed_all
        from ..shipping.recall import PACKAGES

        how = cast("PushOptions", self._goal.push)
        layers = [*self._base.layers, *(part.layer for part in self._own)]
        as_they_are = {part.layer.digest for part in self._own if part.how == "kept"} if self._opened.remote else set()
        plain = [layer for layer in layers if layer.digest not in as_they_are]
        self._progress.start("compress", total=len(set(plain)))
        done = iter(
            compressed_all(
                self._store,
                plain,
                cast("Compression", how.compression),
                on_done=lambda *_: self._progress.advance("compress"),
            )
        )
        packed = [layer if layer.digest in as_they_are else next(done) for layer in layers]
        size = sum(layer.size for layer in packed)
        self._progress.done("compress", Summary(count=len(plain), noun="layers", size=size))
        notes: list[Mapping[str, str]] = [{} for _ in self._base.layers]
        notes += [part.notes for part in self._own]
        annotations = {PACKAGES: packages.digest} if packages is not None else {}
        return with_layers(self._image, packed, annotations=annotations, notes=notes)

    def _packages(self) -> Artifact | None:
        """What the wheels hold, as it lies beside the old image: the next build on an empty machine reads it."""
        from ..shipping.recall import PACKAGES, Recalled, packages_artifact, recall_packages

        digest = self._opened.annotations.get(PACKAGES, "")
        if self._source is None or not digest:
            return None
        how = cast("PushOptions", self._goal.push)
        hosts = frozenset({self._source.domain} if how.insecure else ())
        record = recall_packages(Recalled(image=self._source, packages=digest), insecure=hosts)
        found = packages_artifact(record) if record is not None else None
        return found if found is not None and found.digest == digest else None

    def _sources(self, packed: Image) -> dict[str, tuple[str, ...]]:
        """The repositories of the registry that have the layers: the old image's, and that of the base."""
        sources: dict[str, tuple[str, ...]] = {}
        if self._source is not None and self._same:
            sources = {part.layer.digest: (self._source.path,) for part in self._own if part.how == "kept"}
        if self._base.registry:
            from ..oci.remote import parse_remote

            base = parse_remote(self._base.name)
            if all(reference.domain == base.domain for reference in self._goal.references):
                sources |= {layer.digest: (base.path,) for layer in self._base.layers}
        return sources
