from lintcases import CONDA, Case

from envbuild.model.script import parse_script

TRIGGERS = [
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, at=("conda.yaml:8",)),
    Case(
        files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")},
        target={"script": parse_script("score.py", b"import json")},
        severity="warning",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, server="envbuild"),
]
