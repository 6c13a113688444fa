"""For which platform an entry of an index is: engines choose by what the entry claims, and run what its config says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import IntegrityError
from ..records import dataclass

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
# What an engine takes a missing variant for.
_PLAIN = {"amd64": "v1", "arm64": "v8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A platform in the words of Go, as engines read it; `variant` may be empty."""

    system: str
    architecture: str
    variant: str = ""

    @property
    def real(self) -> bool:
        """Whether an engine could run it; attestations are for `unknown/unknown`."""
        return bool(self.architecture) and "unknown" not in (self.system, self.architecture)

    def __str__(self) -> str:
        return "/".join(part for part in (self.system, self.architecture, self.variant) if part)


def claim_of(value: Any) -> Claim | None:
    """The platform of a descriptor or of an image config; None where there is none."""
    if not isinstance(value, Mapping) or not value:
        return None
    system, architecture, variant = (str(value.get(key) or "").lower() for key in ("os", "architecture", "variant"))
    return Claim(system=system or "linux", architecture=_ARCHITECTURES.get(architecture, architecture), variant=variant)


def agreed(claimed: Claim | None, config: Claim, digest: str, name: str) -> Claim:
    """The platform of an image whose entry claims one, or none. IntegrityError where its config has another."""
    if claimed is None:
        return config
    variant = config.variant or claimed.variant
    same = (claimed.system, claimed.architecture) == (config.system, config.architecture)
    plain = _PLAIN.get(config.architecture, "")
    if not same or (config.variant and (claimed.variant or plain) != config.variant):
        raise IntegrityError(
            f"the index of {name} names {digest[:19]} as an image for {claimed}, and its config says {config}",
            hint="engines choose by the index: the image is damaged or was tampered with",
        )
    return Claim(system=config.system, architecture=config.architecture, variant=variant)
