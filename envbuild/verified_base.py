"""The base of an image that is made anew: the very one, from wherever it can be had, and whose Python may be run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import BaseImageError, NetworkError, UsageError
from .progress import Progress
from .records import dataclass

if TYPE_CHECKING:
    from .attesting.opened import Opened
    from .bases.types import Base
    from .oci.store import Store
    from .planner.types import Plan
    from .verifying.origin import Named
    from .verifying.types import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFound:
    """A base, where it came from, why from there, and what is wrong with it."""

    base: Base
    origin: Origin
    why: str = ""
    wrong: str = ""


def base_of(opened: Opened, named: Named, store: Store, wanted: str, progress: Progress) -> BaseFound:
    """The base that the image names by its digest: the one that the person `wanted`, else from where it can be had.

    UsageError where what is wanted is another; BaseImageError for layers of the image that cannot be a base; and what
    opening a base raises.
    """
    from .bases.again import open_again
    from .verifying.own_base import own_base

    if wanted:
        return BaseFound(base=_given(wanted, named, store, progress), origin="named")
    found = open_again(
        named.name,
        named.digest,
        store,
        architecture=named.architecture,
        python=named.python,
        apt=named.apt,
        progress=progress,
    )
    if not isinstance(found, str):
        return BaseFound(base=found[0], origin=found[1])
    base, wrong = own_base(
        opened.blobs,
        opened.layers[: named.layers],
        opened.config,
        store,
        name=named.name,
        digest=named.digest,
        apt=named.apt,
    )
    return BaseFound(base=base, origin="image", why=found, wrong=wrong)


def _given(wanted: str, named: Named, store: Store, progress: Progress) -> Base:
    """The base that the person names. UsageError where it is not the image's."""
    from .bases import choose, open_base
    from .job import Images
    from .options import Options

    images = Images.connected(Options(base=wanted))
    base = open_base(
        choose(wanted, "", python_source="").name,
        store,
        platform=f"linux/{named.architecture}",
        progress=progress,
        save=images.save,
        inspect=images.inspect,
        apt=named.apt if wanted.startswith("debian:") else (),
    )
    if base.digest != named.digest:
        raise UsageError(
            f"--base {wanted} has the digest {base.digest}, and the image was made on {named.digest}",
            hint="name that one, or leave --base out",
        )
    # It may have another name here, and the image says what it was called.
    return base if base.assembled else replace(base, name=named.name or "oci:", registry=bool(named.name))


def compiler_of(plan: Plan, found: BaseFound, store: Store, progress: Progress) -> tuple[Base | None, str]:
    """The base whose Python writes the bytecode, None for whichever a build would take; and why there can be none.

    The Python of an image is not run here: that of an assembled base is envbuild's own, of any other base that of whom
    the person names.
    """
    from .backends.bytecode.build import can_compile
    from .bases.twin import twin_of
    from .oci.layer import layer_from_key

    layers = [layer for layer in plan.layers if layer.kind == "bytecode"]
    if not layers or layer_from_key(store, layers[0].key) is not None:
        return None, ""
    base = found.base
    trusted = found.origin == "named" or (base.assembled and found.origin != "image")
    if trusted and can_compile(base)[0]:
        return base, ""
    if base.assembled:
        try:
            twin, why = twin_of(base, store, progress=progress)
        except (BaseImageError, NetworkError) as error:
            twin, why = None, f"the Python that compiles it cannot be had: {error.message}"
        return twin, "" if twin is not None else why
    return None, f"its Python would have to be run here: --base {base.name} has it run, if you trust it"
