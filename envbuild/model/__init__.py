"""Reading: an MLflow model folder, or an address of one, becomes a `Model`."""

from __future__ import annotations

from .reading import extra_requirements, is_address, read

__all__ = ["extra_requirements", "is_address", "read"]
