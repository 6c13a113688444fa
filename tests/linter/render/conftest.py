"""Reports to render: real findings on a real model, and all that a file could say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.linter import run
from envbuild.linter.render import Checked, Report, Unread
from envbuild.linter.types import Choice, Edit, Finding, Target
from envbuild.model import read
from envbuild.model.types import Model, Span
from envbuild.servers import PROFILES

ODD = "\x00\x01\x1b[31m <a href=\"x\">&amp;]]> \ufffe\ud800 \U0001f600 \u202e 100% 'x' https://u:hunter2@host/?token=s3cret"


@pytest.fixture
def forest() -> Model:
    return read(Path(__file__).resolve().parents[3] / "fixtures" / "models" / "forest")


@pytest.fixture
def found(forest: Model) -> tuple[Finding, ...]:
    """What the two server rules say of a model straight from MLflow."""
    target = Target(server=PROFILES["azureml"])
    return tuple(run(forest, target, Choice(select=("EB301", "EB302"))))


@pytest.fixture
def odd(forest: Model) -> Callable[..., Report]:
    """A report with every kind of finding, whose texts, names and files hold what formats stumble over."""

    def make(text: str = ODD) -> Report:
        spans = (
            Span(file=f"a b/{text}.yaml", line=3, column=2, end_column=2),
            Span(file="conda.yaml", line=99, column=9, end_column=1),
        )
        edits = (
            Edit(file="conda.yaml", line=0, text=text),
            Edit(file="conda.yaml", line=2, action="delete"),
            Edit(file="conda.yaml", line=3, text=text, action="replace"),
            Edit(file="requirements.txt", line=6, text=text),
            Edit(file="requirements.txt", line=6, action="delete"),
        )
        bad = Finding(code="EB101", name="bad-requirement", severity="error", message=text, help=f"{text}\n{text}")
        findings = (
            bad,
            Finding(code="EB102", name="x", severity="warning", message="m", spans=spans, edits=edits, safe=False),
            Finding(code="EB999", name="unreadable", severity="info", message="m", spans=spans[1:], edits=edits),
        )
        unread = Unread(name=f"models:/{text}", message=text, hint=text, exit_code=6)
        checked = Checked(name=f"m/{text}", model=forest, findings=findings, base=f"m/{text}")
        return Report(results=(checked, unread, Checked(name="clean", model=forest, findings=(), base="clean")))

    return make
