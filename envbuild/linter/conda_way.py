"""Whether the conda packages of a model come from their channels, which lays them down whatever they are."""

from __future__ import annotations

from ..model.conda_way import way_of
from ..model.types import Model
from .types import Target


def is_conda_way(model: Model, target: Target) -> bool:
    """Whether Python and more come from conda channels in this run."""
    return not target.azure and way_of(model.environment, target.conda, model.root).conda
