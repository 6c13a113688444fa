"""A real Spark model answers from its image, as any user: the base brings Java, and pyspark is built from source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from containers import STRICT, running, same
from doubling import cache_folder
from environments import environment
from images import building

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.proof]

PYSPARK = "pyspark==3.5.3"
APT = "openjdk-17-jre-headless, bash, coreutils, libnss-wrapper, libsnappy-jni"
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


# What goes from one stage to the next is packed, by default with a library that is loaded from /tmp.
SHUFFLE = """
import os
from envbuild_runtime import java, process
process.prepare()
java.prepare(os.environ)
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
print("groups:", spark.range(1000).selectExpr("id % 7 AS rest").groupBy("rest").count().count())
"""


@dataclass(frozen=True)
class Logged:
    """A model, and what its own predict says of `split`."""

    folder: Path
    split: Any
    answer: Any


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cache_folder(tmp_path_factory)


@pytest.fixture(scope="module")
def links(cache: Path) -> Path:
    return wheels(cache / "wheels-of-pyspark")


@pytest.fixture(scope="module")
def logged(links: Path, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine to train a Spark model with")
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    packages = ("mlflow==2.17.2", PYSPARK, "numpy==1.26.4", "pandas<2.3", "setuptools<80")
    python = environment(parent, "logs-spark", "3.11", f"--find-links={links}", *packages)
    folder = tmp_path_factory.mktemp("logged")
    model, case = folder / "model", folder / "case.json"
    variables = {**os.environ, "PYSPARK_PYTHON": str(python)}
    subprocess.run([python, "-W", "ignore", "-c", LOG, model, case], check=True, cwd=folder, env=variables)
    asked = json.loads(case.read_text())
    return Logged(folder=model, split=asked["split"], answer=asked["answer"])


def check(built: dict[str, Any], logged: Logged, path: str, options: Sequence[str]) -> None:
    assert [row["value"] for row in built["decisions"] if row["what"] == "apt"] == [APT]
    with running(built["tag"], options=options, path=path, seconds=300) as container:
        answer = container.post("/invocations", {"dataframe_split": logged.split})
    assert answer.status == 200, answer.body
    assert same(answer.body["predictions"], logged.answer), answer.body


@pytest.mark.parametrize(("server", "path"), [("envbuild", "/"), ("mlflow", "/ping")])
def test_it_answers_with_a_wheel_that_a_person_built(
    server: str, path: str, logged: Logged, links: Path, cache: Path
) -> None:
    with building(cache) as build:
        built = build(logged.folder, f"spark-{server}", "--server", server, "--find-links", str(links))
        check(built, logged, path, STRICT)


def forget(keys: Path) -> None:
    """Drop what a cache, which other tests use meanwhile, remembers of a pyspark that was built before."""
    for key in keys.glob("*.json"):
        with suppress(FileNotFoundError):
            text = key.read_bytes()
            if b'"built' in text and b"pyspark" in text:
                key.unlink()


def test_pyspark_is_built_from_its_source_on_the_way(logged: Logged, cache: Path) -> None:
    forget(cache / "store" / "keys")
    with building(cache) as build:
        built = build(logged.folder, "spark-source", "--server", "envbuild", "--allow-build", "pyspark", "--upgrade")
        for options in ((), ("--user", "12345"), STRICT):
            check(built, logged, "/", options)
        command = ["docker", "run", "--rm", "--network", "host", *STRICT, "--entrypoint", "/opt/envbuild/bin/python"]
        done = subprocess.run([*command, built["tag"], "-c", SHUFFLE], capture_output=True, text=True, check=False)
    assert "groups: 7" in done.stdout, done.stderr
