from lintcases import CONDA, Case

INFO = {"severity": "info"}
TRIGGERS = [
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "")}, at=("conda.yaml:3",), **INFO),
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip-tools\n")}, at=("conda.yaml:4",), **INFO),
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "").replace("\n", "\r\n")}, **INFO),
    # In brackets it is left to the person.
    Case(files={"conda.yaml": "dependencies: [python=3.11.7, {pip: [mlflow]}]\n"}, at=("conda.yaml:1",), **INFO),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip<=23.2.1\n")}),
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "").replace("- python", "- conda-forge::pip\n- python")}),
    Case(files={"conda.yaml": "dependencies:\n- python=3.11.7\n"}),
    Case(files={"conda.yaml": None, "requirements.txt": "numpy\n"}),
]
