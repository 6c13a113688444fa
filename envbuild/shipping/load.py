"""Loading an image into an engine, sending only the layers that it lacks.

What the engine has is guessed from the image that the tag names now and from the images that envbuild loaded
there before; its other images are never looked through. A wrong guess costs one more attempt, with everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EngineError, UsageError
from ..oci.reference import Reference
from ..oci.store import Store
from ..oci.types import LAYER_ZSTD, Image
from ..progress import SILENT, Progress
from .engine import Engine, RefusedError
from .known import diff_ids, image_id, known, remember

if TYPE_CHECKING:
    from typing import TypeGuard

_OURS = "dev.envbuild."
_ZSTD_SINCE = 23
_NOTHING: frozenset[str] = frozenset()
_LOOK = "look at the daemon's log, or use --output oci-archive=image.tar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An image in an engine. `sent` is the bytes that went there, `omitted` counts layers left out."""

    reference: str
    image_id: str
    sent: int = 0
    omitted: int = 0
    already: bool = False


@dataclass(slots=True)
class _Counter:
    """Counts the bytes on their way to the engine."""

    progress: Progress
    chunks: Iterator[bytes]
    sent: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            yield chunk
            self.sent += len(chunk)
            self.progress.advance("load", len(chunk))


def load(
    image: Image, references: Sequence[Reference], store: Store, engine: Engine, progress: Progress = SILENT
) -> Loaded:
    """Make `engine` have `image` under every one of `references`.

    An image that is there already is only tagged. The result is verified by asking the engine. An earlier
    image of a tag is removed if envbuild made it and nothing else names or uses it. EngineError.
    """
    if not references:
        raise UsageError("an image in an engine needs a name", hint="add -t NAME[:TAG]")
    before = {ref: engine.inspect_image(ref.familiar) for ref in references}
    present = _find(image, engine, before)
    if present is not None:
        result = Loaded(reference=references[0].familiar, image_id=image_id(present), already=True)
    else:
        result = _send(image, references, store, engine, before, progress)
    for ref in references:
        now = before[ref] if result.already else engine.inspect_image(ref.familiar)
        if now is None or image_id(now) != result.image_id:
            engine.tag(result.image_id, ref.familiar)
    remember(image, result.image_id, store, engine)
    for old in {image_id(found): None for found in before.values() if found is not None}:
        if old != result.image_id:
            remove_leftover(old, engine)
    return result


def _find(
    image: Image, engine: Engine, before: Mapping[Reference, Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    """The image itself, if the engine has it under one of the names or under none of them."""
    for found in before.values():
        if _is(found, image, engine):
            return found
    for identity in (image.config_digest, image.manifest_digest):
        found = engine.inspect_image(identity)
        if _is(found, image, engine):
            return found
    return None


def _send(
    image: Image,
    references: Sequence[Reference],
    store: Store,
    engine: Engine,
    before: Mapping[Reference, Mapping[str, Any] | None],
    progress: Progress,
) -> Loaded:
    """Send the archive: first without what the engine should have, then whole."""
    from ..oci.archive import stream_archive

    omit = known(image, store, engine, [found for found in before.values() if found is not None])
    attempts = [omit, _NOTHING] if omit else [_NOTHING]
    if engine.info().store == "containerd":
        attempts.append(_NOTHING)  # its collector may take a layer of a failed load from under the next one
    sent, failure = 0, EngineError("the container engine took the image and does not have it", hint=_LOOK)
    for attempt in attempts:
        _check_zstd(image, engine, attempt)
        counter = _Counter(progress, stream_archive(image, references, store, omit=attempt))
        try:
            engine.load(counter)
        except RefusedError as error:
            failure = error
            if not _is_worth_another(error):
                break
        finally:
            sent += counter.sent
        # By name, and else by id: podman may complete a short name in another way than it did before.
        found = _find(image, engine, {references[0]: engine.inspect_image(references[0].familiar)})
        if found is not None:
            omitted = sum(1 for layer in image.layers if layer.diff_id in attempt)
            return Loaded(reference=references[0].familiar, image_id=image_id(found), sent=sent, omitted=omitted)
        if not attempt and not _lacks_layer(failure):
            break
    _take_back(image, engine, before)
    raise failure


def _is_worth_another(error: EngineError) -> bool:
    return "no space left" not in error.message.lower()


def _lacks_layer(error: EngineError) -> bool:
    return "not found" in error.message or "does not exist" in error.message


def _take_back(image: Image, engine: Engine, before: Mapping[Reference, Mapping[str, Any] | None]) -> None:
    """Give the names back that a containerd store gave to an image of which it lacks layers."""
    for ref, old in before.items():
        found = engine.inspect_image(ref.familiar)
        if found is None or image_id(found) != image.manifest_digest or _is(found, image, engine):
            continue
        if old is not None and image_id(old) != image.manifest_digest:
            with suppress(RefusedError):  # version 26 has forgotten an image as soon as it lost its name
                engine.tag(image_id(old), ref.familiar)
                continue
        engine.remove_image(ref.familiar)


def remove_leftover(identity: str, engine: Engine) -> None:
    """Remove the image that lost its name, if it is envbuild's own and of no use to anybody."""
    found = engine.inspect_image(identity)
    if found is None or found.get("RepoTags") or found.get("RepoDigests"):
        return
    labels = (found.get("Config") or {}).get("Labels") or {}
    if any(str(label).startswith(_OURS) for label in labels):
        engine.remove_image(identity)


def _check_zstd(image: Image, engine: Engine, omit: frozenset[str]) -> None:
    info = engine.info()
    major = info.version.partition(".")[0]
    if info.product != "docker" or not major.isdecimal() or int(major) >= _ZSTD_SINCE:
        return
    if any(layer.media_type == LAYER_ZSTD and layer.diff_id not in omit for layer in image.layers):
        raise EngineError(
            f"the base has layers compressed by zstd, which {info.title} cannot load",
            hint=f"use a Docker engine from version {_ZSTD_SINCE} on, or a base with gzip layers",
        )


def _is(found: Mapping[str, Any] | None, image: Image, engine: Engine) -> TypeGuard[Mapping[str, Any]]:
    """Whether the engine's image is this one and whole: by the id of either store, and by its layers."""
    if found is None or diff_ids(found) != [layer.diff_id for layer in image.layers]:
        return False
    if image_id(found) == image.config_digest:
        return True
    names = found.get("RepoTags") or ()
    return image_id(found) == image.manifest_digest and any(engine.complete(str(name)) for name in names[:1])
