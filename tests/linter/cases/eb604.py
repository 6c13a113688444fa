from lintcases import Case, conda

UNKNOWN = """error: No solution found when resolving dependencies
  cause: Because %s was not found in the package registry and you require %s==1.0, we can conclude that your \
requirements are unsatisfiable."""
DEEP = "Because in-house was not found in the package registry and shell==1.0 depends on in-house, we can conclude"
TRIGGERS = [
    Case(files={"conda.yaml": conda("dbruntime ; sys_platform != 'win32'")}, says="Databricks"),
    Case(files={"conda.yaml": conda("dbruntime")}, at=("conda.yaml:5",), says="Databricks"),
    Case(
        files={"conda.yaml": conda("dbutils==1.0"), "requirements.txt": "dbutils\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
        says="another project of that name",
    ),
    Case(files={"conda.yaml": conda("databricks_feature_lookup==1.17.0")}, severity="warning"),
    Case(
        files={"conda.yaml": conda("my-in-house==1.0")},
        explanation=UNKNOWN % ("my-in-house", "my-in-house"),
        at=("conda.yaml:5",),
        says="my-in-house is not on the package index",
    ),
    Case(files={"conda.yaml": conda("shell==1.0")}, explanation=DEEP, says="in-house, which another package asks for,"),
]
NEAR_MISSES = [
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": conda("dbruntime ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda("databricks-sdk", "databricks-automl-runtime==0.2.21", "azureml-core==1.61")}),
    Case(files={"conda.yaml": conda("dbruntime @ https://host/dbruntime-1-py3-none-any.whl")}),
    Case(files={"conda.yaml": conda("numpy==9.9")}, explanation="Because there is no version of numpy==9.9 and you"),
]
