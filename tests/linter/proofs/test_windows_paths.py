"""EB109: MLflow on Linux does not load a model whose MLmodel has paths of Windows, and does after the fix."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv
from interpreters import interpreter

from envbuild.linter import run
from envbuild.linter.fixes import apply
from envbuild.linter.types import Choice, Target
from envbuild.model import read
from envbuild.servers import PROFILES

MLMODEL = (
    "flavors:\n  python_function:\n    artifacts:\n      prices:\n        path: artifacts\\prices.json\n"
    "        uri: C:\\data\\prices.json\n    loader_module: mlflow.pyfunc.loaders.code_model\n"
    "    model_code_path: C:\\Users\\me\\pricing.py\n    python_version: 3.11.7\n"
)
CODE = """\
import json
import mlflow

class Prices(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.prices = json.load(open(context.artifacts["prices"]))

    def predict(self, context, model_input, params=None):
        return self.prices

mlflow.models.set_model(Prices())
"""
FILES = {"MLmodel": MLMODEL, "pricing.py": CODE, "artifacts/prices.json": '{"a": 2}', "requirements.txt": "mlflow\n"}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("left", ["artifacts", "model_code_path"])
def test_mlflow_does_not_find_a_path_of_windows(left: str, tmp_path: Path) -> None:
    python = interpreter("3.11")
    if python is None:
        pytest.skip("there is no Python 3.11 here")
    root = tmp_path / "model"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    tool = [uv.find_uv_bin(), "--no-config", "--no-progress"]
    subprocess.run([*tool, "venv", "-q", "--python", str(python), str(tmp_path / "venv")], check=True)
    wanted = ["mlflow-skinny==3.17.2", "numpy", "pandas<3"]
    subprocess.run([*tool, "pip", "install", "-q", "--python", str(tmp_path / "venv"), *wanted], check=True)

    def load() -> tuple[bool, str]:
        program = f"import mlflow\nprint(mlflow.pyfunc.load_model({str(root)!r}).predict(1))"
        command = [str(tmp_path / "venv/bin/python"), "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode == 0, done.stdout + done.stderr

    def findings():
        return run(read(root), Target(server=PROFILES["envbuild"]), Choice(select=("EB109",)))

    found = findings()
    assert [f.severity for f in found] == ["error", "error"]
    apply(read(root), [f for f in found if left not in f.message])
    answers, said = load()
    assert not answers
    assert "prices.json" in said or "pricing.py" in said, said[-2000:]
    apply(read(root), findings())
    assert findings() == []
    answers, said = load()
    assert answers, said[-2000:]
    assert "{'a': 2}" in said
