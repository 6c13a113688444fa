"""An option with an empty value, as of a variable that is not set, is no option that was left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., int]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("lint", "{}", "--as-of="), "--as-of"),
        (("plan", "{}", "--as-of", " "), "--as-of"),
        (("image", "{}", "-t", "a", "--platform="), "--platform"),
        (("lock", "{}", "-o", "out", "--platform", ""), "--platform"),
        (("lock", "{}", "-o", ""), "--output-folder"),
        (("dockerfile", "{}", "-o", ""), "--output-folder"),
        (("inspect", "python:3.11-slim", "--platform="), "--platform"),
        (("rebase", "python:3.11-slim", "--base", "debian:bookworm", "--platform="), "--platform"),
    ],
)
def test_an_empty_value_is_refused(
    call: Call,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    option: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*(word.format(models / "diabetes") for word in words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert option in err and "it is empty: name " in err
    assert not any(tmp_path.iterdir())
