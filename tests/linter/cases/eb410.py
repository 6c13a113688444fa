from lintcases import CONDA_HEAD, CONDA_TAIL, Case, conda

LOCK = {"mlflow-skinny": "3.17.2", "xgboost": "3.1.0", "numpy": "2.4.6", "pandas": "2.3.3"}
BARE = CONDA_HEAD + "  - mlflow-skinny==2.9.2\n  - xgboost==2.0.3\n"
TRIGGERS = [
    Case(files={"conda.yaml": BARE}, server="envbuild", severity="warning", at=("conda.yaml:5",), says="pandas"),
    Case(files={"conda.yaml": BARE + "  - numpy==1.26.4\n"}, server="mlflow", severity="warning"),
    Case(
        files={"conda.yaml": BARE + "  - bokeh==3.9.2\n  - xarray ; sys_platform == 'win32'\n"},
        server="envbuild",
        severity="warning",
        says="nothing that is known to bring pandas",
    ),
    Case(files={"conda.yaml": BARE + CONDA_TAIL.replace("  - azureml-ai-monitoring\n", "")}, severity="warning"),
    Case(
        files={"conda.yaml": BARE},
        server="envbuild",
        packages={"mlflow-skinny": "2.9.2", "numpy": "1.26.4"},
        says="mlflow imports pandas",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": BARE + "  - pandas==2.1.4\n"}, server="envbuild"),
    Case(files={"conda.yaml": BARE + "  - statsmodels==0.14.4\n"}, server="envbuild"),
    Case(files={"conda.yaml": BARE + "  - category_encoders==2.6.4\n"}, server="envbuild"),
    Case(files={"conda.yaml": BARE.replace("mlflow-skinny", "mlflow")}, server="envbuild"),
    # The monitoring package needs pandas.
    Case(files={"conda.yaml": conda("mlflow-skinny==2.9.2", "xgboost==2.0.3")}),
    Case(files={"conda.yaml": conda("mlflow-skinny==3.17.2")}, packages=LOCK),
]
