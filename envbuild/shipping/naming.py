"""Giving names to an image that an engine made itself, once everything about it is well."""

from __future__ import annotations

from collections.abc import Sequence

from ..oci.reference import Reference
from .engine import Engine
from .known import image_id
from .load import remove_leftover


def name(identity: str, references: Sequence[Reference], engine: Engine) -> bool:
    """Give every one of `references` to the image `identity`. True if they all were its names before. EngineError.

    An earlier image of a name is removed if envbuild made it and nothing else names or uses it.
    """
    before = [engine.inspect_image(reference.familiar) for reference in references]
    old = [image_id(found) if found is not None else "" for found in before]
    for reference, former in zip(references, old, strict=True):
        if former != identity:
            engine.tag(identity, reference.familiar)
    for former in dict.fromkeys(old):
        if former and former != identity:
            remove_leftover(former, engine)
    return all(former == identity for former in old)
