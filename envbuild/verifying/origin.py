"""What an image says of its base, and whether it can be made again at all."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ..attesting.opened import Opened
from ..errors import BaseImageError
from ..planner.paths import RECORD
from ..records import dataclass

_OURS = "envbuild: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The base as the labels name it, and its `python`; how many of the image's `layers` are the base's.

    `apt` are the Debian packages that were added to it.
    """

    name: str
    digest: str
    layers: int
    architecture: str
    python: str
    apt: tuple[str, ...]


def named_base(opened: Opened) -> Named:
    """What the labels and the history say. BaseImageError for an image that an engine built, or that says nothing."""
    labels = (opened.config.get("config") or {}).get("Labels")
    if not isinstance(labels, Mapping) or "dev.envbuild.lock" not in labels:
        raise without_record(opened.name)
    history = filled(opened.config)
    own = [number for number, entry in enumerate(history) if _created_by(entry).startswith(_OURS)]
    if not own:
        raise BaseImageError(
            f"{opened.name} was built by a container engine (--backend docker), whose layers and installers' notes are "
            "its own: it cannot be made again byte for byte",
            hint="build it with --backend assemble to have one that can be verified; `envbuild diff` shows how the two "
            "differ",
        )
    digest = str(labels.get("dev.envbuild.base.digest", ""))
    if not digest or len(history) != len(opened.layers):
        raise BaseImageError(
            f"{opened.name} does not say what its base is",
            hint="its labels or its history were changed since envbuild made it",
        )
    words = _created_by(history[0]).split()
    return Named(
        name=str(labels.get("dev.envbuild.base.name", "")),
        digest=digest,
        layers=own[0],
        architecture=str(opened.config.get("architecture", "")),
        python=str(labels.get("dev.envbuild.python", "")),
        apt=tuple(word for option, word in pairwise(words) if option == "--apt"),
    )


def without_record(name: str) -> BaseImageError:
    """The error for an image that does not say what it was made from."""
    return BaseImageError(
        f"{name} does not say what it was made from: it has no /{RECORD}",
        hint="it was not built by envbuild, or by a version before there was one: build it anew. `envbuild inspect` "
        "shows what it is, `envbuild diff` compares it with another image",
    )


def filled(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of the history that made a layer."""
    history = [entry for entry in config.get("history") or () if isinstance(entry, Mapping)]
    return [entry for entry in history if not entry.get("empty_layer")]


def _created_by(entry: Mapping[str, Any]) -> str:
    return str(entry.get("created_by") or "")
