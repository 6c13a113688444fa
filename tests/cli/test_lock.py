"""What makes no sense for `envbuild lock` is told before any work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
