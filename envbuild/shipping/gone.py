"""What a registry had, and has no longer."""

from __future__ import annotations

from ..errors import EnvbuildError


class GoneLayerError(EnvbuildError):
    """A layer that was to be used without being seen is not there any more. `digest` is that of its blob."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"the registry does not have the layer {digest} any more", hint="build the image again")
        self.digest = digest
