from lintcases import MLMODEL, Case

SPARK = {"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")}
BASE = frozenset({"libc.so.6", "libgomp.so.1"})
TRIGGERS = [
    Case(files=SPARK, at=("MLmodel:3",), says="a Java runtime that the image does not have"),
    Case(files=SPARK, target={"apt": ("libgl1", "bash")}),
    Case(files=SPARK, target={"base": "debian:trixie"}),
    # What Azure ML builds knows nothing of --apt and --base.
    Case(files=SPARK, target={"azure": True, "apt": ("default-jre-headless",), "base": "example.org/java:17"}),
    Case(files=SPARK, packages={}, libraries=BASE, says="debian:bookworm does not have"),
    Case(files=SPARK, target={"base": "example.org/python:3.11"}, packages={}, libraries=BASE, at=("MLmodel:3",)),
]
NEAR_MISSES = [
    Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.sparkling")}),
    Case(files=SPARK, target={"apt": ("openjdk-17-jre-headless",)}),
    Case(files=SPARK, target={"apt": ("bash", "default-jre")}, packages={}, libraries=BASE | {"libjvm.so"}),
    Case(files=SPARK, target={"base": "example.org/java:17"}),
    Case(files=SPARK, target={"base": "oci:java"}, packages={}, libraries=BASE | {"libjvm.so"}),
]
