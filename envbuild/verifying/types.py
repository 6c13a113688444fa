"""What came of holding an image against the one that is made anew from what it says of itself."""

from __future__ import annotations

from typing import Literal

from ..records import dataclass

State = Literal["same", "own", "differs", "missing", "extra", "unchecked"]
"""`own` is a layer of the base that was taken from the image itself, `unchecked` one that cannot be made here."""
_FINE = ("same", "own", "unchecked")
Origin = Literal["cache", "snapshot", "mirror", "registry", "named", "image"]
"""Where the base came from; `image` are the layers of the image itself, which nothing else vouches for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """The first file that differs. `path` has no leading slash, and is empty where the tar itself differs.

    `what` are among content, kind, mode, owner, target, time, header, order, missing, extra: missing is what the image
    lacks. `image` and `rebuilt` are the SHA-256 (hex) of the contents, empty where there is none.
    """

    path: str
    what: tuple[str, ...]
    image: str = ""
    rebuilt: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVerdict:
    """One layer, lowest first. Digests are diffIDs, empty where there is none; `why` is for the person."""

    title: str
    kind: str
    state: State
    image: str = ""
    rebuilt: str = ""
    first: FileDifference | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    """A setting by its name in the config (`Env.PATH`); None where there is none."""

    name: str
    image: str | None
    rebuilt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All of it. `made_by` and `checked_by` are versions of envbuild, `made_by` empty where the image does not say.

    `reasons` are for the person: what explains differences, and what nobody else vouches for.
    """

    name: str
    platform: str
    config_digest: str
    manifest_digest: str
    made_by: str
    checked_by: str
    base: str
    base_digest: str
    base_from: Origin
    layers: tuple[LayerVerdict, ...]
    settings: tuple[SettingDifference, ...]
    reasons: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything is not as it is made anew."""
        return bool(self.settings) or any(layer.state not in _FINE for layer in self.layers)

    @property
    def unchecked(self) -> tuple[LayerVerdict, ...]:
        """The layers that could not be made here."""
        return tuple(layer for layer in self.layers if layer.state == "unchecked")
