"""Models straight from MLflow's log_model, flavor by flavor: they lack the two packages of the server, and no more."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import uv
from interpreters import interpreter

import envbuild

SCRIPT = Path(__file__).parents[1] / "support" / "log_flavors.py"
PACKAGES = (
    "mlflow==3.17.2",
    "scikit-learn",
    "lightgbm",
    "catboost",
    "statsmodels",
    "skl2onnx",
    "onnx",
    "onnxruntime",
    "prophet",
    "pmdarima",
    "spacy",
)
# Their wheels ask for gigabytes of CUDA, which a CPU does without.
ALONE = ("xgboost",)
# pytorch is logged where torch is there to import: its wheels are too large to fetch for a test.
MUST = {"sklearn", "xgboost", "lightgbm", "catboost", "statsmodels", "prophet", "pmdarima", "onnx", "pyfunc"}
UNSIGNED = {"prophet", "pmdarima", "spacy", "onnx"}
"""Flavors without a signature: logged here without an example, or, as onnx, with one that MLflow infers none from."""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The folder of each flavor's model, or why there is none."""
    python = interpreter("3.11")
    if python is None:
        pytest.skip("there is no Python 3.11 here")
    root = tmp_path_factory.mktemp("logged")
    tool = [uv.find_uv_bin(), "--no-config", "-q"]
    subprocess.run([*tool, "venv", "--seed", "--python", str(python), str(root / "venv")], check=True)
    install = [*tool, "pip", "install", "--only-binary", ":all:", "--python", str(root / "venv")]
    subprocess.run([*install, *PACKAGES], check=True, timeout=900)
    subprocess.run([*install, "--no-deps", *ALONE], check=True, timeout=300)
    done = subprocess.run(
        [str(root / "venv" / "bin" / "python"), str(SCRIPT), str(root)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made: dict[str, dict[str, Any]] = json.loads((root / "made.json").read_text())
    return made


@pytest.mark.slow
@pytest.mark.network
def test_a_model_of_each_flavor_lacks_the_server_and_nothing_else(logged: dict[str, dict[str, Any]]) -> None:
    assert {name: row for name, row in logged.items() if "failed" in row} == {}
    folders = {name: row["folder"] for name, row in logged.items() if "folder" in row}
    assert folders.keys() >= MUST
    for name, folder in folders.items():
        found = envbuild.lint(folder)
        expected = ["EB013"] * (name in UNSIGNED) + ["EB301", "EB302"]
        assert [f.code for f in found if f.severity != "info"] == expected, (name, [f.message for f in found])
