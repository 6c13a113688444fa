"""The base is chosen by the same answer as the packages: whether Python comes from conda channels."""

from __future__ import annotations

from pathlib import Path

import pytest

import envbuild
from envbuild.choosing import from_conda
from envbuild.job import Images, Job, open_store
from envbuild.model.conda_way import way_of
from envbuild.options import Options
from envbuild.progress import SILENT


@pytest.mark.parametrize("mode", ["auto", "always", "never"])
@pytest.mark.parametrize("conda_yaml", ["dependencies:\n- python=3.11.7\n- pip:\n  - mlflow==3.17.2\n", "{}\n", None])
@pytest.mark.parametrize("with_lock", [True, False])
def test_both_ask_the_same(tmp_path: Path, mode: str, conda_yaml: str | None, with_lock: bool) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: a\n")
    if conda_yaml is not None:
        (model / "conda.yaml").write_text(conda_yaml)
    if with_lock:
        (model / "conda-lock.yml").write_text("version: 1\n")
    options = Options(cache=tmp_path / "cache", conda=mode)
    loaded = envbuild.load(model)
    job = Job.of(loaded, options, open_store(options), Images(), SILENT)
    assert from_conda(job) == way_of(loaded.environment, mode, loaded.root).conda
