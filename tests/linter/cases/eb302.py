from lintcases import CONDA, Case, script

TRIGGERS = [
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, at=("conda.yaml:8",)),
    Case(
        files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")},
        target={"script": script("import json")},
        severity="warning",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, server="envbuild"),
]
