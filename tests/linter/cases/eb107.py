from lintcases import CONDA, MLMODEL, Case

ENV = "python: 3.11.7\ndependencies:\n- -r requirements.txt\n"
TRIGGERS = [
    Case(files={"conda.yaml": CONDA + "dependencies:\n- numpy\n"}, at=("conda.yaml:10",), says="'dependencies'"),
    Case(files={"MLmodel": MLMODEL + "signature: null\n"}, at=("MLmodel:11",), says="'signature'"),
    Case(
        files={"MLmodel": MLMODEL.replace("    python_version: 3.11.7\n", "    python_version: 3.11.7\n" * 2)},
        at=("MLmodel:5",),
    ),
    Case(files={"python_env.yaml": ENV + "python: 3.12.1\n"}, at=("python_env.yaml:4",), severity="warning"),
    Case(
        files={"conda.yaml": None, "python_env.yaml": ENV + "python: 3.12.1\n", "requirements.txt": "numpy==2.4.6\n"},
        at=("python_env.yaml:4",),
    ),
]
NEAR_MISSES = [
    # The same key in two mappings, and a key and a text.
    Case(files={"MLmodel": MLMODEL.replace("python_function:", "sklearn:\n    code: null\n  python_function:")}),
    Case(files={"conda.yaml": "dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - mlflow\n"}),
]
