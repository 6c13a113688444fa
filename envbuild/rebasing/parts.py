"""An image taken apart: which of its layers are its base's, and which envbuild laid on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..attesting.opened import Opened
from ..errors import BaseImageError, IntegrityError, UsageError
from ..oci.image import finish_image
from ..planner.config import BASE_LABELS
from .config import LOCK, config_on, labels_of, own_of
from .recorded import lock_digest, read_record
from .types import Named, Part, Parts

_HISTORY = "envbuild: "
_ANEW = "build it anew with `envbuild image`"


def base_of(opened: Opened) -> Named:
    """The base that an image names. UsageError for an image that envbuild did not make."""
    labels = labels_of(opened.config)
    if not labels.get("dev.envbuild.base.digest") or not labels.get("dev.envbuild.lock"):
        raise UsageError(
            f"{opened.name} was not made by envbuild: it has no labels that name its base and its packages",
            hint="only of an image of envbuild is it known which layers are its base's",
        )
    return Named(name=labels.get("dev.envbuild.base.name", ""), digest=labels["dev.envbuild.base.digest"])


def parts_of(opened: Opened, old_config: Mapping[str, Any]) -> Parts:
    """The image taken apart, `old_config` being the image config of its base.

    BaseImageError where its layers are not those of that base with envbuild's on top, or its config is not the one that
    this version of envbuild makes on that base.
    """
    theirs = old_config["rootfs"]["diff_ids"]
    check_lies_on(opened, theirs)
    count = len(theirs)
    titles = _titles(opened.config, len(opened.layers) - count)
    notes = opened.layer_annotations or ({},) * len(opened.layers)
    own = tuple(
        Part(layer=layer, title=title, notes=note)
        for layer, title, note in zip(opened.layers[count:], titles, notes[count:], strict=True)
    )
    recorded = read_record(own, opened.blobs)
    parts = Parts(old_config=old_config, base=opened.layers[:count], own=own, recorded=recorded)
    _check_way_back(opened, parts)
    return parts


def check_lies_on(opened: Opened, theirs: Sequence[str]) -> None:
    """BaseImageError unless the image's lowest layers are those with the diffIDs `theirs`, and others are above."""
    count = len(theirs)
    if [layer.diff_id for layer in opened.layers[:count]] != list(theirs) or count == len(opened.layers):
        raise BaseImageError(
            f"{opened.name} does not lie on the layers of the base that it names",
            hint=f"it was altered since it was made: {_ANEW}",
        )


def apt_of(old_config: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages that an assembled base got by --apt, as its history names them."""
    words = _first_history(old_config).split(" ")
    return tuple(word for option, word in pairwise(words) if option == "--apt")


def assembled_base_config(opened: Opened, name: str) -> dict[str, Any] | None:
    """The config of an assembled base as the image itself shows it; None where its history shows none."""
    from ..bases.manifest import assembled_config

    told = _first_history(opened.config)
    words = told.split(" ")
    if words[:3] != ["envbuild", "base", name] or not opened.layers:
        return None
    architecture = str(opened.config.get("architecture") or "")
    return assembled_config(name, architecture, opened.layers[0], apt_of(opened.config))


def _first_history(config: Mapping[str, Any]) -> str:
    history = config.get("history")
    first = history[0] if isinstance(history, list) and history else None
    return str(first.get("created_by") or "") if isinstance(first, Mapping) else ""


def _titles(config: Mapping[str, Any], count: int) -> list[str]:
    """What the history says of the last `count` layers. BaseImageError unless envbuild wrote that."""
    history = config.get("history")
    entries = [one for one in history if isinstance(one, Mapping)] if isinstance(history, list) else []
    texts = [str(one.get("created_by") or "") for one in entries[-count:]]
    if len(texts) != count or not all(text.startswith(_HISTORY) for text in texts):
        raise BaseImageError(
            "its layers were not laid by envbuild itself: it was built by an engine (--backend docker), or altered",
            hint=_ANEW,
        )
    return [text.removeprefix(_HISTORY) for text in texts]


def _check_way_back(opened: Opened, parts: Parts) -> None:
    labels, theirs = labels_of(opened.config), labels_of(parts.old_config)
    about = {name: labels[name] for name in BASE_LABELS if name in labels and theirs.get(name) != labels[name]}
    try:
        own = own_of(opened.config, parts.old_config, opened.annotations, parts.recorded)
        config, _ = config_on(own, parts.old_config, str(opened.config.get("architecture") or ""), about)
        again = finish_image(
            base_config=parts.old_config,
            base_layers=parts.base,
            layers=[(part.layer, _HISTORY + part.title) for part in parts.own],
            config=config,
            annotations={},
            created=str(opened.config.get("created") or ""),
        )
    except (AttributeError, TypeError, ValueError, IntegrityError):
        again = None
    told = lock_digest(parts.recorded)
    if again is None or again.config_digest != opened.config_digest or (told and told != labels[LOCK]):
        raise BaseImageError(
            f"the config of {opened.name} is not what this envbuild makes on its base: it was altered since, or made "
            "by another version",
            hint=_ANEW,
        )


def history_of(part: Part) -> str:
    """What the history says of a layer."""
    return _HISTORY + part.title
