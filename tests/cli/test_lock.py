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
