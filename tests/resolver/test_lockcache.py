"""A lock that was resolved before is found again by what determined it, and speaks of whoever reads it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envbuild.resolver import lockcache
from envbuild.resolver.requirements import Ask, Inputs
from envbuild.resolver.target import Platform
from envbuild.resolver.types import Lock, LockedPackage

PLATFORM = Platform(python="3.11.2", glibc=36, machine="x86_64")
SERVER = "azureml-inference-server-http"


def inputs(**wheres: str) -> Inputs:
    """What asks for packages at version 1, each at a place: `mlflow="conda.yaml:9"`."""
    return Inputs(asks=tuple(Ask(name=name, text=f"{name}==1", where=where) for name, where in wheres.items()))


def key(asked: Inputs) -> str:
    return lockcache.key_of(asked, PLATFORM, {}, "azureml")


def a_lock(*notes: str) -> Lock:
    package = LockedPackage(name="mlflow", version="1", filename="mlflow-1.whl", sha256="0" * 64, size=0)
    return Lock(packages=(package,), python="3.11.2", platform="any", requirements=("mlflow==1",), notes=notes)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Callable[[Inputs], tuple[str, ...]]]:
    """Keeps a lock for some inputs; gives what its notes are for others, which must have the same key."""

    def keep(asked: Inputs, *notes: str) -> Callable[[Inputs], tuple[str, ...]]:
        entry = tmp_path / key(asked)
        lockcache.write(entry, a_lock(*notes), "", asked)

        def read(other: Inputs) -> tuple[str, ...]:
            assert key(other) == key(asked)
            lock = lockcache.read(entry, other)
            assert lock is not None
            return lock.notes

        return read

    return keep


NOTE = f"{SERVER} 1.3.3: mlflow==1 caps gunicorn<22 (conda.yaml:9), and 1.4.0 asks for gunicorn==23"


def test_the_same_model_is_told_the_same_again(kept: Any) -> None:
    asked = inputs(mlflow="conda.yaml:9", numpy="conda.yaml:10")
    assert kept(asked, NOTE, "numpy<2 is added")(asked) == (NOTE, "numpy<2 is added")


def test_another_model_is_told_its_own_lines(kept: Any) -> None:
    read = kept(inputs(mlflow="conda.yaml:9", numpy="conda.yaml:10"), NOTE, "numpy==1 (conda.yaml:10)")
    moved = inputs(numpy="requirements.txt:1", mlflow="requirements.txt:3")
    assert read(moved) == (NOTE.replace("conda.yaml:9", "requirements.txt:3"), "numpy==1 (requirements.txt:1)")


def test_lines_that_changed_places_are_told_apart(kept: Any) -> None:
    read = kept(
        inputs(mlflow="conda.yaml:1", numpy="conda.yaml:10"), "mlflow==1 (conda.yaml:1), numpy==1 (conda.yaml:10)"
    )
    swapped = inputs(mlflow="conda.yaml:10", numpy="conda.yaml:1")
    assert read(swapped) == ("mlflow==1 (conda.yaml:10), numpy==1 (conda.yaml:1)",)


def test_a_place_that_became_several_is_left_out(kept: Any) -> None:
    """A flow list has all on one line; where each has a line of its own, the note does not tell which it meant."""
    read = kept(inputs(mlflow="conda.yaml:9", gunicorn="conda.yaml:9"), NOTE)
    assert read(inputs(mlflow="conda.yaml:4", gunicorn="conda.yaml:4")) == (NOTE.replace(":9)", ":4)"),)
    assert read(inputs(mlflow="conda.yaml:4", gunicorn="conda.yaml:5")) == (NOTE.replace(" (conda.yaml:9)", ""),)


def test_a_requirement_that_is_listed_twice_is_told_where_it_is(kept: Any) -> None:
    mlflow = [Ask(name="mlflow", text="mlflow==1", where=f"conda.yaml:{line}") for line in (9, 12)]
    read = kept(Inputs(asks=tuple(mlflow)), NOTE)
    assert read(Inputs(asks=tuple(mlflow))) == (NOTE,)
    assert read(inputs(mlflow="conda.yaml:3")) == (NOTE.replace(":9)", ":3)"),)


def test_a_constraint_is_told_by_its_own_place(kept: Any) -> None:
    def constrained(line: int, asked: str) -> Inputs:
        held = Ask(name="mlflow", text="mlflow==1", where=f"constraints.txt:{line}")
        return replace(inputs(mlflow=asked), constraints=(held,))

    said = "mlflow==1 caps gunicorn<22 (constraints.txt:1)"
    assert kept(constrained(1, "conda.yaml:9"), said)(constrained(7, "conda.yaml:2")) == (said.replace(":1)", ":7)"),)


def test_names_of_files_are_no_patterns(kept: Any) -> None:
    said = "mlflow==1 (more (1).txt:9)"
    read = kept(inputs(mlflow="more (1).txt:9"), said, "as it is (the tiny server)")
    assert read(inputs(mlflow=r"\1 [a].txt:2")) == (r"mlflow==1 (\1 [a].txt:2)", "as it is (the tiny server)")


def test_sizes_that_are_learned_leave_the_notes_as_they_are(kept: Any, tmp_path: Path) -> None:
    asked = inputs(mlflow="conda.yaml:9")
    read = kept(asked, NOTE)
    lock = lockcache.read(tmp_path / key(asked), inputs(mlflow="conda.yaml:2"))
    assert lock is not None
    sized = replace(lock, packages=(replace(lock.packages[0], size=7),))
    lockcache.remember_sizes(sized)
    again = lockcache.read(tmp_path / key(asked), asked)
    assert again is not None
    assert (again.packages[0].size, again.notes, read(asked)) == (7, (NOTE,), (NOTE,))


@pytest.mark.parametrize("places", [None, 1, [1], [["a", "b"]], "abc"])
def test_damaged_places_are_a_miss(kept: Any, tmp_path: Path, places: object) -> None:
    asked = inputs(mlflow="conda.yaml:9")
    kept(asked, NOTE)
    path = tmp_path / key(asked) / "lock.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "places": places}))
    assert lockcache.read(path.parent, asked) is None


def change_requires(table: Any) -> None:
    table["servers"][0]["requires"]["flask"] = "==9"


def change_python(table: Any) -> None:
    table["servers"][0]["python"] = [8, 99]


def change_mlflow(table: Any) -> None:
    table["mlflow"][0]["requires"]["gunicorn"] = "<1"


@pytest.mark.parametrize("change", [change_requires, change_python, change_mlflow])
def test_any_change_of_the_ladder_resolves_anew(change: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no ladder is climbed, it changes nothing."""
    asked = inputs(mlflow="conda.yaml:9")
    climbing = replace(asked, ladder=True)
    before = key(asked), key(climbing)
    real = lockcache.load_json
    table = copy.deepcopy(real("server_ladder.json"))
    change(table)
    monkeypatch.setattr(lockcache, "load_json", lambda name: table if name == "server_ladder.json" else real(name))
    assert key(asked) == before[0]
    assert key(climbing) != before[1]
