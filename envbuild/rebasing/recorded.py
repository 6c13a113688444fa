"""What an image says that it was made from, where it says so: which of its settings a person gave, and its lock.

The lock is for a Python and a platform, and both are the base's, but for a Python that conda packages bring: on another
base the same packages are another lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..attesting.layers import Blobs, read_layer
from ..bases.types import Base
from ..errors import BaseImageError
from ..oci.canonical import canonical_json, digest_of
from ..oci.store import Store
from ..planner.paths import RECORD
from ..resolver.target import platform_of
from .rewriting import Content, with_content
from .types import Part, Recorded


def lock_digest(recorded: Recorded) -> str:
    """The digest of the lock, as the label has it; empty where there is no record."""
    return _digest(recorded.value["lock"]) if recorded.value else ""


def read_record(own: Sequence[Part], blobs: Blobs) -> Recorded:
    """The record, which is in the last layer. BaseImageError for one that cannot be read, IntegrityError."""
    found = read_layer(blobs, own[-1].layer, keep=RECORD.__eq__, hashed=lambda _: False)
    if RECORD not in found.texts:
        return Recorded(value={})
    try:
        value = json.loads(found.texts[RECORD])
        _digest(value["lock"])
        canonical_json(value)  # half of a surrogate pair can be read, and not written
        variables, labels = ([str(name) for name, _ in value[key]] for key in ("env", "labels"))
        return Recorded(value=dict(value), variables=tuple(variables), labels=tuple(labels))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BaseImageError(
            f"/{RECORD} of the image is not what envbuild writes", hint="build it anew with `envbuild image`"
        ) from None


def on_base(recorded: Recorded, base: Base) -> Recorded:
    """The record of the same packages on another base."""
    if not recorded.value:
        return recorded
    python = recorded.conda or base.interpreter.version
    tag = platform_of(python, base.glibc, base.architecture).tag
    lock = {**recorded.value["lock"], "python": python, "platform": tag}
    return Recorded(value={**recorded.value, "lock": lock}, variables=recorded.variables, labels=recorded.labels)


def with_record(part: Part, blobs: Blobs, store: Store, before: Recorded, after: Recorded) -> Part:
    """The last layer with the record `after`; the part itself where that is `before`. BaseImageError."""
    return with_content(part, blobs, store, _content(before), _content(after))


def _content(recorded: Recorded) -> Content:
    """As the planner has it."""
    texts = {RECORD: canonical_json(dict(recorded.value)).decode() + "\n"} if recorded.value else {}
    return Content(texts=texts, links={})


def _digest(lock: Mapping[str, Any]) -> str:
    """As that of a Lock."""
    keys = ("python", "platform", "packages", *(("conda",) if lock.get("conda") else ()))
    return digest_of({key: lock[key] for key in keys})
