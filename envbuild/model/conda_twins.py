"""Python packages of conda channels, and what PyPI has under which name."""

from __future__ import annotations

from ..facts import load_json
from .condaspec import pip_requirement
from .requirement import canonical_name
from .types import CondaDependency

TOOLS = frozenset({"pip", "setuptools", "wheel", "python"})
"""What pip itself comes with."""


def on_pypi(name: str) -> str:
    """The name on PyPI of a conda package that has wheels there; empty where that is not known."""
    table = load_json("conda_pypi.json")
    if name in table["twins"]:
        return str(table["twins"][name])
    return canonical_name(name) if name in table["same"] else ""


def twin(dependency: CondaDependency) -> str:
    """The requirement that asks PyPI for what `dependency` asks conda for; empty where that is not known."""
    name = on_pypi(dependency.name)
    return pip_requirement(name, dependency.text) if name else ""
