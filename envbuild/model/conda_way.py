"""Which way the conda packages of an environment go: to PyPI, under the names it has for them, or to their channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from ..records import dataclass
from .conda_native import native
from .conda_twins import TOOLS, twin
from .condaspec import split_channel
from .requirement import parse_requirement
from .types import CondaDependency, Environment, Requirement, Span

CondaMode = Literal["auto", "always", "never"]
LOCK_NAME = "conda-lock.yml"
_PUBLIC = ("", "conda-forge", "defaults", "anaconda", "main", "pytorch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where the conda packages come from.

    `conda` tells that it is their channels; `why` says why, and is empty where there is nothing to choose.
    `environment` is what is left for pip: with the twins of the conda packages, where those go its way. `notes` are for
    the person.
    """

    conda: bool
    environment: Environment
    why: str = ""
    notes: tuple[str, ...] = ()


def way_of(environment: Environment, mode: str, root: Path | None = None) -> Way:
    """The way of `environment`: `always` and `never` say it, `auto` goes by whether PyPI has all that is listed.

    A conda-lock.yml beside the model's conda.yaml, in the folder `root`, is one of conda's own: `auto` goes its way.
    """
    listed = others_of(environment)
    mode = cast(CondaMode, mode)
    if mode == "always" and _is_conda_yaml(environment):
        return Way(conda=True, environment=_for_pip(environment), why="--conda always")
    if mode == "auto" and lock_beside(environment, root) is not None:
        return Way(conda=True, environment=_for_pip(environment), why=f"the model has a {LOCK_NAME}")
    if mode == "never" or not listed:
        return Way(conda=False, environment=environment)
    lacking = [d for d in listed if not is_needless(d) and not _requirement(d)]
    if lacking:
        names = ", ".join(d.name for d in lacking[:5]) + (" and more" if len(lacking) > 5 else "")
        return Way(
            conda=True,
            environment=_for_pip(environment),
            why=f"no package of PyPI is known to stand for {names} ({_place(lacking[0].span)})",
        )
    moved = [(d, found) for d in listed if not is_needless(d) and (found := _requirement(d))]
    kept = tuple(d for d in environment.conda if d.name in TOOLS or is_needless(d))
    notes = [f"{_place(d.span)}: conda's {d.name} is taken from PyPI, as {r.text}" for d, r in moved]
    return Way(
        conda=False,
        environment=replace(environment, conda=kept, pip=(*environment.pip, *(r for _, r in moved))),
        why="PyPI has all that is listed" if moved else "",
        notes=tuple(notes),
    )


def lock_beside(environment: Environment, root: Path | None) -> Path | None:
    """The conda-lock.yml that lies beside the model's own conda.yaml; None where there is none."""
    if root is None or environment.source != "conda.yaml":
        return None
    path = root / LOCK_NAME
    return path if path.is_file() and not path.is_symlink() else None


def is_conda_lock(path: Path) -> bool:
    """Whether a file of that name is a conda-lock.yml, as conda-lock itself has it."""
    return path.name == LOCK_NAME or path.name.endswith(f".{LOCK_NAME}")


def others_of(environment: Environment) -> Sequence[CondaDependency]:
    """The conda packages beside those that pip comes with."""
    return [dependency for dependency in environment.conda if dependency.name not in TOOLS]


def is_needless(dependency: CondaDependency) -> bool:
    """Whether wheels or the base bring what it holds, so that a pip installation does without."""
    known = native(dependency.name)
    return known is not None and known.needless


def _is_conda_yaml(environment: Environment) -> bool:
    """Whether the requirements that count are those of a conda.yaml: such a file names channels or conda packages."""
    return environment.source == "conda.yaml" or bool(environment.conda or environment.channels)


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}"


def _requirement(dependency: CondaDependency) -> Requirement | None:
    """What asks PyPI for the same; None where that is not known."""
    channel = split_channel(dependency.text)[0].lower()
    if native(dependency.name) is not None or channel not in _PUBLIC:
        # A channel of one's own may have another package under that name.
        return None
    text = twin(dependency)
    return parse_requirement(text, lambda start, end: dependency.span) if text else None


def _for_pip(environment: Environment) -> Environment:
    """The pip list alone."""
    return replace(environment, conda=())
