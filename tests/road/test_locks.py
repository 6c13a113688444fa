"""A lock goes to a file, an image is built from it without a solver, and a change of the model is noticed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tinyroad import Road, add_base
from tinywheels import make_wheel, write_index

# The command, on a machine where uv cannot be started.
WITHOUT_UV = """
import sys
import envbuild.resolver.uv
from envbuild.cli.main import run

def refuse(*_, **__):
    raise AssertionError("uv was started")

envbuild.resolver.uv.find_uv = envbuild.resolver.uv.compile_lock = refuse
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def base(road: Road) -> list[str]:
    return ["--base", f"oci:{road.base}", "--server", "envbuild"]


def test_an_image_is_built_from_a_lock_without_uv_and_is_the_same(road: Road, base: list[str]) -> None:
    done = road.run("lock", "model", "-o", "out/pylock.prod.toml", *base)
    assert done.returncode == 0, done.stderr
    path = road.folder / "out" / "pylock.prod.toml"
    first = path.read_bytes()
    assert str(road.folder).encode() not in first
    digest = road.config_digest()
    shutil.rmtree(road.cache)
    output = road.folder / "other.tar"
    flags = ["--lock", str(path), "--locked", "--json"]
    done = road.run_in_python(WITHOUT_UV, *road.image_arguments(output, *flags))
    assert json.loads(done.stdout)["config_digest"] == digest
    # The cache was empty again, so the lock is resolved anew.
    assert road.run("lock", "model", "-o", str(path), *base).returncode == 0
    assert path.read_bytes() == first
    assert road.run("lock", "model", "-o", "out", *base, "-q").returncode == 0
    assert (road.folder / "out" / "pylock.toml").read_bytes() == first


def test_a_check_asks_nobody_and_says_what_changed(road: Road, base: list[str]) -> None:
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    shutil.rmtree(road.cache)
    check = ["lock", "model", "-o", "pylock.toml", "--check"]
    done = road.run_in_python(WITHOUT_UV, *check, *base)
    assert done.stdout == "pylock.toml is what is asked for\n"
    assert not [path for path in (road.cache / "store" / "blobs").rglob("*") if path.is_file()]
    listed = road.model / "conda.yaml"
    listed.write_text(listed.read_text().replace("tiny-loader==1.0", "tiny-loader>=1"))
    done = road.run(*check, *base)
    assert (done.returncode, done.stdout) == (1, "tiny-loader>=1 (conda.yaml:9) was tiny-loader==1.0\n")
    done = road.run(*check, "--json", "--base", "python:3.11", "--server", "mlflow", "--platform", "linux/arm64")
    changes = json.loads(done.stdout)["changes"]
    assert changes[:3] == [
        "the base is docker.io/library/python:3.11, it was oci",
        "the platform is linux/arm64, the lock is for manylinux_2_36_x86_64",
        "the server is mlflow, it was envbuild",
    ]
    before = (road.folder / "pylock.toml").read_bytes()
    done = road.image("--lock", "pylock.toml", "--locked")
    assert (done.returncode, done.stdout) == (12, "")
    assert "pylock.toml would change" in done.stderr
    assert not (road.folder / "tiny.tar").exists()
    assert (road.folder / "pylock.toml").read_bytes() == before
    done = road.run("plan", "model", *base, "--lock", "pylock.toml")
    assert done.returncode == 0, done.stderr
    assert "tiny-loader>=1 (conda.yaml:9) was tiny-loader==1.0" in done.stderr


@pytest.mark.slow
def test_another_base_is_noted_and_another_machine_is_refused(road: Road, base: list[str]) -> None:
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    path = road.folder / "pylock.toml"
    path.write_text(re.sub(r'(name = "oci", digest = "sha256:)\w{8}', r"\g<1>00000000", path.read_text()))
    done = road.run("plan", "model", *base, "--lock", "pylock.toml")
    assert done.returncode == 0
    assert "made on another base: the base is sha256:" in done.stderr
    assert road.run("plan", "model", *base, "--lock", "pylock.toml", "--locked").returncode == 12
    add_base(road.base, road.folder / "arm", architecture="arm64")
    done = road.run("plan", "model", *base, "--lock", "pylock.toml", "--platform", "linux/arm64")
    assert (done.returncode, done.stdout) == (12, "")
    assert "pylock.toml is for linux/amd64, and the image is for linux/arm64" in done.stderr


@pytest.mark.slow
def test_one_package_of_the_file_is_chosen_anew(road: Road, base: list[str], tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    road.environment["UV_FIND_LINKS"] = str(shelf)
    road.environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    before = (road.folder / "pylock.toml").read_text()
    make_wheel(shelf, "numpy", "2.4.7")
    make_wheel(shelf, "pandas", "3.1.2")
    done = road.run("lock", "model", "-o", "pylock.toml", "--upgrade-package", "Pandas", *base)
    assert done.returncode == 0, done.stderr
    assert "changed: pandas 3.1.1 -> 3.1.2" in done.stderr
    after = (road.folder / "pylock.toml").read_text()
    assert 'name = "numpy"\nversion = "2.4.6"' in after
    # A wheel of a folder on this machine is named from the lock, and the image is built from it.
    assert 'path = "shelf/pandas-3.1.2-py3-none-any.whl"' in after
    assert str(road.folder) not in after
    assert before != after
    assert road.image("--lock", "pylock.toml").returncode == 0


def test_every_command_that_looks_at_packages_takes_those_of_the_file(
    road: Road, base: list[str], private_index: Callable[[], Path]
) -> None:
    index = private_index()
    listed = road.model / "conda.yaml"
    listed.write_text(listed.read_text().replace("tiny-loader==1.0", "tiny-loader"))
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    locked = json.loads(road.run("lock", "model", "-o", "pylock.toml", "--json", *base).stdout)
    make_wheel(index, "tiny-loader", "1.1")
    write_index(index)
    shutil.rmtree(road.cache)
    with_lock = ["model", "--lock", "pylock.toml", "--locked", *base]
    plan = json.loads(road.run_in_python(WITHOUT_UV, "plan", *with_lock, "--json").stdout)
    assert plan["lock"] == locked["digest"]
    done = road.run_in_python(WITHOUT_UV, "lint", *with_lock, "--resolve", "--output-format", "json")
    assert json.loads(done.stdout)["counts"]["error"] == 0
    newer = json.loads(road.run("lock", "model", "-o", "newer", "--json", *base).stdout)
    assert newer["digest"] != locked["digest"]


def test_an_import_that_needs_the_whole_of_mlflow_is_noticed(road: Road, base: list[str]) -> None:
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    check = ["lock", "model", "-o", "pylock.toml", "--check", *base]
    assert road.run(*check).returncode == 0
    mlmodel = road.model / "MLmodel"
    mlmodel.write_text(mlmodel.read_text().replace("loader_module: tiny_loader", "code: code\n    loader_module: mine"))
    (road.model / "code").mkdir()
    (road.model / "code" / "mine.py").write_text("import sqlalchemy.orm\n")
    done = road.run(*check)
    assert done.returncode == 1, done.stderr
    assert "code/mine.py:1 imports sqlalchemy.orm of sqlalchemy, which mlflow-skinny does not bring" in done.stdout
    done = road.image("--lock", "pylock.toml", "--locked")
    assert done.returncode == 12, done.stderr
    assert "pylock.toml would change" in done.stderr and "sqlalchemy" in done.stderr
    # There is no such package here, so nothing else can be done, and the file says that it was known.
    assert road.run("lock", "model", "-o", "pylock.toml", *base).returncode == 0
    assert road.run(*check).returncode == 0
