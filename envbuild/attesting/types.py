"""The parts of an image as a bill of materials names them, in no format yet."""

from __future__ import annotations

from typing import Literal

from ..records import dataclass

Kind = Literal[
    "application", "container", "data", "file", "framework", "library", "machine-learning-model", "operating-system"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """A license as an SPDX expression (`MIT`, `GPL-2.0-or-later WITH GCC-exception-3.1`), else by its `name` alone."""

    expression: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The expression, or the name."""
        return self.expression or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something outside of an image that belongs to a part of it, by CycloneDX's kinds; `hashes` as a component's."""

    kind: Literal["source-distribution", "vcs"]
    url: str
    hashes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of an image. Everything but kind and name may be empty.

    `hashes` are pairs of CycloneDX's name of an algorithm (`SHA-256`) and hex: those of the file that it came in (a
    wheel, a .deb), or of the file that it is. `properties` are pairs of a name and a value; `parts` lie inside of it.
    `references` say where the source is that this machine built it from; `commit` is that of a git repository.
    """

    kind: Kind
    name: str
    version: str = ""
    purl: str = ""
    hashes: tuple[tuple[str, str], ...] = ()
    licenses: tuple[License, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    parts: tuple[Component, ...] = ()
    references: tuple[Reference, ...] = ()
    commit: str = ""

    @property
    def sha256(self) -> str:
        """Hex, empty where it is not known."""
        return dict(self.hashes).get("SHA-256", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All parts of one image: `image` is the image itself, `components` what it consists of, in a fixed order.

    `phase` tells when it was taken: in the `build`, or `post-build` from the image's files. `created` is an RFC 3339
    time, empty where nobody gave one.
    """

    image: Component
    components: tuple[Component, ...]
    phase: Literal["build", "post-build"] = "build"
    created: str = ""
