from lintcases import Case, conda

LOCK = {"mlflow-skinny": "1.26.1", "protobuf": "4.25.3", "numpy": "1.24.4", "pandas": "1.5.3", "setuptools": "81.0.0"}
REST = ("pandas==1.5.3", "numpy==1.24.4", "setuptools<82")
TRIGGERS = [
    # MLflow's own server of that time is started with protobuf below 4, which envbuild asks for.
    Case(files={"conda.yaml": conda("mlflow==1.26.1")}, server="mlflow", severity="warning", at=("conda.yaml:5",)),
    Case(files={"conda.yaml": conda("mlflow==1.26.1", *REST)}, at=("conda.yaml:5",), says="protobuf"),
    Case(files={"conda.yaml": conda("mlflow-skinny<1.27", "protobuf", *REST)}, at=("conda.yaml:5", "conda.yaml:6")),
    Case(files={"conda.yaml": conda("mlflow-skinny==1.26.1", "protobuf==4.25.3", *REST)}, says="protobuf==4.25.3"),
    Case(files={"conda.yaml": conda("mlflow-skinny", *REST)}, packages=LOCK, says="mlflow-skinny 1.26.1"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("mlflow==1.26.1", "protobuf<4", *REST)}),
    Case(files={"conda.yaml": conda("mlflow==1.26.1", "protobuf==3.20.3", *REST)}),
    Case(files={"conda.yaml": conda("mlflow==1.27.0", *REST)}),
    Case(files={"conda.yaml": conda("mlflow==2.9.2", "protobuf==4.25.3", *REST)}),
    Case(files={"conda.yaml": conda("mlflow-skinny", *REST)}, packages={**LOCK, "protobuf": "3.20.3"}),
]
