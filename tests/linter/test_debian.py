"""What rules say of Debian packages fits the base that they are said of."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from lintcases import MLMODEL, Case, conda, findings, locked, write

from envbuild.bases.types import Base
from envbuild.linter.debian import java_hint, may_have_java, packages_for, suite_of, way_to
from envbuild.linter.types import Target
from envbuild.model import read
from envbuild.model.java import java_packages
from envbuild.servers import PROFILES

BOOKWORM: Base = locked(Case(packages={})).base
TRIXIE = replace(BOOKWORM, name="debian:trixie", glibc="2.41")
IMAGE = replace(BOOKWORM, name="docker.io/library/python:3.12-slim", assembled=False, registry=True)
OTHER = replace(IMAGE, glibc="2.39")


def test_a_package_is_named_as_the_bases_release_names_it() -> None:
    libraries = ("libGL.so.1", "libgthread-2.0.so.0", "libGL.so.1")
    assert packages_for(libraries, BOOKWORM) == (("libgl1", "libglib2.0-0"), ())
    assert packages_for(libraries, TRIXIE) == (("libgl1", "libglib2.0-0t64"), ())
    assert packages_for(("libavcodec.so.59", "libnobody.so.1"), TRIXIE) == ((), ("libavcodec.so.59", "libnobody.so.1"))
    assert (suite_of(IMAGE), suite_of(OTHER)) == ("bookworm", "")
    assert packages_for(libraries, OTHER) == (("libgl1",), ("libgthread-2.0.so.0",))


def test_an_assembled_base_takes_packages_and_an_image_is_built_anew() -> None:
    assert way_to(("libgl1", "libsm6"), TRIXIE) == "--apt libgl1 --apt libsm6 adds what is missing to the base"
    said = way_to(("libgl1",), IMAGE)
    assert "its Dockerfile installs them" in said
    assert "--base debian:bookworm --apt libgl1" in said
    assert way_to((), IMAGE) == ""


def test_the_java_runtime_is_the_releases_own() -> None:
    assert "--apt openjdk-17-jre-headless" in java_hint(BOOKWORM)
    assert "--apt openjdk-21-jre-headless" in java_hint(TRIXIE)


@pytest.mark.parametrize("base", [None, BOOKWORM, TRIXIE, IMAGE, OTHER])
def test_a_script_that_imports_pyspark_is_told_of_what_a_model_of_spark_gets(base: Base | None, tmp_path: Path) -> None:
    model = read(write(Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")}), tmp_path / "spark"))
    gets = java_packages(model, "debian:trixie" if base is TRIXIE else "debian:bookworm", ())
    assert "libnss-wrapper" in gets
    assert set(re.findall(r"--apt (\S+)", java_hint(base))) == set(gets)


def test_the_page_of_the_rule_names_the_same() -> None:
    from envbuild.linter.rules.eb804_pyspark_without_java import PysparkWithoutJava

    said = re.findall(r"--apt ([\w-]+)", PysparkWithoutJava.__doc__ or "")
    assert said == re.findall(r"--apt (\S+)", java_hint())


@pytest.mark.parametrize(
    ("fields", "possible"),
    [
        ({}, False),
        ({"apt": ("openjdk-21-jre-headless",)}, True),
        ({"apt": ("default-jdk",)}, True),
        ({"apt": ("openjdk-17-jre-zero-doc", "java-common", "libopenjdk-17-jre")}, False),
        ({"base": "debian:bookworm"}, False),
        ({"base": "python:3.11-slim"}, True),
        ({"base": "python:3.11-slim", "azure": True}, False),
    ],
)
def test_java_is_only_where_somebody_brings_it(fields: dict[str, object], possible: bool, tmp_path: Path) -> None:
    target = Target(server=PROFILES["envbuild"], **fields)  # type: ignore[arg-type]
    model = read(write(Case(), tmp_path / "plain"))
    assert may_have_java(model, target) is possible
    spark = read(write(Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")}), tmp_path / "spark"))
    assert may_have_java(spark, target) is not target.azure


def test_the_fix_of_a_library_is_not_offered_where_another_package_wants_the_same(tmp_path: Path) -> None:
    from cases.eb801 import CV2, case, wheel

    for other, fixed in (
        ((), True),
        (("opencv-python-headless",), True),
        (("opencv-python ; extra == 'gui'",), True),
        (
            ("OpenCV_Python>=4",),
            False,
        ),
    ):
        tried = case(CV2 | wheel("user", requires=other), "opencv-python==1.0")
        root = write(tried, tmp_path / str(len(list(tmp_path.iterdir()))))
        (finding,) = (f for f in findings(tried, root) if f.code == "EB801")
        assert bool(finding.edits) is fixed, other


def test_two_lists_get_the_same_new_name(tmp_path: Path) -> None:
    from cases.eb801 import CV2, case

    tried = case(CV2, "opencv-python==1.0")
    tried = replace(
        tried, files={"conda.yaml": conda("'opencv-python==1.0'  # faces"), "requirements.txt": "opencv_python==1.0\n"}
    )
    (finding,) = (f for f in findings(tried, write(tried, tmp_path / "model")) if f.code == "EB801")
    assert [(edit.file, edit.text) for edit in finding.edits] == [
        ("conda.yaml", "  - 'opencv-python-headless==1.0'  # faces"),
        ("requirements.txt", "opencv-python-headless==1.0"),
    ]
