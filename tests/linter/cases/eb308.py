from lintcases import CONDA_HEAD, CONDA_TAIL, Case, conda

OLD = "mlflow-skinny==2.9.2"
REST = ("pandas==2.1.4", "numpy==1.26.4")
LOCK = {"mlflow-skinny": "2.9.2", "numpy": "1.26.4", "pandas": "2.1.4", "azureml-inference-server-http": "1.5.1"}
TRIGGERS = [
    Case(files={"conda.yaml": conda(OLD, *REST)}, severity="warning", at=("conda.yaml:5",), says="pkg_resources"),
    Case(files={"conda.yaml": conda("mlflow<=2.15.1", *REST)}, severity="warning"),
    Case(files={"conda.yaml": conda(OLD, *REST)}, target={"azure": True}),
    Case(
        files={"conda.yaml": conda(OLD, *REST, "setuptools")}, severity="warning", at=("conda.yaml:5", "conda.yaml:8")
    ),
    Case(files={"conda.yaml": conda(OLD, *REST, "setuptools==82.0.1")}, says="setuptools==82.0.1 has none"),
    Case(files={"conda.yaml": conda(*REST, "gunicorn==20.1.0")}, severity="warning"),
    Case(
        files={"conda.yaml": conda(*REST, "pydantic==1.10.26").replace(">=1.4.1", "")},
        severity="warning",
        says="version 1.0.0 of the server",
    ),
    Case(
        files={"conda.yaml": conda("mlflow==2.16.0", *REST, "gunicorn<21").replace(">=1.4.1", "==1.2.0")},
        severity="warning",
    ),
    Case(files={"conda.yaml": conda(OLD, *REST)}, packages=LOCK, says="there is no setuptools"),
    Case(files={"conda.yaml": conda(OLD, *REST)}, packages={**LOCK, "setuptools": "82.0.0"}, says="setuptools 82.0.0"),
    Case(
        files={"conda.yaml": conda("mlflow-skinny==3.17.2", "pandas==2.3.3", "numpy==2.4.6", "setuptools==83.0.0")},
        packages={**LOCK, "mlflow-skinny": "3.17.2", "gunicorn": "20.1.0", "setuptools": "83.0.0"},
        says="gunicorn 20.1.0",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda(*REST).replace(">=1.4.1", "==1.2.2")}),
    Case(files={"conda.yaml": conda(OLD, *REST, "setuptools<82")}),
    Case(files={"conda.yaml": conda(OLD, *REST, "setuptools==68.2.2")}),
    Case(files={"conda.yaml": conda("mlflow-skinny==2.16.0", *REST)}),
    Case(files={"conda.yaml": conda("mlflow-skinny", *REST)}),
    Case(files={"conda.yaml": conda("mlflow-skinny>=2.0", *REST)}),
    Case(
        files={
            "conda.yaml": CONDA_HEAD.replace("- pip\n", "- pip\n- setuptools=68.0\n")
            + f"  - {OLD}\n  - pandas==2.1.4\n"
            + CONDA_TAIL
        }
    ),
    Case(files={"conda.yaml": conda(*REST, "gunicorn==20.1.0")}, server="envbuild"),
    Case(files={"conda.yaml": conda(OLD, *REST, "setuptools<82")}, packages={**LOCK, "setuptools": "81.0.0"}),
    Case(
        files={"conda.yaml": conda("mlflow-skinny==3.17.2", "pandas==2.3.3", "numpy==2.4.6")},
        packages={**LOCK, "mlflow-skinny": "3.17.2", "gunicorn": "23.0.0"},
    ),
]
