from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from folders import write_files
from lintcases import MONTH

from envbuild.linter import matching, run
from envbuild.linter.types import Choice, Finding, Target
from envbuild.model import read
from envbuild.servers import PROFILES

MLMODEL = (
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
    '    model_path: model.pkl\nsignature:\n  inputs: \'[{"name": "a", "type": "double"}]\'\n'
    "saved_input_example_info:\n  artifact_path: input_example.json\n  type: dataframe\n"
)
CONDA = (
    "dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - mlflow==3.17.2\n"
    "  - azureml-inference-server-http\n  - azureml-ai-monitoring\n"
)
# What test_rules.py looks at in more ways than a case can: other rules say nothing there.
THESE = ("EB0", "EB101", "EB102", "EB110", "EB202", "EB204", "EB301", "EB302")
GOOD: Mapping[str, str | bytes | None] = {
    "MLmodel": MLMODEL,
    "conda.yaml": CONDA,
    "model.pkl": b"x",
    "input_example.json": "{}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A model folder without any finding, with files changed, added, or (None) left out."""

    def make(files: Mapping[str, str | bytes | None] = {}, name: str = "model") -> Path:
        return write_files(tmp_path / name, {**GOOD, **files})

    return make


@pytest.fixture
def lint(folder: Callable[..., Path]) -> Callable[..., list[Finding]]:
    """The findings on such a folder, for the azureml server unless another target is described."""

    made: list[int] = []

    def check(
        files: Mapping[str, str | bytes | None] = {}, *, server: str = "azureml", **target: object
    ) -> list[Finding]:
        ignore = target.pop("ignore", ())
        select = target.pop("select", [code for code in THESE if matching(code)])
        made.append(1)
        model = read(folder(files, name=f"model-{len(made)}"))
        given = {"month": MONTH, **target}
        return run(model, Target(server=PROFILES[server], **given), Choice(select=select, ignore=ignore))  # type: ignore[arg-type]

    return check
