"""What all routes share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..codec.signature import Signature, parse_signature, read_mlmodel
from ..settings import Settings, model_folder
from .endpoint import Endpoint
from .metrics import Metrics
from .pool import Pool


@dataclass
class Context:
    """The workers, the limits, the counters, and what is served."""

    pool: Pool
    settings: Settings
    metrics: Metrics
    script: bool = False
    """A user's scoring script is served, not the model itself."""

    def endpoint(self, kind: str, route: str) -> Endpoint:
        """Return what answers the requests of a route that asks the model."""
        return Endpoint(kind, route, self.pool, self.settings, self.metrics)

    @cached_property
    def folder(self) -> Path:
        """The model's folder."""
        return model_folder(os.environ)

    @cached_property
    def mlmodel(self) -> dict[str, Any]:
        """The content of MLmodel: read when something asks for it, since serving does not need it here."""
        return read_mlmodel(self.folder)

    @cached_property
    def signature(self) -> Signature:
        """The model's signature."""
        return parse_signature(self.mlmodel)
