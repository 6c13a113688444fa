from lintcases import MLMODEL, Case, conda, script

PYSPARK = {"conda.yaml": conda("pyspark==3.5.1")}
BASE = frozenset({"libc.so.6", "libgomp.so.1"})
USING = script("import pyspark.sql\ndef init(): pass\ndef run(data): return data\n")
TRIGGERS = [
    Case(files=PYSPARK, severity="warning", at=("conda.yaml:5",), says="a Java runtime that the image does not have"),
    Case(files=PYSPARK, target={"script": USING}, says="the scoring script imports it"),
    Case(files=PYSPARK, target={"script": script("import sys\nif sys.version_info > (3, 9):\n    import pyspark\n")}),
    Case(
        files=PYSPARK,
        target={"script": script("import sys\nif sys.version_info < (3, 9):\n    import pyspark\n")},
        severity="warning",
        says="a Spark session cannot be started there",
    ),
    Case(files=PYSPARK, target={"apt": ("bash",)}, severity="warning"),
    Case(files=PYSPARK, target={"azure": True, "base": "example.org/java:17"}, severity="warning"),
    Case(packages={"pyspark": "3.5.1"}, libraries=BASE, severity="warning", says="debian:bookworm does not have"),
    Case(
        files=PYSPARK,
        target={"base": "oci:python"},
        packages={"pyspark": "3.5.1"},
        libraries=BASE,
        severity="warning",
        at=("conda.yaml:5",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("pyspark-test==0.2", "findspark==2.0.1")}),
    Case(files=PYSPARK, target={"apt": ("openjdk-17-jre-headless",)}),
    Case(files=PYSPARK, target={"base": "example.org/java:17"}),
    Case(
        files=PYSPARK, packages={"pyspark": "3.5.1"}, libraries=BASE | {"libjvm.so"}, target={"apt": ("default-jre",)}
    ),
    # EB010's: Spark loads the model.
    Case(files={**PYSPARK, "MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")}),
    Case(packages={"numpy": "2.4.6"}, libraries=BASE),
]
