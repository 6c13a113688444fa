from lintcases import MLMODEL, Case

SPARK = {"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")}
H2O = {"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.h2o")}
BASE = frozenset({"libc.so.6", "libgomp.so.1"})
TRIGGERS = [
    # What Azure ML builds knows nothing of --apt and --base.
    Case(files=SPARK, target={"azure": True}, at=("MLmodel:3",), says="a Java runtime that the image does not have"),
    Case(files=SPARK, target={"azure": True, "apt": ("default-jre-headless",), "base": "example.org/java:17"}),
    Case(files=H2O, target={"azure": True}, at=("MLmodel:3",), says="loaded by h2o"),
    Case(files=SPARK, packages={}, libraries=BASE, says="debian:bookworm does not have"),
    Case(files=SPARK, target={"base": "example.org/python:3.11"}, packages={}, libraries=BASE, at=("MLmodel:3",)),
    Case(files=H2O, target={"base": "example.org/python:3.11"}, packages={}, libraries=BASE, says="loaded by h2o"),
]
NEAR_MISSES = [
    Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.sparkling")}, packages={}, libraries=BASE),
    # An assembled base gets what the loader needs.
    Case(files=SPARK),
    Case(files=H2O, target={"base": "debian:trixie"}),
    Case(files=SPARK, target={"apt": ("bash", "default-jre")}, packages={}, libraries=BASE | {"libjvm.so"}),
    Case(files=SPARK, target={"base": "example.org/java:17"}),
    Case(files=SPARK, target={"base": "oci:java"}, packages={}, libraries=BASE | {"libjvm.so"}),
]
