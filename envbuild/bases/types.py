"""A base image, resolved and in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ..oci.types import Layer
from ..records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The Python of a base: `version` is the full one (`3.11.2`), `executable` and `home` are paths inside it."""

    version: str
    executable: str
    home: str

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.2`."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """A distribution package of the base; `sha256` is that of its .deb, empty where unknown."""

    name: str
    version: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image whose layers are in the store, lowest first.

    `name` is what was asked for (`debian:bookworm`), `digest` that of its manifest, `config` its image config
    as JSON, `glibc` its version (`2.36`), empty for a base without glibc. `assembled` bases are envbuild's own;
    of a `registry` base the name is fully qualified, without digest (`docker.io/library/python:3.12-slim`).
    `cached` tells that it was in the store before it was opened. `own` is its own Python where an image on it runs
    another, which conda brings: `interpreter` is that one then.
    """

    name: str
    digest: str
    architecture: str
    interpreter: Interpreter
    glibc: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    packages: tuple[SystemPackage, ...] = ()
    assembled: bool = False
    registry: bool = False
    notes: tuple[str, ...] = ()
    cached: bool = field(default=False, compare=False)
    own: Interpreter | None = None

    @property
    def public_name(self) -> str:
        """The name where it means the same on other machines; empty for a file, a folder or an engine's image."""
        return self.name if self.assembled or self.registry else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What packages are chosen for, of a base that is still to be made: a full version, `2.36`, `amd64`."""

    python: str
    glibc: str
    architecture: str

    def fits(self, base: Base) -> bool:
        """Whether `base` became what was foreseen."""
        return (self.python, self.glibc, self.architecture) == (
            base.interpreter.version,
            base.glibc,
            base.architecture,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which base to open, and why that one. `notes` are for the person: a patch version that differs, say."""

    name: str
    why: str
    notes: tuple[str, ...] = ()
