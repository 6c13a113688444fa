from lintcases import CONDA, Case

TRIGGERS = [
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, at=("conda.yaml:8",)),
    Case(
        files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")},
        target={"script_imports": frozenset({"json"})},
        severity="warning",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, server="envbuild"),
]
