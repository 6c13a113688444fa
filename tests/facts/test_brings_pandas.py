"""Each package that is said to bring pandas does so by the metadata of its wheel, as a solver reads it."""

from __future__ import annotations

import subprocess

import pytest
import uv
from lintcases import CONDA_HEAD, Case, findings, write
from packaging.utils import is_normalized_name

from envbuild.facts import load_json

NAMES: list[str] = load_json("brings_pandas.json")["packages"]


@pytest.mark.parametrize("name", NAMES)
def test_beside_it_mlflow_skinny_finds_pandas(name, tmp_path):
    assert is_normalized_name(name)
    files = {"conda.yaml": f"{CONDA_HEAD}  - mlflow-skinny==2.9.2\n  - {name}\n"}
    case = Case(files=files, server="envbuild")
    assert "EB410" not in {finding.code for finding in findings(case, write(case, tmp_path / "model"))}


def test_no_name_stands_there_twice():
    assert sorted(set(NAMES)) == NAMES


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_its_newest_version_comes_with_pandas_and_numpy(name):
    command = [uv.find_uv_bin(), "pip", "compile", "-q", "--no-header", "--no-annotate", "--no-config", "-"]
    command += ["--only-binary", ":all:", "--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_36"]
    done = subprocess.run(command, input=name, capture_output=True, text=True, check=True, timeout=300)
    locked = {line.partition("==")[0] for line in done.stdout.splitlines()}
    assert {name, "pandas", "numpy"} <= locked
