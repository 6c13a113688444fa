from lintcases import Case, conda

REST = ("numpy==2.4.6", "pandas==2.3.3")
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("mlflow==3.17.2", "azureml-mlflow", *REST)},
        severity="warning",
        at=("conda.yaml:6", "conda.yaml:5"),
        says="an older azureml-mlflow",
    ),
    Case(files={"conda.yaml": conda("mlflow-skinny>=3.16", "azureml-mlflow", *REST)}, severity="warning"),
    Case(files={"conda.yaml": conda("mlflow==3.17.2", "azureml-mlflow==1.62.0.post6", *REST)}, says="nothing can"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("mlflow==3.15.0", "azureml-mlflow", *REST)}),
    Case(files={"conda.yaml": conda("mlflow==2.22.0", "azureml-mlflow==1.60.0", *REST)}),
    Case(files={"conda.yaml": conda("mlflow", "azureml-mlflow", *REST)}),
    Case(files={"conda.yaml": conda("mlflow==3.17.2", "azureml-core", *REST)}),
]
