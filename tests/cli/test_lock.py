"""What makes no sense for `envbuild lock` is told before any work."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.resolver.origin import Origin
from envbuild.resolver.pylock import write_pylock
from envbuild.resolver.types import Lock


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["-o", "conda-lock.yml", "--check"], "there is no lock to check"),
        (["-o", "lock.toml"], "name it pylock.toml or pylock.NAME.toml"),
        (["-o", "pylock.a.b.toml"], "name it pylock.toml or pylock.NAME.toml"),
        (["-o", "pylock.toml", "--check"], "there is no lock to check"),
        (["-o", "pylock.toml", "--check", "--upgrade"], "--check and --upgrade exclude each other"),
        (
            ["-o", "pylock.toml", "--check", "--upgrade-package", "a"],
            "--check and --upgrade-package exclude each other",
        ),
        (["-o", ".", "--lock", "file"], "--lock takes packages from a file"),
        (["-o", ".", "--lock", "file", "--upgrade"], "--lock and --upgrade exclude each other"),
        (["-o", ".", "--upgrade-package", "a", "--locked"], "--upgrade-package and --locked exclude each other"),
        (["-o", ".", "--upgrade-package", "a==1"], "not the name of a package"),
        (["-o", "file"], "is a file"),
        (["-o", ".", "--lock", "absent.toml"], "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Callable[..., int],
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert call("lock", models / "diabetes", *flags) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert not any(Path(os.environ["ENVBUILD_CACHE_DIR"]).iterdir())


@pytest.mark.parametrize(("conda", "missing"), [("always", "custom_metadata"), ("never", "[tool.envbuild.inputs]")])
@pytest.mark.parametrize("names", [("pylock.toml", "conda-lock.yml"), ("conda-lock.yml",), ("pylock.toml",)])
def test_of_two_locks_in_a_folder_the_one_that_the_model_asks_for_is_checked(
    call: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    conda: str,
    missing: str,
    names: tuple[str, ...],
) -> None:
    model, folder = tmp_path / "model", tmp_path / "locks"
    model.mkdir()
    folder.mkdir()
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: a\n")
    (model / "conda.yaml").write_text("dependencies:\n- python=3.11.7\n- pip:\n  - mlflow==3.17.2\n")
    texts = {
        "pylock.toml": 'lock-version = "1.0"\ncreated-by = "somebody"\npackages = []\n',
        "conda-lock.yml": "version: 1\npackage: []\n",
    }
    for name in names:
        (folder / name).write_text(texts[name])
    assert call("lock", model, "-o", folder, "--check", "--conda", conda) == 1
    if len(names) == 1:
        missing = "custom_metadata" if names == ("conda-lock.yml",) else "[tool.envbuild.inputs]"
    assert f"{missing} " in capsys.readouterr().out


def test_a_pylock_of_a_model_that_takes_conda_packages_now_is_not_what_is_asked_for(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: a\n")
    (tmp_path / "conda.yaml").write_text("dependencies:\n- python=3.11.7\n- gdal\n- pip:\n  - mlflow==3.17.2\n")
    lock = Lock(packages=(), requirements=(), python="3.11.7", platform="manylinux_2_36_x86_64", server="azureml")
    written = tmp_path / "pylock.toml"
    write_pylock(lock, written, Origin(digest="sha256:0", server="azureml", base="debian:bookworm"))
    said = "conda packages are taken from their channels now: it would be a conda-lock.yml"
    for target in (written, tmp_path):
        assert call("lock", tmp_path, "-o", target, "--check", "--server", "azureml") == 1
        assert said in capsys.readouterr().out
    assert call("lock", tmp_path, "-o", written, "--check", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["current"]
    assert said in found["changes"]
