"""A real Spark model answers from its image: the base brings Java, and pyspark comes as a wheel that a person built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from containers import running, same
from doubling import cache_folder
from environments import environment
from images import building

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.proof]

PYSPARK = "pyspark==3.5.3"
# Without one of these two Spark itself does not start: a user of its own that the image knows, and a /tmp from which
# libraries can be loaded.
OPTIONS = ("--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL")
LOG = """
import json, sys
import mlflow
import pandas
from mlflow.models import infer_signature
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
rows = spark.createDataFrame([(1.0, 0.0, 2.0), (2.0, 1.0, 5.0), (3.0, 0.0, 6.0), (4.0, 1.0, 9.0)], ["a", "b", "y"])
columns = VectorAssembler(inputCols=["a", "b"], outputCol="features")
model = Pipeline(stages=[columns, LinearRegression(labelCol="y")]).fit(rows)
table = pandas.DataFrame({"a": [1.5, 2.5], "b": [1.0, 0.0]})
signature = infer_signature(table, pandas.Series([1.0]))
pins = ["mlflow==2.17.2", "pyspark==3.5.3", "numpy==1.26.4"]
mlflow.spark.save_model(model, sys.argv[1], signature=signature, pip_requirements=pins)
answer = list(mlflow.pyfunc.load_model(sys.argv[1]).predict(table))
json.dump({"split": json.loads(table.to_json(orient="split")), "answer": answer}, open(sys.argv[2], "w"))
"""


def wheels(folder: Path) -> Path:
    """A folder with a wheel of pyspark, which is published as source alone; kept for the next run where a cache is."""
    if not list(folder.glob("pyspark-*.whl")):
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", PYSPARK, "-w", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_it_answers_under_both_servers(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine to train a Spark model with")
    cache = cache_folder(tmp_path_factory)
    links = wheels(cache / "wheels-of-pyspark")
    found = f"--find-links={links}"
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    packages = ("mlflow==2.17.2", PYSPARK, "numpy==1.26.4", "pandas<2.3", "setuptools<80")
    python = environment(parent, "logs-spark", "3.11", found, *packages)
    model, case = tmp_path / "model", tmp_path / "case.json"
    variables = {**os.environ, "PYSPARK_PYTHON": str(python)}
    subprocess.run([python, "-W", "ignore", "-c", LOG, model, case], check=True, cwd=tmp_path, env=variables)
    asked = json.loads(case.read_text())
    for server, path in (("envbuild", "/"), ("mlflow", "/ping")):
        with building(cache) as build:
            built = build(model, f"spark-{server}", "--server", server, "--find-links", str(links))
            assert [row["value"] for row in built["decisions"] if row["what"] == "apt"] == [
                "openjdk-17-jre-headless, bash, coreutils"
            ]
            with running(built["tag"], options=OPTIONS, path=path, seconds=240) as container:
                answer = container.post("/invocations", {"dataframe_split": asked["split"]})
        assert answer.status == 200, answer.body
        assert same(answer.body["predictions"], asked["answer"]), answer.body
