from lintcases import Case, conda

TRIGGERS = [
    Case(
        files={"conda.yaml": conda("databricks-connect==14.3.0", "numpy==2.4.6", "pyspark==3.5.0")},
        severity="warning",
        at=("conda.yaml:5", "conda.yaml:7"),
    ),
    Case(
        files={
            "conda.yaml": conda("Databricks_Connect>=13", "pyspark"),
            "requirements.txt": "databricks-connect>=13\npyspark\n",
        },
        severity="warning",
        at=("conda.yaml:5", "requirements.txt:1", "conda.yaml:6", "requirements.txt:2"),
    ),
    # Another package brings pyspark.
    Case(
        files={"conda.yaml": conda("databricks-connect==14.3.0", "petastorm==0.12.1")},
        packages={"databricks-connect": "14.3.0", "pyspark": "3.5.0"},
        severity="warning",
        at=("conda.yaml:5",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("databricks-connect==14.3.0", "databricks-sdk==0.20")}),
    Case(files={"conda.yaml": conda("pyspark==3.5.0", "databricks-cli==0.18")}),
    Case(packages={"databricks-connect": "14.3.0", "pyspark-client": "4.0.0"}),
]
