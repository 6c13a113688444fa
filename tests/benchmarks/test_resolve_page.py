"""The part of RESULTS.md on resolving: its tables, its aims, and the cause under each that was missed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.__main__ import MARKS, PARTS
from benchmarks.errors import BenchError
from benchmarks.resolve import page
from benchmarks.resolve.aims import aims, judged, measures
from benchmarks.resolve.results import Compared, Resolving, State, Watched
from benchmarks.written import write_page, write_part


def watched(seconds: float) -> Watched:
    phases = {"read": 0.01, "lint": 0.02, "resolve": seconds - 0.3, "fetch": 0.01}
    return Watched(seconds=seconds, around=0.2, phases=phases, writing=0.005, uv=seconds - 0.4, calls=1)


def compared(name: str, factor: float, theirs: float) -> Compared:
    state = State(
        envbuild=(1.0 * factor, 1.2 * factor, 1.1 * factor),
        theirs=(theirs, theirs + 0.1),
        watched=(watched(1.5), watched(1.2), watched(1.3)),
    )
    return Compared(name=name, packages=56, theirs_packages=56, cold=state, warm=state, known=(0.2 * factor,),
                    known_imports=280)  # fmt: skip


def found(factor: float) -> Resolving:
    """A run whose figures reach their aims at 1, and miss them at 2."""
    return Resolving(
        machine={"processor": "2 cores"},
        versions={"uv": "0.13.9"},
        uv=(compared("scikit-learn", factor, 0.9), compared("LightGBM", factor, 0.9)),
        conda=compared("conda", factor, 4.0),
        rows=31_960,
        roots=5,
    )


def test_every_figure_has_an_aim_that_is_judged() -> None:
    good = found(1)
    assert [aim.key for aim in aims(good)] == list(measures(good))
    assert len(measures(good)) == 9
    assert all(judgement.reached for judgement in judged(good).values())
    text = page.render(good)
    assert text.count("| reached |") == 9 and "Every aim is reached." in text
    assert "1.16 | 1.3 times uv's time" in text and "0.27 (1 : 3.7)" in text
    assert "31,960 packages" in text and "Both sides lock as many packages" in text


def test_an_aim_that_is_missed_has_its_measured_cause() -> None:
    text = page.render(found(2), ["A busy machine."])
    assert text.count("**missed**") == 9 and "> **A busy machine.**" in text
    assert "- **scikit-learn warm**: 2.32, aimed at 1.3 times uv's time." in text
    assert "of 1.30 s of a run that was watched, 0.200 s in start, imports and end, 1.00 s in the resolve" in text
    assert "(0.900 s of it in 1 call of uv)" in text
    assert "280 modules are loaded" in text


def test_the_middle_run_is_shown() -> None:
    assert page.middle([watched(1.5), watched(1.2), watched(1.3)]).seconds == 1.3
    assert page.middle([watched(1.5), watched(1.2)]).seconds == 1.2


def test_locks_of_other_sizes_are_told() -> None:
    one = found(1)
    other = dataclasses.replace(one, conda=dataclasses.replace(one.conda, theirs_packages=57))
    text = page.render(other)
    assert "Both sides" not in text and "conda 56 and 57" in text


def test_a_figure_that_is_missing_is_no_page() -> None:
    one = found(1)
    with pytest.raises(BenchError, match="conda known was not measured"):
        page.render(dataclasses.replace(one, conda=dataclasses.replace(one.conda, known=())))


def test_it_is_a_part_of_the_page_and_of_its_json(tmp_path: Path) -> None:
    assert "resolve" in PARTS
    write_page(tmp_path, {"measures": []}, "# A page\n", MARKS)
    write_part(tmp_path, "resolve", found(1).as_json(), page.render(found(1)), MARKS["resolve"])
    write_page(tmp_path, {"measures": []}, "# Another page\n", MARKS)
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.startswith("# Another page\n") and text.count("## Resolving") == 1
    known = json.loads((tmp_path / "results.json").read_text())
    assert known["resolve"]["conda"]["cold"]["theirs"] == [4.0, 4.1]
