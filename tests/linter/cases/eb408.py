from lintcases import Case, conda

TRIGGERS = [
    Case(files={"conda.yaml": conda("mlflow==2.9.2.dev0")}, at=("conda.yaml:5",), says="mlflow 2.9.2.dev0"),
    Case(files={"conda.yaml": conda("mlflow-skinny==2.10.0+dirty")}, says="never published"),
    Case(files={"conda.yaml": conda("mlflow==1.2.3.dev4+g1a2b3c4")}, says="1.2.3.dev4+g1a2b3c4"),
    Case(
        files={"conda.yaml": conda("mlflow==2.9.2.dev0"), "requirements.txt": "mlflow==2.9.2.dev0\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
    ),
    Case(files={"conda.yaml": conda("features==0.4.dev12")}, severity="warning", says="development version"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("mlflow==2.9.2")}),
    Case(files={"conda.yaml": conda("mlflow==2.9.2.post1")}),
    Case(files={"conda.yaml": conda("mlflow==2.9.*")}),
    Case(files={"conda.yaml": conda("mlflow==2.0.0rc0")}),
    Case(files={"conda.yaml": conda("mlflow>=2.9.2.dev0,<3")}),
    Case(files={"conda.yaml": conda("mlflow @ git+https://github.com/mlflow/mlflow@v2.9.2.dev0")}),
    Case(files={"conda.yaml": conda("mlflow==2.9.2.dev0 ; python_version < '3.8'", "mlflow==2.9.2")}),
    # EB503 speaks of these.
    Case(files={"conda.yaml": conda("torch==2.1.0+cu118")}),
]
