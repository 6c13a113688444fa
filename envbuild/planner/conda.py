"""The layers of conda packages: Python alone and the heavy ones alone, most shared first, the others together."""

from __future__ import annotations

from collections.abc import Sequence

from ..resolver.conda.types import CondaPackage
from .inputs import Inputs
from .paths import PREFIX
from .types import PlannedLayer

# As of wheels: a node pulls a few layers at a time.
MAX_CONDA_LAYERS = 24


def conda_part(inputs: Inputs, ranking: Sequence[str]) -> list[PlannedLayer]:
    """The layers of the conda packages of the lock, lowest first; none where Python is the base's."""
    packages = inputs.lock.conda
    if not packages:
        return []
    place = {name: index for index, name in enumerate(("python", *ranking))}
    ranked = sorted((p for p in packages if p.name in place), key=lambda p: place[p.name])[:MAX_CONDA_LAYERS]
    rest = sorted((p for p in packages if p not in ranked), key=lambda p: p.name)
    layers = [
        PlannedLayer(
            kind="conda",
            title=f"{package.name} {package.version} (conda)",
            why="Python itself, below all that runs on it" if package.name == "python" else "heavy and used by many",
            conda=(package,),
            settings=_settings(inputs, (package,)),
        )
        for package in ranked
    ]
    if rest:
        layers.append(
            PlannedLayer(
                kind="conda",
                title=f"{len(rest)} more conda package{'s' if len(rest) > 1 else ''}",
                why="small packages change together",
                conda=tuple(rest),
                settings=_settings(inputs, rest),
            )
        )
    return layers


def _settings(inputs: Inputs, packages: Sequence[CondaPackage]) -> dict[str, object]:
    """What else determines the bytes: the prefix, for some the Python, and for some what lies beside them."""
    for_every_python = any(package.subdir == "noarch" for package in packages)
    mixed = any(package.mixed for package in packages)
    return {
        "prefix": PREFIX,
        "conda_rules": inputs.revisions["conda"],
        "python": inputs.base.interpreter.minor if for_every_python else "",
        # Of two files at one path one gives way, by what else is laid down.
        "beside": sorted(package.sha256 for package in inputs.lock.conda) if mixed else [],
    }
