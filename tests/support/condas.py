"""Environments as conda.yaml gives them, from texts."""

from __future__ import annotations

from envbuild.model.requirement import parse_requirement
from envbuild.model.types import CondaDependency, Environment, Line, PythonPin, Span


def span(line: int) -> Span:
    return Span(file="conda.yaml", line=line, column=3, end_column=20)


def conda_environment(
    *conda: str, channels: tuple[str, ...] = (), pip: tuple[str, ...] = (), python: str = "3.11.7"
) -> Environment:
    """Python on line 6, the conda packages from line 7 on, the pip list from line 20 on."""
    return Environment(
        source="conda.yaml",
        files=("conda.yaml",),
        python=PythonPin(text=python, span=span(6)) if python else None,
        conda=tuple(CondaDependency(text=text, name=_name(text), span=span(n)) for n, text in enumerate(conda, 7)),
        pip=tuple(parse_requirement(text, lambda start, end, n=n: span(n)) for n, text in enumerate(pip, 20)),
        channels=tuple(Line(text=text, span=span(3)) for text in channels),
    )


def _name(text: str) -> str:
    bare = text.rpartition("::")[2]
    for sign in "=<>":
        bare = bare.split(sign)[0]
    return bare.strip()
