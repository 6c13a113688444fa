"""What `docker load` would take out of an archive that is an OCI layout as well.

Docker's classic store reads `manifest.json` and never `index.json`: where both are there they have to lead to the same
images, or one image is looked at and another is run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ..errors import IntegrityError
from ..oci.reading import blob_name
from ..oci.sources import ArchiveSource, parse_json
from .opened import Opened

_KEYS = ("Config", "Layers", "RepoTags")
_HINT = "docker load would take another image than the one that is looked at"


def check_docker_load(source: ArchiveSource, opened: Opened, *, asked: bool, named: bool) -> None:
    """Hold Docker's part of an archive against the image that was chosen by its index.

    `asked` and `named` tell that a platform was asked for, or a name: then others may be loaded beside the image, if
    the index has them. IntegrityError for another image; BaseImageError for what cannot be read.
    """
    if not source.has("manifest.json"):
        if source.has("repositories"):  # of Docker before 1.10, and still loaded
            raise IntegrityError(f"{source.name} has a file `repositories` beside its index.json", hint=_HINT)
        return
    entries = parse_json(source.small("manifest.json"), "manifest.json")
    if not isinstance(entries, list):
        raise IntegrityError(f"manifest.json of {source.name} is not a list of images", hint=_HINT)
    beside = {_paths(digests) for digests in opened.beside}
    chosen = _paths((opened.config_digest, *(layer.digest for layer in opened.layers)))
    loaded = {_entry(entry, source.name) for entry in entries}
    if loaded - (beside if asked or named else {chosen}) or (not asked and chosen not in loaded):
        raise IntegrityError(
            f"manifest.json of {source.name} leads to another image than its index.json",
            hint=_HINT if asked or named else f"{_HINT}; if it holds several on purpose, name one by its tag",
        )


def _misspelt(key: str) -> bool:
    return key not in _KEYS and key.casefold() in {known.casefold() for known in _KEYS}


def _paths(digests: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(blob_name(digest) for digest in digests)


def _entry(entry: Any, name: str) -> tuple[str, ...]:
    """The members that an entry names: its config's, and its layers'."""
    # Docker reads keys in any case, and takes the last.
    if not isinstance(entry, Mapping) or any(_misspelt(key) for key in entry):
        raise IntegrityError(f"manifest.json of {name} has an entry that is none", hint=_HINT)
    layers = entry.get("Layers") or []
    if not isinstance(layers, list):
        raise IntegrityError(f"manifest.json of {name} has an entry without layers", hint=_HINT)
    return tuple(posixpath.normpath(str(member)) for member in (entry.get("Config"), *layers))
