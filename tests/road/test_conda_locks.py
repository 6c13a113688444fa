"""A conda-lock.yml is checked, upgraded and built from as a pylock.toml is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
import tinyconda
import yaml
from tinyroad import Road
from tinywheels import make_wheel

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.oci.canonical import digest_of
from envbuild.resolver.conda.lockrows import rows_of

# The command, on a machine where neither uv nor rattler's solver can be started.
WITHOUT_SOLVERS = """
import sys
import envbuild.resolver.uv
import rattler
from envbuild.cli.main import run

def refuse(*_, **__):
    raise AssertionError("a solver was started")

rattler.solve = envbuild.resolver.uv.find_uv = envbuild.resolver.uv.compile_lock = refuse
sys.exit(run(sys.argv[1:]))
"""
NAME = "prod.conda-lock.yml"


@pytest.fixture
def base(road: Road) -> list[str]:
    return ["--base", f"oci:{road.base}", "--server", "envbuild"]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.slow
def test_a_check_asks_nobody_and_says_what_changed(road: Road, channel: Path, base: list[str]) -> None:
    assert road.run("lock", "model", "-o", NAME, *base).returncode == 0
    shutil.rmtree(road.cache)
    shutil.rmtree(channel)
    before = (road.folder / NAME).read_bytes()
    check = ["lock", "model", "-o", NAME, "--check"]
    done = road.run_in_python(WITHOUT_SOLVERS, *check, *base)
    assert done.stdout == f"{NAME} is what is asked for\n"
    assert not [path for path in (road.cache / "store" / "blobs").rglob("*") if path.is_file()]
    listed = road.model / "conda.yaml"
    edit(listed, "tiny-loader==1.0", "tiny-loader>=1")
    edit(listed, "tiny-numbers>=1", "tiny-numbers>=1.5")
    done = road.run(*check, *base)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "the conda package tiny-numbers>=1.5 (conda.yaml:7) was tiny-numbers>=1",
        "tiny-loader>=1 (conda.yaml:10) was tiny-loader==1.0",
    ]
    more = ["--accelerator", "cuda126", "--as-of", "2024-06-01"]
    done = road.run(*check, "--json", "--base", "python:3.11", "--server", "mlflow", "--platform", "linux/arm64", *more)
    document = json.loads(done.stdout)
    assert (done.returncode, document["current"]) == (1, False)
    for change in (
        "the base is docker.io/library/python:3.11, it was oci",
        "the platform is linux/arm64, the lock is for manylinux_2_36_x86_64",
        "the server is mlflow, it was envbuild",
        "accelerator is cuda126, it was not set",
        "as-of is 2024-06-02T00:00:00Z, it was not set",
    ):
        assert change in document["changes"]
    assert (road.folder / NAME).read_bytes() == before


@pytest.mark.slow
def test_with_locked_nothing_may_have_changed(road: Road, channel: Path, base: list[str]) -> None:
    """And nothing is solved: also where the lock is the model's own."""
    assert road.run("lock", "model", "-o", "model", *base).returncode == 0
    path = road.model / "conda-lock.yml"
    assert str(road.folder / "model") not in path.read_text()
    output = road.folder / "tiny.tar"
    own = road.run_in_python(WITHOUT_SOLVERS, *road.image_arguments(output, "--locked", "--json"))
    shutil.rmtree(road.cache)
    named = road.run_in_python(
        WITHOUT_SOLVERS, *road.image_arguments(output, "--lock", str(path), "--locked", "--json")
    )
    assert json.loads(named.stdout)["config_digest"] == json.loads(own.stdout)["config_digest"]
    assert road.run("lock", "model", "-o", "model", "--check", *base).returncode == 0
    output.unlink()
    fresh = road.run("plan", "model", *base)
    assert (fresh.returncode, "is not what is asked for" in fresh.stderr) == (0, False), fresh.stderr
    listed = road.model / "conda.yaml"
    edit(listed, "tiny-numbers>=1", "tiny-numbers>=1.5")
    for flags in (["--locked"], ["--lock", str(path), "--locked"]):
        done = road.image(*flags)
        assert (done.returncode, done.stdout) == (12, ""), done.stderr
        assert "conda-lock.yml would change, and --locked forbids it" in done.stderr
        assert "the conda package tiny-numbers>=1.5 (conda.yaml:7) was tiny-numbers>=1" in done.stderr
    assert not output.exists()
    for named in ([], ["--lock", str(path)]):
        done = road.run("plan", "model", *base, *named)
        assert done.returncode == 0, done.stderr
        assert "is not what is asked for, and is taken as it is: the conda package" in done.stderr
        assert "tiny-numbers>=1.5 (conda.yaml:7) was tiny-numbers>=1" in done.stderr


@pytest.mark.slow
def test_the_wheels_of_a_models_own_lock_are_those_of_the_indexes(
    road: Road, channel: Path, base: list[str], tmp_path: Path
) -> None:
    """A model does not choose where packages come from; whoever names its lock vouches for it."""
    assert road.run("lock", "model", "-o", "model", *base).returncode == 0
    path = road.model / "conda-lock.yml"
    shutil.rmtree(road.cache)
    done = road.image("--locked", "--json")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(road.cache)
    evil = make_wheel(tmp_path, "tiny-loader", "1.0", files={"tiny_loader/__init__.py": "evil = True\n"})
    row = next(row for row in rows_of(path)[0] if row.name == "tiny-loader")
    edit(path, row.url, evil.as_uri())
    edit(path, row.sha256, hashlib.sha256(evil.read_bytes()).hexdigest())
    written = yaml.safe_load(path.read_text())["metadata"]["custom_metadata"]["envbuild.packages"]
    rows = sorted([row.manager, row.name, row.version, row.sha256, row.platform, "main"] for row in rows_of(path)[0])
    edit(path, written, digest_of(rows))
    assert road.run("lock", "model", "-o", "model", "--check", *base).returncode == 0, "nothing shows in it"
    done = road.image("--locked")
    assert (done.returncode, done.stdout) == (12, ""), done.stderr
    assert "no index has the wheels that it names" in done.stderr and "vouch for the file" in done.stderr
    assert road.image("--locked", "--lock", str(path)).returncode == 0


@pytest.mark.slow
def test_a_file_that_was_edited_or_is_of_another_tool_is_told(road: Road, channel: Path, base: list[str]) -> None:
    assert road.run("lock", "model", "-o", NAME, *base).returncode == 0
    path = road.folder / NAME
    ours = path.read_text()
    check = ["lock", "model", "-o", NAME, "--check", *base]
    path.write_text(ours.replace("name: tiny-loader\n  version: '1.0'", "name: tiny-loader\n  version: '1.1'"))
    assert path.read_text() != ours
    done = road.run(*check)
    assert (done.returncode, done.stdout) == (1, "its packages were changed by hand\n")
    path.write_text(re.sub(r"  custom_metadata:\n(?:    .*\n|\n)+", "", ours))
    assert "custom_metadata" not in path.read_text()
    said = "it does not say what it was made for"
    done = road.run(*check)
    assert done.returncode == 1 and said in done.stdout
    done = road.image("--lock", NAME, "--locked")
    assert done.returncode == 12 and said in done.stderr
    assert road.image("--lock", NAME).returncode == 0
    path.write_text(ours)
    done = road.run("plan", "model", *base, "--lock", NAME, "--as-of", "2024-06-01")
    assert done.returncode == 0, done.stderr
    assert "is taken as it is: as-of is 2024-06-02T00:00:00Z, it was not set" in done.stderr
    path.write_text(ours.replace("envbuild.platform: manylinux_2_36_x86_64", "envbuild.platform: win32"))
    done = road.run(*check)
    assert done.returncode == 12 and "'win32'" in done.stderr and "Traceback" not in done.stderr
    (road.model / "conda.yaml").write_text("dependencies:\n- python=3.11.9\n- pip:\n  - mlflow==3.17.2\n")
    path.write_text(ours)
    done = road.run(*check)
    assert done.returncode == 1 and "takes nothing from conda channels any more" in done.stdout


@pytest.mark.slow
def test_a_lock_is_written_anew_with_what_it_has_or_without(road: Road, channel: Path, base: list[str]) -> None:
    lock = ["lock", "model", "-o", "out", *base]
    assert road.run(*lock).returncode == 0
    path = road.folder / "out" / "conda-lock.yml"
    first = path.read_bytes()
    tinyconda.make_package(channel, "tiny-native", "2.0", files={"lib/libtiny.so.1": b"\1"}, form="conda")
    tinyconda.make_module(channel, "tiny-numbers", "3.0", depends=("python", "tiny-native"))
    tinyconda.index(channel)
    shutil.rmtree(road.cache)
    assert road.run(*lock).returncode == 0
    assert path.read_bytes() == first
    done = road.image("--lock", str(path), "--upgrade-package", "tiny-native")
    assert done.returncode == 0, done.stderr
    assert "changed: tiny-native (conda) 1.0 -> 2.0" in done.stderr
    done = road.run(*lock, "--upgrade-package", "Tiny_Native")
    assert done.returncode == 0, done.stderr
    assert "changed: tiny-native (conda) 1.0 -> 2.0" in done.stderr
    assert "is not among the packages" not in done.stderr
    assert "tiny-numbers-2.0-" in path.read_text() and "tiny-native-2.0-" in path.read_text()
    assert road.run(*lock, "--check").returncode == 0
    assert road.run(*lock, "--upgrade").returncode == 0
    assert "tiny-numbers-3.0-" in path.read_text()
    done = road.run(*lock, "--check", "--upgrade")
    assert done.returncode == 2 and "--check and --upgrade exclude each other" in done.stderr


@pytest.mark.slow
def test_what_the_model_imports_counts_but_for_what_conda_brings(road: Road, channel: Path, base: list[str]) -> None:
    tinyconda.make_module(channel, "sqlalchemy")
    tinyconda.index(channel)
    edit(road.model / "conda.yaml", "- tiny-native\n", "- tiny-native\n- sqlalchemy\n")
    assert road.run("lock", "model", "-o", NAME, *base).returncode == 0
    edit(road.model / "MLmodel", "loader_module: tiny_loader", "code: code\n    loader_module: mine")
    (road.model / "code").mkdir()
    (road.model / "code" / "mine.py").write_text("import sqlalchemy.orm\n")
    check = ["lock", "model", "-o", NAME, "--check", *base]
    done = road.run(*check)
    assert (done.returncode, done.stdout) == (0, f"{NAME} is what is asked for\n")
    (road.model / "code" / "mine.py").write_text("import flask\n")
    done = road.run(*check)
    assert done.returncode == 1
    assert "code/mine.py:1 imports flask" in done.stdout
    done = road.image("--lock", NAME, "--locked")
    assert done.returncode == 12 and "imports flask" in done.stderr
