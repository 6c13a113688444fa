from lintcases import CONDA, CONDA_TAIL, MLMODEL, Case

AZURE = {"azure": True}
LINES = CONDA_TAIL.replace("  - ", "") + "mlflow==3.17.2\npandas==2.3.3\n"
PYTHON = "python: '3.11.7'\ndependencies:\n- -r requirements.txt\n"
OTHER = MLMODEL.replace("    loader_module", "    env: {conda: environment.yml}\n    loader_module")
TRIGGERS = [
    Case(files={"conda.yaml": None, "requirements.txt": LINES}, target=AZURE, says="requirements.txt"),
    Case(
        files={"conda.yaml": None, "requirements.txt": LINES, "python_env.yaml": PYTHON},
        target=AZURE,
        says="python_env.yaml",
    ),
    Case(
        files={"conda.yaml": None, "environment.yml": CONDA, "MLmodel": OTHER},
        target=AZURE,
        at=("MLmodel:3",),
        says="environment.yml",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": None, "requirements.txt": LINES}),
    Case(files={"requirements.txt": LINES, "python_env.yaml": PYTHON}, target=AZURE),
    # Without any environment EB110 has the word.
    Case(files={"conda.yaml": None}, target=AZURE),
]
