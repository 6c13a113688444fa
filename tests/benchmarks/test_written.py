"""Each part of RESULTS.md and results.json is written for itself, and the others are left as they are."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import machine
from benchmarks.errors import BenchError
from benchmarks.written import joined, write_page, write_part

MARKS = {"lint": ("<!-- lint: begin -->", "<!-- lint: end -->"), "serving": ("<!-- s: begin -->", "<!-- s: end -->")}


def part(name: str, text: str) -> str:
    begin, end = MARKS[name]
    return f"{begin}\n## {text}\n{end}\n"


def read(folder: Path) -> tuple[str, dict[str, object]]:
    return (folder / "RESULTS.md").read_text(), json.loads((folder / "results.json").read_text())


def test_the_parts_are_kept_by_the_page_and_the_page_by_the_parts(tmp_path: Path) -> None:
    write_page(tmp_path, {"measures": [1]}, "# First\n\ntext\n", MARKS)
    for name in MARKS:
        write_part(tmp_path, name, {"is": name}, part(name, f"the {name}"), MARKS[name])
    text, figures = read(tmp_path)
    assert text == f"# First\n\ntext\n\n{part('lint', 'the lint')}\n{part('serving', 'the serving')}"
    assert figures == {"measures": [1], "lint": {"is": "lint"}, "serving": {"is": "serving"}}
    write_page(tmp_path, {"measures": [2]}, "# Second\n", MARKS)
    text, figures = read(tmp_path)
    assert text == f"# Second\n\n{part('lint', 'the lint')}\n{part('serving', 'the serving')}"
    assert figures == {"measures": [2], "lint": {"is": "lint"}, "serving": {"is": "serving"}}
    write_part(tmp_path, "lint", {"is": "new"}, part("lint", "anew"), MARKS["lint"])
    assert read(tmp_path)[0] == f"# Second\n\n{part('lint', 'anew')}\n{part('serving', 'the serving')}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["RESULTS.md", "results.json"]


def test_the_part_takes_the_place_of_its_earlier_one_and_of_nothing_else() -> None:
    once = joined("# A page\n", part("lint", "one"), *MARKS["lint"])
    again = joined(once + "\nmore\n", part("lint", "two"), *MARKS["lint"])
    assert again == f"# A page\n\n{part('lint', 'two')}\nmore\n"
    assert joined("", part("lint", "one"), *MARKS["lint"]).lstrip() == part("lint", "one")


def test_what_was_whole_before_a_part_failed_stays_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(chosen: object) -> None:
        raise BenchError("the second part cannot be measured")

    def works(chosen: object) -> None:
        write_part(tmp_path, "lint", {"is": "lint"}, part("lint", "whole"), MARKS["lint"])

    monkeypatch.setattr(command, "PARTS", {"lint": works, "none": fails})
    assert command.main(["--output", str(tmp_path)]) == 1
    assert "bench: the second part cannot be measured" in capsys.readouterr().err
    assert read(tmp_path) == ("\n\n" + part("lint", "whole"), {"lint": {"is": "lint"}})
    assert command.main(["--output", str(tmp_path / "other"), "--only", "none"]) == 1
    assert list((tmp_path / "other").iterdir()) == []


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_a_machine_is_busy_while_something_runs() -> None:
    process = multiprocessing.get_context("spawn").Process(target=_spin, args=(30.0,))
    process.start()
    try:
        time.sleep(1)
        assert 0.5 / (os.cpu_count() or 1) < machine.busy(1.0) <= 1.0
    finally:
        process.kill()
        process.join()
