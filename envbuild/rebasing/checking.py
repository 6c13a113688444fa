"""An image held against a base: all conditions, with what has to be read for them."""

from __future__ import annotations

from dataclasses import replace

from ..attesting.opened import Opened
from ..bases.libraries import libraries_of
from ..bases.types import Base, Interpreter
from ..errors import BaseImageError
from ..oci.remote import RemoteImage
from ..oci.store import Store
from ..planner.paths import PREFIX
from .conditions import bytecode_failures, failures, python_failures
from .needs import needs_of
from .parts import apt_of
from .sending import bring
from .server_layer import python_of
from .types import Part, Parts, Venv
from .wheels import wheels_needs


def checked(
    name: str, opened: Opened, parts: Parts, base: Base, source: RemoteImage | None, store: Store, *, insecure: bool
) -> Venv:
    """What the image says of its Python, once it is known that the base fits it. `name` is the image's for people.

    `source` is where it lies in a registry, which `insecure` lets speak plain http. BaseImageError with every condition
    that fails.
    """
    venv = python_of(parts.recorded, parts.own, opened.blobs)
    found = bytecode_failures(parts.own, venv, base) if venv.own else python_failures(venv, base)
    if not found:
        wheels = wheels_needs(parts.recorded, opened, source, store, insecure=insecure)
        needs = needs_of(parts.own, opened.blobs, store, base.architecture, wheels=wheels)
        there = libraries_of(_without_python(base) if venv.own else base, store)
        apt = apt_of(parts.old_config)
        found = list(failures(needs, base, apt, there, lambda: _libraries_before(opened, parts, venv, store)))
    if found:
        listed = "; ".join(f"{one.about}: {one.message}" for one in found)
        raise BaseImageError(
            f"{name} cannot be put on {base.name} as it is: {listed}",
            hint=f"build it anew on that base: `envbuild image MODEL --base {base.name}`; or choose another base",
        )
    return venv


def _libraries_before(opened: Opened, parts: Parts, venv: Venv, store: Store) -> frozenset[str]:
    """The libraries of the image's own base. Its layers are read for that, and fetched where they are not here."""
    bring([Part(layer=layer, title="base") for layer in parts.base], opened, store)
    home = venv.executable.rpartition("/bin/")[0] or "/usr"
    before = Base(
        name="",
        # By its layers, which are at hand: what is remembered of a base by its digest was read from the base itself.
        digest=",".join(layer.diff_id for layer in parts.base),
        architecture=str(opened.config.get("architecture") or ""),
        interpreter=Interpreter(version=venv.version, executable=venv.executable, home=home),
        glibc="",
        layers=parts.base,
        config=parts.old_config,
    )
    return libraries_of(_without_python(before) if venv.own else before, store)


def _without_python(base: Base) -> Base:
    """`base` with a Python that it does not have: libraries beside its own are none of the image's.

    What is remembered of it is remembered under another name.
    """
    digest = f"{base.digest} without its Python"
    return replace(base, digest=digest, interpreter=replace(base.interpreter, home=f"/{PREFIX}"))
