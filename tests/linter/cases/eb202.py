from lintcases import CONDA, MLMODEL, Case

NOWHERE = MLMODEL.replace("python_version: 3.11.7", "other: 1")
TRIGGERS = [
    Case(files={"MLmodel": NOWHERE, "conda.yaml": CONDA.replace("python=3.11.7", "python>=3.9")}, at=("conda.yaml:2",))
]
NEAR_MISSES = [
    Case(files={"MLmodel": NOWHERE}),
    Case(files={"conda.yaml": CONDA.replace("- python=3.11.7\n", "")}),
    Case(files={"MLmodel": NOWHERE, "conda.yaml": CONDA.replace("- python=3.11.7\n", "")}, target={"python": "3.11"}),
]
