"""Models that are laid over the image's own, as MLflow 1.x and 2.x wrote them, over containers of both servers.

They say what they are given: one has no signature, one columns that do not say whether they are required, and one a
tensor that is free in more than its first dimension, with which Azure ML's own script does not start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from asked import answers, invoke, refuses, score
from containers import STRICT, Container, running
from images import Build
from mlflow_invocations import INVALID, fails
from told import TABLE, mounted, write_told

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

LOADER = """
import numpy as np
import pandas as pd


def told(value):
    if isinstance(value, pd.DataFrame):
        return {"columns": list(value.columns), "data": value.to_numpy().tolist()}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "type": str(value.dtype)}
    return {name: told(part) for name, part in value.items()}


class Told:
    def predict(self, data, params=None):
        return {"given": told(data), "params": params} if params else {"given": told(data)}


def _load_pyfunc(path):
    assert open(path).read() == "weights"
    return Told()
"""
FLAVOR = {"code": "code", "data": "data/weights", "env": "conda.yaml", "loader_module": "laid"}
BOTH = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
COLUMNS = [{"name": "a", "type": "double"}, {"name": "b", "type": "long"}]
FREE = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, -1, 3]}}]
SCALE = [{"name": "scale", "dtype": "double", "type": "double", "default": 1.0, "shape": None}]
TEXT = [{"type": "string", "required": True}]
MODELS: dict[str, dict[str, Any]] = {
    "mlflow-1.0": {
        "flavors": {"python_function": {**FLAVOR, "python_version": "3.6.8"}},
        "utc_time_created": "2019-05-31 12:00:00.000000",
    },
    "mlflow-1.30": {
        "artifact_path": "model",
        "flavors": {"python_function": {**FLAVOR, "python_version": "3.8.13"}},
        "mlflow_version": "1.30.1",
        "model_uuid": "0123456789abcdef0123456789abcdef",
        "run_id": "0123456789abcdef0123456789abcdef",
        "signature": {"inputs": json.dumps(COLUMNS), "outputs": None},
        "utc_time_created": "2022-10-31 12:00:00.000000",
    },
    "mlflow-2.9": {
        "flavors": {"python_function": {**FLAVOR, "env": BOTH, "python_version": "3.10.12"}},
        "mlflow_version": "2.9.2",
        "model_size_bytes": 1024,
        "model_uuid": "0123456789abcdef0123456789abcdef",
        "signature": {"inputs": json.dumps(FREE), "outputs": None, "params": json.dumps(SCALE)},
        "utc_time_created": "2023-12-14 12:00:00.000000",
    },
    "pipeline": {
        "flavors": {"python_function": {**FLAVOR, "python_version": "3.11.7"}, "transformers": {"task": "echo"}},
        "mlflow_version": "3.17.2",
        "model_uuid": "0123456789abcdef0123456789abcdef",
        "signature": {"inputs": json.dumps(TEXT), "outputs": None, "params": json.dumps(SCALE)},
        "utc_time_created": "2026-01-02 03:04:05.000000",
    },
}
RECORDS = [{"a": 1.5, "b": 2}, {"b": 3, "a": -1.0}]
SPLIT = {**TABLE, "index": [7, 9]}
GIVEN = {"given": {"columns": ["a", "b"], "data": [[1.5, 2], [-1, 3]]}}
SINGLE, DOUBLE, ROW = [[[1, 2, 3]]], [[[1, 2, 3], [4, 5, 6]]], [[[1, 2, 3]], [[4, 5, 6]]]


class Laid:
    """Containers of both servers with one model each, by the name of the model; started when first asked for."""

    def __init__(self, stack: ExitStack, image: str, folder: Path) -> None:
        self._stack = stack
        self._image = image
        self._folder = folder
        self._running: dict[str, Container] = {}

    def __getitem__(self, name: str) -> Container:
        if name not in self._running:
            folder = write(self._folder / name, MODELS[name])
            options = (*STRICT, *mounted(folder))
            self._running[name] = self._stack.enter_context(running(self._image, options=options))
        return self._running[name]


def write(folder: Path, mlmodel: dict[str, Any]) -> Path:
    for name, path, text in (
        ("code", "laid.py", LOADER),
        ("data", "weights", "weights"),
        (".", "MLmodel", json.dumps(mlmodel)),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text)
    return folder


def laid(server: str, build: Build, factory: pytest.TempPathFactory, *more: str) -> Iterator[Laid]:
    folder = factory.mktemp("laid")
    own = write_told(folder / "told")
    image = build(own, f"contract-laid-{server}", "--server", server, *more)["tag"]
    with ExitStack() as stack:
        yield Laid(stack, image, folder)


@pytest.fixture(scope="module")
def own(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laid]:
    """Containers of --server envbuild."""
    yield from laid("envbuild", build, tmp_path_factory)


@pytest.fixture(scope="module")
def azures(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laid]:
    """Containers of --server azureml."""
    yield from laid("azureml", build, tmp_path_factory, "--inject")


@pytest.fixture(scope="module", params=["own", "azures"])
def either(request: pytest.FixtureRequest) -> Laid:
    found: Laid = request.getfixturevalue(request.param)
    return found


class TestWithoutSignature:
    """The model of MLflow 1.0."""

    @pytest.mark.parametrize("value", [TABLE, SPLIT, RECORDS, json.dumps(SPLIT), {"input_data": TABLE}])
    def test_score_makes_a_dataframe_of_a_table(self, either: Laid, value: Any) -> None:
        # Azure ML's own script takes a split table alone, with its index, and fails on that with pandas 3.
        answers(score(either["mlflow-1.0"], {"input_data": value}), GIVEN)

    def test_score_makes_arrays_of_lists_and_of_objects_of_them(self, either: Laid) -> None:
        answers(score(either["mlflow-1.0"], {"input_data": DOUBLE}), {"given": {"shape": [1, 2, 3], "type": "int64"}})
        found = score(either["mlflow-1.0"], {"input_data": {"x": [1.5], "y": [[1, 2]]}})
        expected = {"x": {"shape": [1], "type": "float64"}, "y": {"shape": [1, 2], "type": "int64"}}
        answers(found, {"given": expected})

    @pytest.mark.parametrize(
        "body", [{"dataframe_split": SPLIT}, {"dataframe_records": RECORDS}, {"instances": RECORDS}]
    )
    def test_invocations_make_a_dataframe_of_a_table(self, own: Laid, body: dict[str, Any]) -> None:
        answers(invoke(own["mlflow-1.0"], body), {"predictions": GIVEN})

    @pytest.mark.parametrize(
        ("media", "body"),
        [
            ("application/json; format=pandas-split", TABLE),
            ("application/json; format=pandas-records; charset=UTF-8", RECORDS),
            ("application/json-numpy-split", TABLE),
        ],
    )
    def test_the_content_types_of_its_time_get_the_bare_answer(self, own: Laid, media: str, body: Any) -> None:
        answers(invoke(own["mlflow-1.0"], body, media), GIVEN)


class TestOldColumns:
    """The model of MLflow 1.30: its columns say no `required`, and are."""

    @pytest.mark.parametrize("value", [TABLE, SPLIT, RECORDS, [[1.5, 2], [-1, 3]], {"b": [2, 3], "a": [1.5, -1]}])
    def test_score_reads_a_table_by_them(self, either: Laid, value: Any) -> None:
        answers(score(either["mlflow-1.30"], {"input_data": value}), GIVEN)

    def test_a_missing_one_is_400(self, either: Laid) -> None:
        refuses(score(either["mlflow-1.30"], {"input_data": [{"a": 1.0}]}), "missing column 'b'")

    def test_invocations_too(self, own: Laid) -> None:
        answers(invoke(own["mlflow-1.30"], {"dataframe_split": TABLE}), {"predictions": GIVEN})
        fails(invoke(own["mlflow-1.30"], {"inputs": [{"a": "s3cr3t", "b": 1}]}), "'a', row 0", code=INVALID)


class TestFreeTensor:
    """The model of MLflow 2.9: its tensor has the shape [-1, -1, 3]."""

    @pytest.mark.parametrize(
        ("value", "shape"),
        [(SINGLE, [1, 1, 3]), (DOUBLE, [1, 2, 3]), (ROW, [2, 1, 3]), ([[], []], [2, 0, 3]), ([], [0, 0, 3])],
    )
    def test_score_takes_any_size_of_a_free_dimension(self, either: Laid, value: Any, shape: list[int]) -> None:
        found = score(either["mlflow-2.9"], {"input_data": value})
        answers(found, {"given": {"shape": shape, "type": "float32"}, "params": {"scale": 1.0}})

    @pytest.mark.parametrize("value", [[[[1, 2]]], [[1, 2, 3]], [[[1, 2, 3], [4, 5]]], [[[1, 2, "s3cr3t"]]], 5])
    def test_others_are_400(self, either: Laid, value: Any) -> None:
        refuses(score(either["mlflow-2.9"], {"input_data": value}), "input_data")

    def test_params_reach_it(self, either: Laid) -> None:
        found = score(either["mlflow-2.9"], {"input_data": SINGLE, "params": {"scale": 2}})
        answers(found, {"given": {"shape": [1, 1, 3], "type": "float32"}, "params": {"scale": 2.0}})

    @pytest.mark.parametrize("key", ["inputs", "instances"])
    def test_invocations_too(self, own: Laid, key: str) -> None:
        found = invoke(own["mlflow-2.9"], {key: ROW, "params": {"scale": 2}})
        expected = {"given": {"shape": [2, 1, 3], "type": "float32"}, "params": {"scale": 2.0}}
        answers(found, {"predictions": expected})

    def test_swagger_describes_it(self, either: Laid) -> None:
        found = either["mlflow-2.9"].exchange("GET", "/swagger.json?version=3")
        assert found.status == 200
        assert "input_data" in found.body["components"]["schemas"]["ServiceInput"]["properties"]


class TestPipeline:
    """A model with the flavor of transformers, which Azure ML's script asks in a way of its own."""

    TEXTS = ("one", "two")
    TOLD: ClassVar[dict[str, Any]] = {"columns": [0], "data": [["one"], ["two"]]}

    @pytest.mark.parametrize("params", [{}, {"scale": 2.0}])
    def test_an_input_string_and_parameters_are_taken_for_the_data_and_the_params(
        self, either: Laid, params: dict[str, float]
    ) -> None:
        body = {"input_data": {"input_string": list(self.TEXTS), "parameters": params}}
        answers(score(either["pipeline"], body), {"given": self.TOLD, "params": {"scale": 1.0, **params}})

    def test_params_beside_the_data_come_first(self, either: Laid) -> None:
        body = {"input_data": {"input_string": list(self.TEXTS)}, "params": {"scale": 3.0}}
        answers(score(either["pipeline"], body), {"given": self.TOLD, "params": {"scale": 3.0}})

    def test_parameters_that_do_not_fit_are_400(self, either: Laid) -> None:
        body = {"input_data": {"input_string": list(self.TEXTS), "parameters": {"scale": "s3cr3t"}}}
        refuses(score(either["pipeline"], body), "param 'scale'")

    def test_other_models_are_not_asked_so(self, either: Laid) -> None:
        body = {"input_data": {"input_string": [1.0], "parameters": {}}}
        refuses(score(either["mlflow-1.30"], body), "missing column")
