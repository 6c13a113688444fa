from lintcases import CONDA, Case, conda

TRIGGERS = [
    Case(files={"conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", "")}),
    Case(
        files={
            "conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", ""),
            "requirements.txt": "numpy==2.4.6\n",
        },
        at=("conda.yaml:8", "requirements.txt:1"),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("numpy==2.4.6")}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", "")}, server="envbuild"),
]
