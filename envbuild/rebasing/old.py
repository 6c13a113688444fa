"""The config of the base that an image is on: without it nobody can tell what the image has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..attesting.opened import Opened
from ..bases.manifest import recall_config
from ..errors import BaseImageError, NetworkError, UsageError
from ..oci.store import Store
from .parts import assembled_base_config
from .types import Named

if TYPE_CHECKING:
    from ..bases.types import Base

_NAME_IT = "name it with --old-base, as --base would have it: an image of an engine, a file, a folder or a registry"


def old_config(opened: Opened, named: Named, store: Store, given: Base | None) -> Mapping[str, Any]:
    """The image config of the base that `opened` names as `named`, whose layers nobody needs.

    `given` is the base that a person says it is. Otherwise an assembled one is told by the image itself, another is
    remembered in `store`, or asked for in its registry by its digest. BaseImageError where it cannot be had.
    """
    from ..bases.debian import suite_of

    if given is not None:
        # Not by the digest: the same base has another where it was copied and compressed on the way.
        theirs = [layer.diff_id for layer in given.layers]
        if [layer.diff_id for layer in opened.layers[: len(theirs)]] != theirs:
            raise BaseImageError(
                f"{opened.name} is on the base {_shown(named)}, and {given.name} has other layers",
                hint="--old-base names the base as it was when the image was made",
            )
        return given.config
    if suite_of(named.name) is not None:
        found = assembled_base_config(opened, named.name)
        if found is not None:
            return found
    remembered = recall_config(store, named.digest)
    if remembered is not None:
        return remembered
    if not named.name or suite_of(named.name) is not None:
        raise BaseImageError(f"the base {_shown(named)} of {opened.name} is not known here", hint=_NAME_IT)
    return _asked(opened, named)


def _asked(opened: Opened, named: Named) -> Mapping[str, Any]:
    """The config that the registry of the base has under its digest."""
    from ..oci.pulling import config_of, manifest_for
    from ..oci.registry import Registry
    from ..oci.remote import parse_remote
    from ..oci.transport import Transport

    try:
        image = parse_remote(f"{named.name.partition('@')[0]}@{named.digest}")
        with Transport() as transport:
            registry = Registry(image, transport)
            document = manifest_for(registry.manifest(named.digest), registry, image, opened.platform)
            return config_of(document, registry, image)
    except (BaseImageError, NetworkError, UsageError) as error:
        kind = NetworkError if isinstance(error, NetworkError) else BaseImageError
        raise kind(
            f"the base {_shown(named)} of {opened.name} cannot be asked for: {error.message}", hint=_NAME_IT
        ) from error


def _shown(named: Named) -> str:
    return "@".join(filter(None, (named.name, named.digest)))
