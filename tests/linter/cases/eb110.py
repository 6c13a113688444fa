from lintcases import MLMODEL, Case

ENV = "python: 3.11.7\ndependencies:\n- -r requirements.txt\n"
LISTED = "azureml-inference-server-http\nazureml-ai-monitoring\n"


def env(lines: str) -> str:
    return MLMODEL.replace("  python_function:\n", f"  python_function:\n    env{lines}\n")


BOTH = ":\n      conda: conda.yaml\n      virtualenv: python_env.yaml"
TRIGGERS = [
    Case(files={"conda.yaml": None}, says="no environment"),
    Case(
        files={"MLmodel": env(BOTH), "conda.yaml": None, "python_env.yaml": ENV, "requirements.txt": LISTED},
        severity="warning",
        at=("MLmodel:4",),
        says="'conda.yaml' as `env.conda`, and it is not in the model: python_env.yaml counts",
    ),
    Case(files={"MLmodel": env(BOTH)}, severity="warning", at=("MLmodel:5",), says="env.virtualenv"),
    Case(
        files={"MLmodel": env(": environment.yaml"), "requirements.txt": LISTED},
        severity="warning",
        at=("MLmodel:3",),
        says="'environment.yaml' as `env`, and it is not in the model: requirements.txt counts",
    ),
    Case(files={"MLmodel": env(": [conda.yaml]")}, severity="warning", says="is no file name"),
    Case(files={"MLmodel": env(":\n      docker: x")}, severity="warning", says="neither `conda` nor `virtualenv`"),
    Case(files={"MLmodel": env(":\n      conda: 3")}, severity="warning", at=("MLmodel:4",), says="env.conda"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": None, "requirements.txt": "numpy==2.4.6\n"}),
    # As MLflow wrote it before 2.0, and as it writes it now.
    Case(files={"MLmodel": env(": conda.yaml")}),
    Case(files={"MLmodel": env(BOTH), "python_env.yaml": ENV, "requirements.txt": LISTED}),
    Case(files={"MLmodel": env(": null")}),
    Case(files={"MLmodel": env(":\n      conda: .\\conda.yaml")}),
    Case(
        files={
            "MLmodel": env(BOTH.replace("python_env", "env/p")),
            "env/p.yaml": ENV,
            ".envbuildignore": "env/p.yaml\n",
        }
    ),
]
