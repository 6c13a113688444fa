"""What an image says that it was made from: all that makes it, and nothing of the machine that made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envbuild.planner import Inputs, Script, make_plan
from envbuild.planner.types import FileEntry, PlannedLayer

Make = Callable[..., Inputs]


def layer_of(inputs: Inputs) -> PlannedLayer:
    (layer,) = [one for one in make_plan(inputs, ranking=("scipy", "numpy")).layers if one.kind == "record"]
    return layer


def record_of(inputs: Inputs) -> dict[str, Any]:
    (text,) = layer_of(inputs).texts.values()
    found: dict[str, Any] = json.loads(text)
    return found


def test_it_names_every_package_by_its_hash_and_every_file_of_the_model(make_inputs: Make) -> None:
    inputs = make_inputs(version="1.2")
    found = record_of(inputs)
    rows = [[p.name, p.version, p.filename, p.sha256] for p in inputs.lock.packages]
    assert found["lock"] == {"python": "3.11.2", "platform": "manylinux_2_36_x86_64", "packages": rows}
    assert found["model"] == {"MLmodel": "1" * 64, "model.pkl": "2" * 64}
    assert (found["envbuild"], found["server"], found["bytecode"]) == ("1.2", inputs.server.name, "startup")
    assert "script" not in found


def test_a_scoring_script_is_named_with_its_files(make_inputs: Make) -> None:
    file = FileEntry(path="var/azureml-app/code/a/score.py", sha256="7" * 64, size=1, mode=0o644, source=Path("x.py"))
    found = record_of(make_inputs(script=Script(entry="a/score.py", files=(file,))))
    assert found["script"] == {"entry": "a/score.py", "files": {"a/score.py": "7" * 64}}


def test_of_variables_and_labels_it_has_the_hashes_in_the_order_given(make_inputs: Make) -> None:
    given = (("B", "two"), ("A", "one"), ("B", "three"))
    found = record_of(make_inputs(environment=given, labels=(("team", "ours"),)))
    hashes = {text: hashlib.sha256(text.encode()).hexdigest() for text in ("one", "three", "ours")}
    assert found["env"] == [["B", hashes["three"]], ["A", hashes["one"]]]
    assert found["labels"] == [["team", hashes["ours"]]]


def test_no_address_path_or_base_is_in_it(make_inputs: Make) -> None:
    inputs = make_inputs()
    (text,) = layer_of(inputs).texts.values()
    for word in ("index.example", "secret", "somebody", inputs.base.digest, inputs.base.name):
        assert word not in text


def test_it_is_the_last_layer_so_that_a_change_sends_nothing_else_again(make_inputs: Make) -> None:
    layers = make_plan(make_inputs(), ranking=()).layers
    others = make_plan(make_inputs(environment=(("A", "1"),)), ranking=()).layers
    assert [one.key == other.key for one, other in zip(layers, others, strict=True)] == [True] * (len(layers) - 1) + [
        False
    ]
