from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.model.types import CondaDependency, Environment, Line, PythonPin, Requirement, Span


def span(line: int = 1) -> Span:
    return Span(file="conda.yaml", line=line, column=3, end_column=20)


@pytest.fixture
def environment() -> Callable[..., Environment]:
    """An environment as conda.yaml gives it: conda packages and pip requirements as texts."""
    from envbuild.model.requirement import parse_requirement

    def make(
        *conda: str, channels: tuple[str, ...] = (), pip: tuple[str, ...] = (), python: str = "3.11.7"
    ) -> Environment:
        listed = [
            CondaDependency(
                text=text, name=text.rpartition("::")[2].split("=")[0].split("<")[0].split(">")[0].strip(), span=span(n)
            )
            for n, text in enumerate(conda, 7)
        ]
        requirements: list[Requirement] = [
            parse_requirement(t, lambda start, end, n=n: span(n)) for n, t in enumerate(pip, 20)
        ]
        return Environment(
            source="conda.yaml",
            files=("conda.yaml",),
            python=PythonPin(text=python, span=span(6)) if python else None,
            conda=tuple(listed),
            pip=tuple(requirements),
            channels=tuple(Line(text=text, span=span(3)) for text in channels),
        )

    return make


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return tmp_path / "channel"
