"""The servers' part of RESULTS.md: its tables, its aims, and the cause under each that was missed."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks import linting
from benchmarks.errors import BenchError
from benchmarks.imports import Import
from benchmarks.load import page, profiling, words
from benchmarks.load.aims import AIMS, best_batching, judge
from benchmarks.load.results import Case, Profile, Serving, Turn, Window
from benchmarks.load.servers import KEYS
from benchmarks.load.wrk import Told, connections_of
from benchmarks.profiled import Imports
from benchmarks.written import joined

STACKS = {
    "__main__:main;uvicorn.server:serve;h11._connection:next_event": 3,
    "__main__:main;uvicorn.server:serve;envbuild_runtime.front.pool:Pool.ask": 1,
    "__main__:main;envbuild_runtime.worker.model:Model.predict;pandas.core.frame:DataFrame.__init__": 6,
}
LOADED = (Import(name="pandas", own=0.4, total=0.5, depth=0),)


def case(server: str, rate: float, start: float, p99: float = 0.02) -> Case:
    windows = tuple(
        Window(
            connections=connections,
            told=Told(requests=int(rate * 5), seconds=5.0, p50=0.005, p99=p99, cpu=0.5),
            main_cpu=1.0,
            others_cpu=4.0,
        )
        for connections in connections_of("linear")
    )
    turn = Turn(start=start, checked=100, windows=windows, main=20_000_000, workers=(90_000_000, 100_000_000), rest=0)
    return Case(model="linear", server=server, title=server.title(), turns=(turn, turn))


def serving(factor: float, delayed: float = 1.0) -> Serving:
    """A run in which envbuild answers `factor` times what the others do."""
    rates = {"mlflow": 500.0, "azure": 500.0, "envbuild": 500 * factor, "batch0": 500 * factor}
    rates["batch2"] = rates["batch0"] * delayed
    samples = profiling.digest(STACKS)
    return Serving(
        machine={"processor": "2 cores"},
        versions={"uvicorn": "0.54.0"},
        seconds={"linear": {1: 2, 8: 5, 64: 5}},
        models={"linear": ("a linear regression", 742)},
        cases=tuple(
            case(server, rates[server], start=2.0 if server in ("mlflow", "azure") else 2.0 / factor) for server in KEYS
        ),
        profiles=(Profile(model="linear", server="envbuild", main=samples, worker=samples),),
        imports=tuple(Imports(server=server, main=LOADED, worker=LOADED) for server in ("mlflow", "envbuild")),
    )


def test_all_aims_are_judged_and_may_be_reached() -> None:
    text = page.render(serving(6.0))
    assert text.count("| reached |") == len(AIMS)
    assert "Every aim is reached." in text
    assert (
        "| Envbuild | 5.00 ms | **3,000** | 5.00 ms | 20.0 ms | **3,000** | 5.00 ms | 20.0 ms | 6.00 | 6.00 |" in text
    )


def test_each_missed_aim_has_its_measured_cause() -> None:
    found = serving(1.2)
    missed = [each for each in judge(found) if not each.reached]
    assert {(each.aim.of, each.aim.against) for each in missed} == {
        ("rate", "mlflow"), ("rate", "azure"), ("start", "mlflow"),
    }  # fmt: skip
    text = page.render(found)
    assert text.count("**missed**") == text.count("Measured: ") == len(missed) == 6
    assert "request: 1,833 µs (333 µs in the first process, 1,333 µs in the workers, 167 µs in wrk); of Mlflow:" in text
    assert "on the mean" not in text
    assert "Model.predict 60 %" in text
    assert "imports of the first process 0.400 s, of a worker 0.400 s (pandas 400 ms)" in text


def test_memory_and_latency_are_bounded_from_above() -> None:
    found = serving(6.0)
    worse = [
        dataclasses.replace(
            each,
            turns=tuple(
                dataclasses.replace(
                    turn,
                    main=60_000_000,
                    windows=tuple(
                        dataclasses.replace(window, told=dataclasses.replace(window.told, p99=0.021))
                        for window in turn.windows
                    ),
                )
                for turn in each.turns
            ),
        )
        if each.server == "envbuild"
        else each
        for each in found.cases
    ]
    missed = [each for each in judge(dataclasses.replace(found, cases=tuple(worse))) if not each.reached]
    assert [each.aim.of for each in missed] == ["p99", "p99", "p99", "p99", "memory"]
    assert missed[-1].ours == 125_000_000
    assert "60.0 MB the first process, 95.0 MB each worker" in page.render(
        dataclasses.replace(found, cases=tuple(worse))
    )


def test_a_missed_latency_is_told_beside_its_median() -> None:
    found = serving(6.0)
    slow = dataclasses.replace(found, cases=tuple(
        case("envbuild", 3000.0, start=0.3, p99=0.03) if each.server == "envbuild" else each for each in found.cases
    ))  # fmt: skip
    text = page.render(slow)
    assert "- **p99, 64 connections**: 1.50, aimed at no worse than MLflow's. Measured: p50 5.00 ms, p99 " in text
    assert "30.0 ms, 21.3 ms on the mean; of Mlflow p50 5.00 ms, p99 20.0 ms, 128 ms on the mean. CPU of a" in text


def test_models_that_no_aim_is_about_stand_beside_it_with_their_own_ratios() -> None:
    found = serving(6.0)
    cases = [*found.cases]
    for each in found.cases:
        turns = tuple(dataclasses.replace(turn, start=1.0, windows=turn.windows[:2]) for turn in each.turns[:1])
        cases.append(dataclasses.replace(each, model="tensor", turns=turns))
    text = page.render(
        dataclasses.replace(
            found, cases=tuple(cases), models={**found.models, "tensor": ("a tensor", 9)},
            seconds={**found.seconds, "tensor": {1: 2, 8: 8}},
        )
    )  # fmt: skip
    assert "| requests/s, 8 connections | 3,000 | 500 | 6.00 | 2.5 times MLflow's | reached | 6.00 |" in text
    assert "| requests/s, 64 connections | 3,000 | 500 | 6.00 | 2.5 times MLflow's | reached | - |" in text
    assert "| first answer | 0.333 s | 2.00 s | 0.17 | half of MLflow's | reached | 1.00 |" in text
    assert "Medians of\n2 rounds (linear) and one round (tensor); of the" in text
    assert "Windows: linear 2 s over 1, 5 s over 8, 5 s over 64; tensor 2 s over 1, 8 s over 8." in text
    assert "Every answer of a warm-up, 1,500 in this run, was compared" in text


def test_the_better_delay_stands_for_batches() -> None:
    assert best_batching(serving(3.0, delayed=2.0)) == "batch2"
    assert best_batching(serving(3.0, delayed=0.5)) == "batch0"
    batched = [each for each in judge(serving(3.0, delayed=2.0)) if each.aim.batching]
    assert [(each.aim.of, each.server, each.reached) for each in batched] == [
        ("rate", "batch2", True),
        ("p99", "batch2", True),
    ]


def test_a_table_with_a_hole_is_not_written() -> None:
    found = serving(6.0)
    holed = dataclasses.replace(found, cases=tuple(each for each in found.cases if each.server != "azure"))
    with pytest.raises(BenchError, match="azure was not measured with linear"):
        page.render(holed)


def test_the_part_takes_the_place_of_its_earlier_one_and_leaves_the_linters() -> None:
    lint = f"{linting.BEGIN}\n## The linter\n{linting.END}\n"
    once = joined("# A page\n\n" + lint, page.render(serving(1.2)), page.BEGIN, page.END)
    again = joined(once, page.render(serving(6.0)), page.BEGIN, page.END)
    assert once.startswith("# A page\n\n" + lint)
    assert again.startswith("# A page\n\n" + lint)
    assert again.count("## The servers under load") == 1
    assert "**missed**" not in again


def test_the_figures_are_json_with_the_longest_imports() -> None:
    many = tuple(Import(name=f"m{number}", own=number / 1000, total=1.0, depth=0) for number in range(9))
    found = dataclasses.replace(serving(6.0), imports=(Imports(server="mlflow", main=many, worker=many),))
    told = json.loads(json.dumps(found.as_json(count=2)))
    assert [module["name"] for module in told["imports"][0]["worker"]] == ["m8", "m7"]
    assert told["cases"][0]["turns"][0]["windows"][2]["told"]["requests"] == 2500


def test_samples_are_shares_by_package_and_with_all_that_is_called() -> None:
    found = profiling.digest(STACKS)
    assert found.samples == 10
    assert dict(found.packages) == {"pandas": 0.6, "h11": 0.3, "envbuild_runtime.front": 0.1}
    assert dict(found.functions)["uvicorn.server:serve"] == 0.4
    assert "__main__:main" not in dict(found.functions)


def test_figures_of_a_load_are_short() -> None:
    assert words.rates((1628.4, 1500.0, 1700.0)) == "**1,628** (1,500 to 1,700)"
    assert (words.rate(7.26), words.milli(0.00085), words.milli(1.24)) == ("7.3", "0.85 ms", "1,240 ms")
    assert (words.micro(0.00062), words.share(0.124), words.times(2.608)) == ("620 µs", "12 %", "2.61")
