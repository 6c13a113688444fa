from __future__ import annotations

import json

import pytest

from envbuild.errors import ModelError
from envbuild.model import read


def problems(model):
    return [(p.code, p.message) for p in model.problems]


def test_every_fixture_model_reads_without_a_problem(fixture_models):
    folders = sorted(p for p in fixture_models.iterdir() if p.is_dir())
    assert folders
    for path in folders:
        model = read(path)
        assert model.problems == ()
        assert model.mlmodel is not None
        assert model.mlmodel.loader_module.startswith("mlflow.")
        assert model.mlmodel.python_version == "3.11.7"
        assert model.environment.source == "conda.yaml"


def test_a_signature_of_json_texts_is_read(fixture_models):
    inputs = read(fixture_models / "diabetes").mlmodel.signature.inputs
    assert [f.name for f in inputs][:3] == ["age", "sex", "bmi"]
    assert {f.type for f in inputs} == {"double"}
    assert all(f.required for f in inputs)


def test_tensors_have_dtype_and_shape(fixture_models):
    (images,) = read(fixture_models / "named-tensors").mlmodel.signature.inputs[:1]
    assert (images.type, images.dtype, images.shape[0]) == ("tensor", "uint8", -1)
    assert len(images.shape) == 4


def test_a_signature_of_lists_is_read_as_well(model):
    found = model(
        {
            "MLmodel": "flavors: {python_function: {loader_module: m}}\n"
            "signature:\n  inputs:\n  - {name: a, type: long, required: false}\n  params: null\n"
        }
    )
    assert found.problems == ()
    (field,) = found.mlmodel.signature.inputs
    assert (field.name, field.type, field.required) == ("a", "long", False)


def test_params_may_say_dtype_as_older_mlflow_did(model):
    text = '[{"name": "temperature", "dtype": "float", "default": 0.5, "shape": null}]'
    found = model({"MLmodel": f"flavors: {{python_function: {{loader_module: m}}}}\nsignature:\n  params: '{text}'\n"})
    assert found.problems == ()
    (field,) = found.mlmodel.signature.params
    assert (field.name, field.type) == ("temperature", "float")


@pytest.mark.parametrize("part", ["inputs", "outputs", "params"])
def test_an_empty_part_of_the_signature_is_none(model, part):
    found = model({"MLmodel": f"flavors: {{python_function: {{loader_module: m}}}}\nsignature:\n  {part}: ''\n"})
    assert found.problems == ()
    assert getattr(found.mlmodel.signature, part) == ()


def test_the_input_example_is_read(fixture_models):
    example = read(fixture_models / "params").mlmodel.input_example
    assert example.path == "input_example.json"
    assert example.serving_path == "serving_input_example.json"
    assert (example.kind, example.orient, example.has_params) == ("dataframe", "split", True)


def test_versions_stay_the_text_that_was_written(model):
    found = model({"MLmodel": "flavors: {python_function: {loader_module: m, python_version: 3.10}}\nrun_id: 010\n"})
    assert found.mlmodel.python_version == "3.10"
    assert found.mlmodel.run_id == "010"


def test_dotted_keys_have_their_places(model):
    spans = model({}).mlmodel.spans
    place = spans["flavors.python_function.loader_module"]
    assert (place.file, place.line, place.column, place.end_column) == ("MLmodel", 3, 5, 18)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(c)}: &{chr(c)} [{', '.join(['*' + chr(c - 1)] * 9)}]\n" for c in range(98, 122)
)


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        (b"", "is empty", 1),
        (b"# nothing\n", "is empty", 1),
        (b"flavors: [a\nb: }\n", "is not YAML", 2),
        (b"flavors:\n\tpython_function: {}\n", "tab", 2),
        (b"just text", "keys and values", 1),
        (b"- 1\n", "keys and values", 1),
        (b"name: x\n", "no flavors", 1),
        (b"flavors: {}\n", "no flavors", 1),
        (b"a: 1\n---\nb: 2\n", "more than one document", 2),
        (b"a: 1\nb: \xe9\n", "not UTF-8", 2),
        (b"a: 1\nb: \x07\n", "control character", 2),
        (b"a: *b\n", "anchor", 1),
        (b"a: &a [*a]\n", "without end", 1),
        (b"? [a]\n: b\n", "as a key", 1),
        (b"a: !!python/object/apply:os.system [id]\n", "not plain YAML", 1),
        (b"[" * 100_000, "nests deeper", 1),
        (b"{a: " * 5_000, "nests deeper", 1),
        (b"- " * 5_000, "nests deeper", 1),
        (BOMB.encode(), "expands to more than", 5),
    ],
)
def test_an_unreadable_mlmodel_is_one_located_problem(model, content, says, line):
    found = model({"MLmodel": content})
    assert found.mlmodel is None
    (problem,) = found.problems
    assert problem.code == "EB002"
    assert says in problem.message
    assert (problem.span.file, problem.span.line) == ("MLmodel", line)


def test_a_tab_gets_the_way_out(model):
    (problem,) = model({"MLmodel": "flavors:\n\tpython_function: {}\n"}).problems
    assert "spaces" in problem.help
    assert problem.span.column == 1


def test_an_mlmodel_of_200_megabytes_is_not_read(folder):
    root = folder({})
    with (root / "MLmodel").open("wb") as stream:
        stream.truncate(200 << 20)
    found = read(root)
    assert [p.code for p in found.problems] == ["EB002"]
    assert "too large: 209,715,200 bytes" in found.problems[0].message


def test_an_mlmodel_that_is_a_folder_is_a_problem(folder):
    root = folder({"MLmodel": None, "MLmodel/x": "y"})
    (problem,) = read(root).problems
    assert (problem.code, "is a folder" in problem.message) == ("EB002", True)


def test_no_mlmodel_is_a_problem_and_no_exception(model):
    found = model({"MLmodel": None, "conda.yaml": "dependencies: []\n"})
    assert found.mlmodel is None
    assert [p.code for p in found.problems] == ["EB001"]


def test_keys_that_come_twice_are_found_at_every_depth(model):
    text = "flavors:\n  python_function:\n    loader_module: a\n    loader_module: b\nflavors: {x: {}}\n"
    found = model({"MLmodel": text})
    assert [(p.code, p.span.line) for p in found.problems] == [("EB107", 4), ("EB107", 5)]


@pytest.mark.parametrize(
    "inputs",
    [
        "'[{'",
        "'{}'",
        "'[1]'",
        '\'[{"name": "x"}]\'',
        '\'[{"name": "x", "dtype": "long"}]\'',
        '\'[{"type": "tensor"}]\'',
        "7",
        f"'{'[' * 20_000}'",
        "'" + "9" * 5000 + "'",
    ],
)
def test_a_bad_signature_is_a_problem_of_mlmodel(model, inputs):
    found = model({"MLmodel": f"flavors: {{python_function: {{loader_module: m}}}}\nsignature:\n  inputs: {inputs}\n"})
    assert found.mlmodel is not None
    assert found.mlmodel.signature is None
    assert [(p.code, p.span.line) for p in found.problems] == [("EB002", 3)]


def test_merge_keys_and_anchors_are_taken_as_yaml_says(model):
    found = model(
        {
            "MLmodel": "base: &b {loader_module: m, python_version: '3.9'}\n"
            "flavors:\n  python_function:\n    <<: *b\n    env: conda.yaml\n"
        }
    )
    assert found.problems == ()
    assert found.mlmodel.loader_module == "m"
    assert found.mlmodel.flavors["python_function"]["env"] == "conda.yaml"


def test_raw_values_are_json(fixture_models):
    for path in sorted(p for p in fixture_models.iterdir() if p.is_dir()):
        json.dumps(read(path).mlmodel.raw)


def test_a_path_that_is_not_there_or_no_folder_is_an_error(folder, tmp_path):
    with pytest.raises(ModelError, match="there is no model folder"):
        read(tmp_path / "absent")
    root = folder({})
    with pytest.raises(ModelError, match="is not a folder") as caught:
        read(root / "MLmodel")
    assert "the folder that holds it" in caught.value.hint


def test_a_file_address_is_read_in_place(folder):
    root = folder({"conda.yaml": "dependencies: [python=3.11]\n"})
    found = read(f"file://{root}")
    assert (found.root, found.uri) == (root, "")
