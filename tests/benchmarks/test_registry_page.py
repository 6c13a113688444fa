"""The part of RESULTS.md on registries: its tables, its aims, and the cause under each that was missed."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import MARKS, PARTS
from benchmarks.errors import BenchError
from benchmarks.profiling import Phase
from benchmarks.registry import page
from benchmarks.registry.aims import aims, judged, measures
from benchmarks.registry.causes import cause
from benchmarks.registry.measuring import QUICK, Plan
from benchmarks.registry.results import Arrivals, Changes, Large, Peak, Profiled, Push, Registry, Shelf
from benchmarks.registry.server import Stored
from benchmarks.written import write_page, write_part

LAYER = Phase(name="layer", what="12 layers", began=3.5, ended=9.5, cpu=6.0, engine_cpu=0.0, resident=90_000_000,
              steps=())  # fmt: skip
WRITE = Phase(name="write", what="12 layers", began=9.5, ended=12.5, cpu=3.0, engine_cpu=0.0, resident=80_000_000,
              steps=())  # fmt: skip


def image(seed: int, weights: int, packages: int) -> tuple[tuple[Stored, ...], tuple[Stored, ...]]:
    """The layers of an image whose packages are its own if they have a size: all, and those of the model."""
    shared = Stored(made_by="numpy", digest="sha256:shared", size=90_000_000)
    model = Stored(made_by="model", digest=f"sha256:model{seed}", size=weights)
    own = (Stored(made_by="RUN pip", digest=f"sha256:own{seed}", size=packages),) if packages else ()
    return (shared, *own, model), (model,)


def shelf(count: int, packages: int = 0) -> Shelf:
    images = [image(seed, 1_000_000, packages) for seed in range(count)]
    one = 90_000_000 + 1_000_000 + packages + 3_000
    return Shelf(
        one=one,
        many=90_000_000 + count * (1_000_000 + packages + 3_000),
        images=tuple(layers for layers, _ in images),
        weights=tuple(weights for _, weights in images),
    )


def found(factor: float) -> Registry:
    """A run whose figures reach their aims at 1, and miss them above it."""
    profile = Profiled(seconds=12.6, phases=(LAYER, WRITE), registry_cpu=4.0)
    names = ("layout", "layout_again", "push", "push_again")
    peak = Peak(resident=int(factor * 190e6), processes=(("python envbuild", 150_000_000),))
    ours = Push(seconds=0.8, sent=int(factor * 390_000), blobs=2, content=200_000, unseen=7)
    return Registry(
        machine={"processor": "2 cores", "registry": "2.8.2"},
        base_size=141_000_000,
        changes=Changes(
            model=200_000,
            envbuild=(ours, ours),
            mlflow=(Push(seconds=9.0, sent=90_000_000),),
            builds=(18.0,),
            generate=(2.7,),
        ),
        envbuild=shelf(10, packages=0 if factor <= 1 else 20_000_000),
        mlflow=shelf(10, packages=80_000_000),
        large=Large(
            size=4_000_000_000,
            rest=380_000_000,
            hashed=(3.0, 2.8, 3.2),
            bare=(6.6,),
            copied=(5.4, 6.0),
            seconds=dict(
                zip(names, ((4.0 * factor,), (0.2 * factor,), (7.0 * factor,), (0.29 * factor,)), strict=True)
            ),
            peaks={"layout": peak, "push": peak},
            profiles=dict.fromkeys(names, profile),
        ),
        arrivals=Arrivals(
            model=200_000,
            first=(Push(seconds=30.0, sent=120_000_000, blobs=14, content=119_000_000),),
            second=(ours,),
            wheels=(56,),
            second_wheels=(0 if factor <= 1 else 56,),
        ),
    )


def test_all_aims_are_judged_and_may_be_reached() -> None:
    text = page.render(found(1.0))
    assert text.count("| reached |") == len(aims(found(1.0))) == 10
    assert "Every aim is reached." in text
    assert "**missed**" not in text


def test_each_missed_aim_has_its_measured_cause() -> None:
    run = found(1.6)
    assert not any(each.reached for each in judged(run).values())
    text = page.render(run)
    assert text.count("**missed**") == text.count("Measured: ") == len(aims(run))
    assert (
        "- **layout**: 2.13, aimed at 1.4 times the hash. Measured: a bare copy of the file takes "
        "**5.70 s** (5.40 s to 6.00 s, n=2); of 12.6 s with the profile on: layer 6.00 s "
        "(CPU 6.00 s), write 3.00 s (CPU 3.00 s), outside of all phases 3.60 s; CPU of the registry 4.00 s.\n" in text
    )
    assert "Measured: 200 kB in 2 blobs, 424 kB of questions, headers and manifests." in text
    assert "layers that an image shares with no other: RUN pip 20.0 MB, model 1.0 MB" in text
    assert "at the peak python envbuild 150 MB; the phase with the most is layer, 90.0 MB in the profiled one" in text


@pytest.mark.parametrize("key", [aim.key for aim in aims(found(1.0))])
def test_each_aim_has_a_figure_and_a_cause(key: str) -> None:
    assert key in measures(found(1.0))
    assert cause(key, found(1.0))


def test_a_push_is_compared_with_a_push_alone_and_with_the_build_before_it() -> None:
    text = page.render(found(1.0))
    assert "| bytes sent | **390 kB** (n=2) | **90.0 MB** | 0.0043 (1 : 230.8) | the model's size plus 200 kB |" in text
    assert "`docker push` alone | **0.800 s** (n=2) | **9.00 s** | 0.089 (1 : 11.2) | - | - |" in text
    assert "`docker build` and `docker push` | **0.800 s** (n=2) | **27.0 s** | 0.030 (1 : 33.8) | - | - |" in text


def test_what_registry_and_disk_take_by_themselves_stands_beside_and_under_a_missed_aim() -> None:
    assert "| the registry alone, sent the bare file | **6.60 s** | 2.20 | - | - |" in page.render(found(1.0))
    assert "| a bare copy of the file | **5.70 s** (5.40 s to 6.00 s, n=2) | 1.90 | - | - |" in page.render(found(1.0))
    assert "Measured: the registry alone takes **6.60 s** for the bare file; of 12.6 s" in page.render(found(1.6))


def test_the_size_of_the_model_is_part_of_the_aim() -> None:
    run = found(1.0)
    small = dataclasses.replace(run, changes=dataclasses.replace(run.changes, model=180_000))
    assert judged(run)["change_sent"].reached
    assert not judged(small)["change_sent"].reached
    assert judged(small)["second_sent"].reached


def test_weights_are_set_aside_on_both_ends_of_the_ratio() -> None:
    both = shelf(10, packages=80_000_000)
    assert (both.one_aside, both.many_aside) == (170_003_000, 890_030_000)
    assert both.alone() == [("RUN pip", 80_000_000), ("model", 1_000_000)]
    assert shelf(1).alone() == [("numpy", 90_000_000), ("model", 1_000_000)]


def test_weights_that_two_images_share_are_set_aside_once() -> None:
    layers, weights = image(0, 1_000_000, 0)
    same = Shelf(one=91_003_000, many=91_006_000, images=(layers, layers), weights=(weights, weights))
    assert (same.one_aside, same.many_aside) == (90_003_000, 90_006_000)
    assert same.alone() == []


def test_seconds_of_the_large_file_stand_beside_the_hash() -> None:
    text = page.render(found(1.0))
    assert "### A model file of 4.00 GB" in text
    assert "| `hashlib.file_digest` | **3.00 s** (2.80 s to 3.20 s, n=3) | 1 | - | - |" in text
    assert "| `--push` | **7.00 s** | 2.33 | 2.5 times the hash | reached |" in text
    assert "| `--output oci-dir`, peak memory | **190 MB** | - | under 200 MB | reached |" in text
    assert "| layer | 12 layers | 3.50 s | 6.00 s | 6.00 s | 90.0 MB |" in text


def test_machines_stand_beside_each_other() -> None:
    text = page.render(found(1.0))
    assert "| `envbuild image --push` | **30.0 s** | **0.800 s** | 0.027 (1 : 37.5) | - | - |" in text
    assert "| wheels fetched | **56** | **0** | - | none | reached |" in text
    assert "it takes 7 layers over without seeing them" in text


def test_a_table_with_a_hole_is_not_written() -> None:
    run = found(1.0)
    none = dataclasses.replace(run, changes=dataclasses.replace(run.changes, envbuild=()))
    with pytest.raises(BenchError, match="change_sent was not measured"):
        page.render(none)


def test_a_quick_run_says_so_and_takes_less() -> None:
    assert "> **A quick run.**\n" in page.render(found(1.0), ["A quick run."])
    assert all(getattr(QUICK, name) < getattr(Plan(), name) for name in Plan.__slots__)


def test_the_part_has_marks_and_stays_when_the_page_is_written_anew(tmp_path: Path) -> None:
    assert PARTS.keys() == {"image", *MARKS}
    write_page(tmp_path, {"measures": [1]}, "# First\n", MARKS)
    write_part(tmp_path, "registry", found(1.0).as_json(), page.render(found(1.0)), MARKS["registry"])
    write_page(tmp_path, {"measures": [2]}, "# Second\n", MARKS)
    text = (tmp_path / "RESULTS.md").read_text()
    assert text == "# Second\n\n" + page.render(found(1.0))
    figures = json.loads((tmp_path / "results.json").read_text())
    assert figures["measures"] == [2]
    assert figures["registry"]["large"]["seconds"]["push"] == [7.0]
    assert figures["registry"]["envbuild"]["images"][0][0]["made_by"] == "numpy"


def test_the_rows_of_every_table_have_the_cells_of_its_head() -> None:
    cells = None
    for line in page.render(found(1.6)).splitlines():
        if not line.startswith("|"):
            cells = None
            continue
        count = len(re.findall(r"(?<!\\)\|", line))
        assert cells in (None, count), line
        cells = count
