from lintcases import CONDA, Case

ENV = "python: %s\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
REQUIREMENTS = "numpy==2.4.6\nazureml-inference-server-http\nazureml-ai-monitoring\n"
TRIGGERS = [
    Case(
        files={"conda.yaml": None, "python_env.yaml": ENV % "3.10", "requirements.txt": REQUIREMENTS},
        at=("python_env.yaml:1",),
    ),
    Case(files={"python_env.yaml": ENV % "3.11", "requirements.txt": REQUIREMENTS}, at=("python_env.yaml:1",)),
    # No version, and a number all the same: MLflow stops at the same TypeError.
    Case(files={"python_env.yaml": ENV % "3", "requirements.txt": REQUIREMENTS}, at=("python_env.yaml:1",)),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": None, "python_env.yaml": ENV % "!!str 3.10", "requirements.txt": REQUIREMENTS}),
    Case(files={"conda.yaml": None, "python_env.yaml": ENV % '"3.10"', "requirements.txt": REQUIREMENTS}),
    Case(files={"conda.yaml": None, "python_env.yaml": ENV % "3.10.2", "requirements.txt": REQUIREMENTS}),
    Case(files={"conda.yaml": CONDA.replace("python=3.11.7", "python=3.11")}),
]
