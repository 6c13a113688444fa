"""What a model may answer, raise and take its time for, over containers of both servers; and Parquet.

The model does what the param `what` says. With --server envbuild the container is started with the word `serve`, as
SageMaker starts every image.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asked import JSON, answers, invoke, refuses, score
from azure_score import ENDS, TOOK
from containers import STRICT, Answer, Container, running
from images import Build
from mlflow_invocations import INVALID, PARQUET, fails
from parquet_tables import parquet_tables
from told import PRODUCTS, azure, mlflow, write_told

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

LATE = "Scoring timeout after 3000 ms"
# Two workers, so that one that is replaced leaves another; of Azure ML's server one is enough.
STARTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "envbuild": (("--env", "SCORING_TIMEOUT_MS=3000", "--env", "WORKER_COUNT=2"), ("serve",)),
    "azureml": (("--env", "SCORING_TIMEOUT_MS=3000"), ()),
}
GIVEN = {
    "frame": [{"y": 3.0, "s": "fine"}, {"y": -3.0, "s": "fine"}],
    "table": [{"a": 1.5, "b": 2}, {"a": -1.0, "b": 3}],
    "series": [{"a": 3.0}, {"a": -2.0}],
    "named": [{"y": 1.5}, {"y": 2.5}],
    "array": [[1.5, 2.0], [-1.0, 3.0]],
    "arrays": {"y": [1.5, -1.0], "label": ["p", "q"]},
    "number": 0.5,
    "text": "fine",
    "nothing": None,
    "times": [{"t": "2024-05-01T00:00:00"}, {"t": None}],
    "types": {"a": "float64", "b": "int64"},
    "nan": [None, None, 1.0],
    "nan-array": [[None, 1.0], [None, 2.0]],
    "nan-frame": [{"y": None, "s": None}, {"y": 2.0, "s": "fine"}],
}
"""What the model answers, by what it is asked for. MLflow's and Azure ML's own servers write NaN, which is no JSON."""
MAP = {
    "INVALID_PARAMETER_VALUE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "RESOURCE_CONFLICT": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL_ERROR": 500,
    "INVALID_STATE": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""MLflow's status for each code of the exception that a model raises."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_told(tmp_path_factory.mktemp("models") / "told")


def started(server: str, told: Path, build: Build, *more: str) -> Iterator[Container]:
    options, arguments = STARTED[server]
    tag = build(told, f"contract-told-{server}", "--server", server, *more)["tag"]
    with running(tag, options=(*STRICT, *options), arguments=arguments) as container:
        yield container


@pytest.fixture(scope="module")
def own(told: Path, build: Build) -> Iterator[Container]:
    """A container of --server envbuild."""
    yield from started("envbuild", told, build)


@pytest.fixture(scope="module")
def azures(told: Path, build: Build) -> Iterator[Container]:
    """A container of --server azureml."""
    yield from started("azureml", told, build, "--inject")


@pytest.fixture(scope="module", params=["own", "azures"])
def either(request: pytest.FixtureRequest) -> Container:
    found: Container = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("what", GIVEN)
def test_score_answers_the_bare_prediction_of_every_kind(either: Container, what: str) -> None:
    # To nothing Azure ML's server answers with an empty object.
    answers(score(either, azure(what)), {} if what == "nothing" else GIVEN[what])


@pytest.mark.parametrize("what", GIVEN)
def test_invocations_answer_it_under_predictions(own: Container, what: str) -> None:
    answers(invoke(own, mlflow(what)), {"predictions": GIVEN[what]})


@pytest.mark.parametrize("what", ["raise", "object", "code INVALID_STATE", "code RESOURCE_EXHAUSTED"])
def test_what_a_model_raises_is_500_at_score_without_its_words(either: Container, what: str) -> None:
    found = score(either, azure(what))
    refuses(found, "Check the logs for more info.", status=500)
    assert found.headers[ENDS] == "True"
    answers(score(either, azure("text")), "fine")


def test_at_invocations_too(own: Container) -> None:
    for what in ("raise", "object"):
        fails(invoke(own, mlflow(what)), "Check the logs", status=500)
    assert "KeyError: 's3cr3t'" in own.logs()


def test_an_input_that_the_model_refuses_in_mlflows_way_is_400(either: Container) -> None:
    refuses(score(either, azure("code INVALID_PARAMETER_VALUE")), "refuses the input")


@pytest.mark.parametrize("code", MAP)
def test_invocations_answer_a_code_of_mlflow_with_its_status(own: Container, code: str) -> None:
    fails(invoke(own, mlflow(f"code {code}")), status=MAP[code], code=code)


def test_a_prediction_past_its_time_is_500_at_score_and_the_next_is_answered(either: Container) -> None:
    found = score(either, azure("sleep 20"))
    refuses(found, status=500)
    assert found.body["message"] == LATE
    assert found.headers[ENDS] == "True"
    answers(score(either, azure("sleep 0.1")), "awake")


def test_it_is_504_at_invocations_while_others_and_the_probes_are_answered(own: Container) -> None:
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(invoke, own, mlflow("sleep 20"))
        time.sleep(0.5)
        for path in ("/ping", "/", "/v2/health/ready"):
            assert own.exchange("GET", path).status == 200
        answers(invoke(own, mlflow("text")), {"predictions": "fine"})
        assert not late.done()
        fails(late.result(), LATE, status=504, code="DEADLINE_EXCEEDED")
    answers(invoke(own, mlflow("text")), {"predictions": "fine"})
    # As many workers as before, and none of them hangs.
    for _ in range(4):
        answers(invoke(own, mlflow("sleep 0.1")), {"predictions": "awake"})


def test_it_is_504_by_open_inference_too(own: Container) -> None:
    found = own.exchange("POST", "/v2/models/model/infer", infer("sleep 20"), JSON)
    assert (found.status, found.body) == (504, {"error": LATE})


def test_what_was_in_time_says_how_long_it_took(either: Container) -> None:
    found = score(either, azure("sleep 0.3"))
    answers(found, "awake")
    assert 300 <= float(found.headers[TOOK]) < 3000


def infer(what: str) -> dict[str, Any]:
    """The body of Open Inference that asks for something."""
    tensors = [
        {"name": "a", "datatype": "FP64", "shape": [1], "data": [1.5]},
        {"name": "b", "datatype": "INT64", "shape": [1], "data": [2]},
    ]
    return {"inputs": tensors, "parameters": {"what": what}}


SPELLINGS = (PARQUET, "Application/VND.Apache.Parquet", f"{PARQUET}; charset=utf-8")


@pytest.fixture(scope="module")
def tables(own: Container) -> dict[str, bytes]:
    """Tables in Parquet, as the container's own pyarrow writes them."""
    return parquet_tables(own)


@pytest.mark.parametrize("media", SPELLINGS)
def test_parquet_is_read_by_the_signature(own: Container, tables: dict[str, bytes], media: str) -> None:
    answers(invoke(own, tables["plain"], media), {"predictions": PRODUCTS})
    # Other types, another order, and a column too many.
    answers(invoke(own, tables["typed"], media), {"predictions": PRODUCTS})
    answers(invoke(own, tables["whole"], media), {"predictions": [2.0, 6.0]})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text", "column 'a', row 0: expected a number (double), got a string that is no number"),
        ("fraction", "column 'b', row 1: expected a whole number"),
        ("null", "column 'b', row 0: expected a whole number"),
        ("short", "missing column 'b'"),
    ],
)
def test_a_table_in_parquet_that_does_not_fit_is_400(
    own: Container, tables: dict[str, bytes], name: str, words: str
) -> None:
    fails(invoke(own, tables[name], PARQUET), words, code=INVALID)


@pytest.mark.parametrize("spoilt", [b"", b"PAR1", b"PAR1 s3cr3t PAR1", b"a,b\n1,2\n", "cut"])
def test_what_is_no_parquet_is_400(own: Container, tables: dict[str, bytes], spoilt: bytes | str) -> None:
    body = tables["plain"][:-20] if isinstance(spoilt, str) else spoilt
    fails(invoke(own, body, PARQUET), "is no Parquet that can be read")
    answers(invoke(own, tables["plain"], PARQUET), {"predictions": PRODUCTS})


def test_score_takes_no_parquet(either: Container, tables: dict[str, bytes]) -> None:
    found: Answer = either.exchange("POST", "/score", tables["plain"], {"Content-Type": PARQUET})
    refuses(found, "Expects Content-Type to be application/json", status=415)
