"""A model that a Java program loads gets a runtime from the packages of the base's own suite."""

from __future__ import annotations

import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from folders import write_files
from tinyindex import write_tiny_index
from tinywheels import make_wheel, serve

from envbuild import api
from envbuild.bases.libraries import libraries_of
from envbuild.bases.suites import SUITES
from envbuild.gather import gather
from envbuild.job import Images, Job
from envbuild.model import read
from envbuild.model.java import java_packages, runtimes
from envbuild.model.types import Model
from envbuild.oci.store import Store
from envbuild.options import Options
from envbuild.prepare import prepare_base
from envbuild.resolver.types import Lock

SPARK = ("openjdk-17-jre-headless", "bash", "coreutils", "libnss-wrapper", "libsnappy-jni")


@pytest.fixture
def model_of(tmp_path: Path) -> Any:
    def make(loader: str) -> Model:
        flavor = f"flavors:\n  python_function:\n    loader_module: {loader}\n    python_version: 3.11.2\n"
        listed = "mlflow==3.17.2, pyspark==3.5.1"
        files = {"MLmodel": flavor, "conda.yaml": f"dependencies:\n- python=3.11.2\n- pip\n- pip: [{listed}]\n"}
        write_files(tmp_path / loader, files)
        return read(tmp_path / loader)

    return make


@pytest.fixture
def with_java(archive: Any) -> Any:
    """The archive with what Spark needs."""
    jvm = {"usr/lib/jvm/java-17/lib/server/libjvm.so": b"java", "usr/lib/jvm/java-17/bin/java": b"#!java\n"}
    archive.add(SPARK[0], "17.0", jvm)
    archive.add("bash", "5.2-1", {"bin/bash": b"shell"})
    archive.add("coreutils", "9.1-1", {"usr/bin/dirname": b"#!\n"})
    for name in SPARK[3:]:
        archive.add(name, "1.1-1", {f"usr/share/{name}": b"x"})
    archive.publish()
    return archive


def test_each_loader_gets_what_it_starts_java_with(model_of: Any) -> None:
    assert java_packages(model_of("mlflow.spark"), "debian:bookworm", ()) == SPARK
    assert java_packages(model_of("mlflow.johnsnowlabs"), "debian:bookworm", ()) == SPARK
    assert java_packages(model_of("mlflow.h2o"), "debian:bookworm", ()) == SPARK[:1]
    assert java_packages(model_of("mlflow.h2o"), "debian:trixie", ()) == ("openjdk-21-jre-headless",)
    assert java_packages(model_of("mlflow.sklearn"), "debian:bookworm", ()) == ()


def test_what_the_person_adds_takes_its_place(model_of: Any) -> None:
    spark = model_of("mlflow.spark")
    assert java_packages(spark, "debian:bookworm", ("default-jdk", "bash")) == SPARK[2:]
    assert java_packages(spark, "debian:bookworm", SPARK) == ()


def test_an_image_is_as_it_is(model_of: Any) -> None:
    for base in ("docker.io/library/python:3.12-slim", "oci:java", "docker.io/library/debian:bookworm"):
        assert java_packages(model_of("mlflow.spark"), base, ()) == ()


def test_every_suite_has_a_runtime() -> None:
    assert set(runtimes()) == set(SUITES)


def test_the_base_is_made_with_it_and_notes_and_plan_say_so(
    with_java: Any, model_of: Any, store: Store, recorder: Any
) -> None:
    options = Options(server="envbuild", base="debian:bookworm", platform="linux/amd64", bytecode="off")
    job = Job.of(model_of("mlflow.spark"), options, store, Images(), recorder)
    base, choice = prepare_base(job)
    assert "libjvm.so" in libraries_of(base, store)
    assert {*SPARK} <= {package.name for package in base.packages}
    said = f"{', '.join(SPARK)} come into debian:bookworm: mlflow.spark, the model's loader"
    assert [note for note in recorder.notes if note.startswith(said)]
    lock = Lock(packages=(), python="3.11.2", platform="manylinux_2_36_x86_64", requirements=())
    (decision,) = [one for one in gather(job, base, choice, lock).decisions if one.what == "apt"]
    assert (decision.value, "mlflow.spark" in decision.why) == (", ".join(SPARK), True)
    plain, _ = prepare_base(replace(job, model=model_of("mlflow.sklearn")))
    assert "libjvm.so" not in libraries_of(plain, store)


def test_a_spark_models_image_is_built_with_a_wheel_of_pyspark_from_a_folder(
    with_java: Any, model_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "index").mkdir()
    (tmp_path / "wheels").mkdir()
    write_tiny_index(tmp_path / "index")
    make_wheel(
        tmp_path / "wheels", "pyspark", "3.5.1", requires=["py4j"], files={"pyspark/bin/spark-class": "#!bash\n"}
    )
    make_wheel(tmp_path / "wheels", "py4j", "0.10.9.7")
    options = Options(
        server="envbuild", base="debian:bookworm", platform="linux/amd64", bytecode="off", cache=tmp_path / "cache"
    )
    with serve(tmp_path / "index") as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
        api.build(model_of("mlflow.spark"), tags=["spark"], output=f"oci-dir={tmp_path / 'image'}", options=options)
    blobs = {path.name: path for path in (tmp_path / "image" / "blobs" / "sha256").iterdir()}
    index = json.loads((tmp_path / "image" / "index.json").read_text())
    manifest = json.loads(blobs[index["manifests"][0]["digest"][7:]].read_text())
    names: set[str] = set()
    for layer in manifest["layers"]:
        with tarfile.open(blobs[layer["digest"][7:]]) as tar:
            names |= set(tar.getnames())
    site = "opt/envbuild/lib/python3.11/site-packages"
    assert {f"{site}/pyspark/bin/spark-class", f"{site}/py4j/__init__.py", "usr/bin/java", "usr/bin/bash"} <= names
