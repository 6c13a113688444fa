"""The tables of RESULTS.md, and the causes under them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks import page, report
from benchmarks.aims import AIMS
from benchmarks.causes import Profile, cause, outside
from benchmarks.errors import BenchError
from benchmarks.figures import Measure
from benchmarks.imports import Import
from benchmarks.measuring import ROWS
from benchmarks.profiled import Imports, Memory
from benchmarks.profiling import Phase

LAYER = Phase(name="layer", what="12 layers", began=2.0, ended=9.5, cpu=6.0, engine_cpu=0.1, resident=120_000_000,
              steps=(("numpy 2.4.6", 3.0), ("model", 9.4)))  # fmt: skip
LOAD = Phase(name="load", what="12 layers", began=9.5, ended=12.5, cpu=0.4, engine_cpu=2.6, resident=1, steps=())
IMPORTS = (Import(name="numpy", own=0.09, total=0.1, depth=0), Import(name="json", own=0.004, total=0.004, depth=1))
STARTED = Phase(name="start", what="Python", began=0.0, ended=0.06, cpu=0.05, engine_cpu=0.0, resident=1, steps=())
READ = Phase(name="read", what="7 files", began=0.05, ended=0.08, cpu=0.01, engine_cpu=0.0, resident=1, steps=())
FRONT = (Import(name="starlette", own=0.05, total=0.05, depth=0),)
PROFILE = Profile(
    cold=(12.6, (LAYER, LOAD)),
    model_change=(0.4, (LOAD,)),
    no_change=(0.1, (STARTED, READ)),
    bare_python=0.012,
    command_imports=IMPORTS,
    container_imports=Imports(server="envbuild", main=FRONT, worker=IMPORTS),
    container_memory=(
        Memory(start=9_000_000, end=40_000_000, imports=(("starlette", 20_000_000), ("numpy", 1_000_000))),
        Memory(start=10_000_000, end=150_000_000, imports=(("pandas", 40_000_000), ("numpy", 30_000_000))),
    ),
    layers=(("base", 43_000_000), ("scipy 1.17.1", 98_600_000)),
    peak=(("python (pool worker)", 80_000_000), ("envbuild", 60_000_000)),
    peak_resident=140_000_000,
    peak_proportional=110_000_000,
)


def measures(envbuild: float, mlflow: float) -> list[Measure]:
    return [
        Measure(key=key, title=title, unit=unit, envbuild=(envbuild,), mlflow=(mlflow,)) for key, title, unit in ROWS
    ]


def results(envbuild: float, mlflow: float) -> page.Results:
    row = {"options": "--bytecode on", "cold": [9.0, 8.0], "size": 390_000_000, "first_answer": [], "memory": [1.5e8]}
    return page.Results(
        command="make bench",
        machine={"processor": "2 cores"},
        measures=measures(envbuild, mlflow),
        generate=(7.5,),
        base_size=142_000_000,
        bytecode=[row],
        servers=[row],
        docker=[],
        profile=PROFILE,
        warnings=[],
    )


def test_a_table_is_markdown_with_aligned_columns() -> None:
    assert report.table(("a", "b"), [("1", "2")], right=(1,)) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"


def test_reached_and_missed_aims_stand_in_the_table() -> None:
    good = report.main_table(measures(0.1, 100.0))
    assert good.count("| reached |") == len(AIMS)
    bad = report.main_table(measures(300e6, 300e6))
    assert bad.count("**missed**") == len(AIMS)


def test_a_table_with_a_hole_is_not_written() -> None:
    with pytest.raises(BenchError, match="cold was not measured"):
        report.main_table([measure for measure in measures(1.0, 2.0) if measure.key != "cold"])


def test_every_missed_aim_has_its_measured_cause() -> None:
    text = report.missed(measures(300e6, 300e6), PROFILE)
    assert text.count("\n- ") + 1 == len(AIMS)
    assert "layer 7.50 s (CPU 6.00 s, engine 0.100 s), load 3.00 s (CPU 0.400 s, engine 2.60 s)" in text
    assert "scipy 1.17.1 98.6 MB" in text
    assert "python (pool worker) 80.0 MB" in text
    assert "the phase with the most is layer, 120 MB" in text
    assert "of 0.100 s with the profile on: start 0.060 s" in text
    assert "outside of all phases 0.020 s" in text
    assert "the HTTP process 40.0 MB resident (interpreter 9.0 MB, imports of starlette 20.0 MB" in text
    assert (
        "the worker 150 MB resident (interpreter 10.0 MB, imports of pandas 40.0 MB, numpy 30.0 MB, all else 70.0"
        in text
    )
    assert "imports of the first process 0.050 s, of a worker 0.094 s (numpy 90 ms" in text
    assert report.missed(measures(0.1, 100.0), PROFILE) == "Every aim is reached.\n"


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.key)
def test_each_aim_has_a_cause_to_tell(aim: object) -> None:
    key = next(each.key for each in AIMS if each is aim)
    assert cause(key, PROFILE)


def test_choices_show_the_columns_that_were_measured() -> None:
    text = report.variants([{"options": "--bytecode on", "cold": [9.0, 8.0], "size": 390_000_000, "gzip": None}])
    assert text.splitlines()[0] == "| envbuild | cold build | size |"
    assert text.splitlines()[2] == "| `--bytecode on` | 8.50 s | 390 MB |"


def test_the_page_begins_with_the_command_and_the_values_are_json() -> None:
    found = results(0.1, 100.0)
    text = page.render(found)
    assert text.splitlines()[:3] == ["# envbuild against MLflow's own image", "", "    make bench"]
    assert "This envbuild has no `--backend docker`" in text
    assert json.loads(json.dumps(page.as_json(found)))["measures"][0]["envbuild"] == [0.1]


def test_of_many_imports_the_longest_are_kept() -> None:
    many = tuple(Import(name=f"m{n}", own=n / 1000, total=1.0, depth=0) for n in range(200))
    loaded = Imports(server="envbuild", main=FRONT, worker=many)
    found = dataclasses.replace(results(0.1, 100.0), profile=dataclasses.replace(PROFILE, container_imports=loaded))
    kept = page.as_json(found)["profile"]["container_imports"]["worker"]
    assert [module["name"] for module in kept[:2]] == ["m199", "m198"]
    assert len(kept) == page.MODULES


def test_memory_stands_beside_each_other_for_both_processes() -> None:
    lines = report.memory(PROFILE.container_memory, count=2).splitlines()
    assert lines[0] == "| package | HTTP process | worker |"
    assert lines[2:] == [
        "| (interpreter) | 9.0 MB | 10.0 MB |",
        "| pandas | - | 40.0 MB |",
        "| numpy | 1.0 MB | 30.0 MB |",
        "| (other packages) | 20.0 MB | - |",
        "| (all else: the model, the first answer) | 10.0 MB | 70.0 MB |",
        "| in all | 40.0 MB | 150 MB |",
    ]


def test_time_outside_of_phases_that_overlap_is_counted_once() -> None:
    assert outside(1.0, (READ, STARTED)) == pytest.approx(0.92)
    assert outside(0.3, (dataclasses.replace(READ, began=0.1, ended=0.2),)) == pytest.approx(0.2)
    assert outside(0.3, ()) == pytest.approx(0.3)


def test_steps_tell_when_each_layer_was_done() -> None:
    assert report.steps((LAYER, LOAD)) == "numpy 2.4.6 3.00 s; model 9.40 s.\n"
