from lintcases import CONDA, Case, script

LINE = "  - azureml-ai-monitoring\n"


def marked(marker: str, **more: object) -> Case:
    """The package listed under a marker."""
    return Case(files={"conda.yaml": CONDA.replace(LINE, LINE.replace("\n", f" ; {marker}\n"))}, **more)


TRIGGERS = [
    marked("python_version < '3.8'", at=("conda.yaml:9", "conda.yaml:9"), says="never holds"),
    marked("sys_platform == 'win32'", target={"script": script("import json")}, severity="warning"),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, at=("conda.yaml:8",)),
    Case(
        files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")},
        target={"script": script("import json")},
        severity="warning",
    ),
]
NEAR_MISSES = [
    marked("python_version < '3.8'", target={"python": "3.7"}),
    marked("sys_platform == 'linux'"),
    Case(files={"conda.yaml": CONDA}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-ai-monitoring\n", "")}, server="envbuild"),
]
