"""A model with a package that is there as source alone, and one with a link to a git repository of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinyroad import Road
from tinysources import source_files, write_repository, write_sdist

SECRET = "pa55-that-no-build-may-see"


def test_without_leave_nothing_is_built_and_each_is_named_with_its_line(road: Road, tmp_path: Path) -> None:
    write_sdist(tmp_path, "only-source")
    write_repository(tmp_path / "code", source_files("from-git"))
    conda = road.model / "conda.yaml"
    whole = conda.read_text()
    address = f"from-git @ git+{(tmp_path / 'code').as_uri()}"
    for line, way in (("only-source", "--allow-build only-source"), (address, "--allow-build from-git")):
        conda.write_text(f"{whole}  - {line}\n")
        done = road.image("--find-links", str(tmp_path), "--ignore", "EB105")
        assert done.returncode != 0
        assert "conda.yaml:10" in done.stderr, done.stderr
        assert way in done.stderr
    assert road.run("plan", str(road.model), "--allow-build", "no/name").returncode == 2


@pytest.fixture
def model(tmp_path: Path, fixture_models: Path) -> Path:
    """The fixture with code, which imports a package from an archive and one from a repository before it answers."""
    folder = shutil.copytree(fixture_models / "pyfunc-code", tmp_path / "model")
    shutil.copy(fixture_models / "pyfunc-code.expected.json", tmp_path / "model.expected.json")
    # The cache may outlive the run, and has what was built of other sources: nobody has built these.
    word = f"# {os.urandom(8).hex()}"
    write_repository(tmp_path / "code", source_files("from-git", "2.0", first=word))
    (tmp_path / "links").mkdir()
    write_sdist(tmp_path / "links", "only-source", files=source_files("only-source", first=word))
    address = f"from-git @ git+{(tmp_path / 'code').as_uri()}@main"
    for name, before in (("conda.yaml", "  - "), ("requirements.txt", "")):
        with (folder / name).open() as file:
            text = file.read()
        lines = "".join(f"{before}{each}\n" for each in ("only-source==1.0", address))
        text = text.replace("name: mlflow-env\n", f"{lines}name: mlflow-env\n") if before else f"{text}\n{lines}"
        (folder / name).write_text(text)
    rules = folder / "code" / "pricing" / "rules.py"
    check = 'assert (only_source.__version__, from_git.__version__) == ("1.0", "2.0")\n'
    rules.write_text(f"import from_git\nimport only_source\n\n{check}{rules.read_text()}")
    return folder


@pytest.fixture
def made() -> Iterator[list[str]]:
    """Names of images that are removed in the end."""
    names: list[str] = []
    yield names
    for name in names:
        subprocess.run(["docker", "rmi", name], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize("driver", ["bubblewrap", pytest.param("docker", marks=pytest.mark.proof)])
def test_both_are_built_and_the_container_answers(
    driver: str, model: Path, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if driver == "docker":
        # A PATH on which everything is but bubblewrap.
        places = [place for place in os.environ["PATH"].split(os.pathsep) if (Path(place) / "bwrap").exists()]
        for number, place in enumerate(places):
            copy = tmp_path / f"bin{number}"
            copy.mkdir()
            for program in Path(place).iterdir():
                if program.name != "bwrap":
                    (copy / program.name).symlink_to(program)
            monkeypatch.setenv("PATH", os.environ["PATH"].replace(place, str(copy)))
    elif shutil.which("bwrap") is None:
        if "sandbox" in os.environ.get("ENVBUILD_TEST_REQUIRE", ""):
            pytest.fail("bubblewrap is not installed")
        pytest.skip("bubblewrap is not installed")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    cache = os.environ.get("ENVBUILD_TEST_CACHE") or str(tmp_path / "cache")
    tag = f"envbuild-test/from-source-{driver}:{os.urandom(4).hex()}"
    made.append(tag)
    allow = ["--allow-build", "only-source,from-git", "--find-links", str(tmp_path / "links"), "--server", "envbuild"]
    command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", *allow]
    variables = {**os.environ, "ENVBUILD_CACHE_DIR": cache}
    # A cache that outlives the run may have the lock of the last one, whose folders had the same names.
    first = [*command, "--upgrade", "--test", "--json"]
    done = subprocess.run(first, capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    assert f"in a sandbox of debian:bookworm, by {driver}" in done.stderr
    assert SECRET not in done.stderr
    digest = json.loads(done.stdout)["config_digest"]
    # Nothing is built twice, and nobody is asked.
    nowhere = {**variables, "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple"}
    again = subprocess.run([*command, "--locked", "--json"], capture_output=True, text=True, env=variables, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["config_digest"] == digest
    assert "building" not in again.stderr
    verified = [sys.executable, "-m", "envbuild", "verify", tag]
    done = subprocess.run(verified, capture_output=True, text=True, env=nowhere, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
