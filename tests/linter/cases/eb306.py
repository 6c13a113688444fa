from lintcases import CONDA_TAIL, Case, conda

OPEN = CONDA_TAIL.replace(">=1.4.1", ">=1.0")
LOCK = {"mlflow": "2.9.2", "azureml-inference-server-http": "1.2.0", "numpy": "1.26.4", "pandas": "2.1.4"}


def of(*lines: str, server: str = OPEN) -> dict[str, str]:
    return {"conda.yaml": conda(*lines, "setuptools<82").replace(CONDA_TAIL, server)}


TRIGGERS = [
    Case(
        files=of("mlflow==2.9.2"),
        severity="warning",
        at=("conda.yaml:5",),
        says="mlflow==2.9.2 caps gunicorn: only server versions before 1.3.4 are left",
    ),
    Case(files=of("mlflow==2.15.1", "pandas==2.1.4", "numpy==1.26.4"), severity="warning"),
    Case(files=of("mlflow==1.30.0"), severity="warning"),
    Case(files=of("mlflow<2.10"), target={"azure": True}, severity="warning"),
    Case(
        files=of("mlflow==2.9.2", server=CONDA_TAIL),
        target={"azure": True},
        says="caps gunicorn: no server version is left for azureml-inference-server-http>=1.4.1",
    ),
    Case(files=of("mlflow[extras]==2.9.2"), severity="warning"),
    Case(files=of("mlflow==2.9.2"), packages=LOCK, severity="warning", says="whole of mlflow 2.9.2"),
]
NEAR_MISSES = [
    Case(files=of("mlflow-skinny==2.9.2", "pandas==2.1.4")),
    Case(files=of("mlflow==2.16.2")),
    Case(files=of("mlflow==3.17.2")),
    Case(files=of("mlflow")),
    Case(files=of("mlflow>=2.0")),
    Case(files=of("mlflow==1.27.0")),
    Case(files=of("mlflow==2.9.2"), server="envbuild"),
    Case(files=of("mlflow==3.17.2"), packages={**LOCK, "mlflow": "3.17.2"}),
]
