"""ENVBUILD_COMPAT: a client's faults answered with the status and the form that the named server has for them.

What a client may read is never more than the original says, and never its own data or a traceback. The routes of
the other protocols answer as without the setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asked import JSON, NOT_FOUND, answers, discreet, invoke, refuses, score
from azure_score import ENDS, A
from containers import STRICT, Answer, Container, running
from images import Build
from mlflow_invocations import INVALID, fails
from told import PRODUCTS, TABLE, azure, mlflow, write_told

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
EVALUATION_FAILED = "Encountered an unexpected error while evaluating the model."
MISFITS: dict[str, Any] = {
    "a column is missing": {"columns": ["a"], "data": [[1.0]]},
    "text for a number": {"columns": ["a", "b"], "data": [["s3cr3t", 2]]},
    "a fraction for a whole number": {"columns": ["a", "b"], "data": [[1.0, 2.5]]},
    "a short row": {"columns": ["a", "b"], "data": [[1.0]]},
    "a text": "s3cr3t",
    "a number": 5,
    "null": None,
    "records of other columns": [{"s3cr3t": 1}],
}
"""What is a request, and does not fit the model."""
MISFIT_PARAMS: dict[str, Any] = {"a param of another type": {"what": ["s3cr3t"]}, "no object": ["s3cr3t"]}


@pytest.fixture(scope="module")
def image(build: Build, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_told(tmp_path_factory.mktemp("models") / "told")
    tag: str = build(folder, "contract-told-compat", "--server", "envbuild")["tag"]
    return tag


def started(image: str, compat: str) -> Iterator[Container]:
    settings = ("--env", f"ENVBUILD_COMPAT={compat}", "--env", "SCORING_TIMEOUT_MS=2000")
    with running(image, options=(*STRICT, *settings)) as container:
        yield container


@pytest.fixture(scope="module")
def azures(image: str) -> Iterator[Container]:
    """The container that answers as Azure ML's server."""
    yield from started(image, "azureml")


@pytest.fixture(scope="module")
def mlflows(image: str) -> Iterator[Container]:
    """The container that answers as MLflow's server."""
    yield from started(image, "mlflow")


@pytest.fixture(params=["azures", "mlflows"])
def either(request: pytest.FixtureRequest) -> Container:
    found: Container = request.getfixturevalue(request.param)
    return found


class TestAzureml:
    """ENVBUILD_COMPAT=azureml at /score: what is wrong with a value is the script's failure, and not told."""

    @staticmethod
    def failed(found: Answer) -> None:
        refuses(found, status=500)
        assert found.body["message"] == SCRIPT_FAILED
        assert found.headers[ENDS] == "True"

    @pytest.mark.parametrize("name", MISFITS)
    def test_what_does_not_fit_the_model_is_500_without_a_reason(self, azures: Container, name: str) -> None:
        self.failed(score(azures, {"input_data": MISFITS[name]}))
        answers(score(azures, azure("")), PRODUCTS)

    @pytest.mark.parametrize("name", MISFIT_PARAMS)
    def test_so_are_params(self, azures: Container, name: str) -> None:
        self.failed(score(azures, {"input_data": TABLE, "params": MISFIT_PARAMS[name]}))

    @pytest.mark.parametrize("what", ["raise", "object", "code INVALID_PARAMETER_VALUE", "code NOT_FOUND"])
    def test_so_is_what_the_model_raises(self, azures: Container, what: str) -> None:
        self.failed(score(azures, azure(what)))

    def test_the_reason_is_in_the_log(self, azures: Container) -> None:
        self.failed(score(azures, {"input_data": MISFITS["a column is missing"]}))
        assert "the request does not fit: input_data: missing column 'b'" in azures.logs()

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "POST body is empty. Expecting a JSON dictionary."),
            (b"{s3cr3t", "POST body could not be decoded as JSON: "),
            (b"[1]", "POST body should be a JSON dictionary."),
            (b'{"s3cr3t": 1}', "A value is not provided for the 'input_data' parameter."),
        ],
    )
    def test_what_is_no_request_stays_400(self, azures: Container, body: bytes, message: str) -> None:
        found = score(azures, body)
        refuses(found, message)
        assert found.headers[ENDS] == "False"

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/csv"}])
    def test_a_type_has_to_be_named_and_be_json(self, azures: Container, headers: dict[str, str]) -> None:
        found = discreet(azures.exchange("POST", "/score", azure(""), headers))
        refuses(found, "Expects Content-Type to be application/json", status=415)

    def test_other_paths_methods_and_long_names_are_as_ever(self, azures: Container) -> None:
        refuses(azures.exchange("POST", "/scores", {}, JSON), NOT_FOUND, status=404)
        refuses(azures.exchange("PUT", "/score", {}, JSON), "The method is not allowed", status=405)
        refuses(score(azures, azure(""), **{A: "a" * 101}), "x-request-id must not exceed", status=431)

    def test_a_prediction_past_its_time_is_500_in_azures_words(self, azures: Container) -> None:
        found = score(azures, azure("sleep 20"))
        refuses(found, status=500)
        assert found.body["message"] == "Scoring timeout after 2000 ms"
        answers(score(azures, azure("text")), "fine")

    @pytest.mark.parametrize("name", MISFITS)
    def test_invocations_say_what_is_wrong_all_the_same(self, azures: Container, name: str) -> None:
        code = "BAD_REQUEST" if name == "a short row" else INVALID
        fails(invoke(azures, {"inputs": MISFITS[name]}), code=code)
        fails(invoke(azures, mlflow("raise")), status=500)
        fails(invoke(azures, TABLE, "text/plain"), status=415)


class TestMlflow:
    """ENVBUILD_COMPAT=mlflow at /invocations: what a model raises is the client's fault, and 415 is text."""

    @pytest.mark.parametrize("what", ["raise", "object"])
    def test_what_the_model_raises_is_400_in_mlflows_words(self, mlflows: Container, what: str) -> None:
        # The original adds its traceback as stack_trace.
        fails(invoke(mlflows, mlflow(what)), EVALUATION_FAILED)
        answers(invoke(mlflows, mlflow("")), {"predictions": PRODUCTS})

    @pytest.mark.parametrize(
        ("code", "status"),
        [("INVALID_PARAMETER_VALUE", 400), ("NOT_FOUND", 404), ("RESOURCE_EXHAUSTED", 429), ("INVALID_STATE", 500)],
    )
    def test_a_code_of_mlflow_keeps_its_status(self, mlflows: Container, code: str, status: int) -> None:
        fails(invoke(mlflows, mlflow(f"code {code}")), status=status, code=code)

    @pytest.mark.parametrize(
        "media",
        ["text/plain", "application/octet-stream", "application/json; charset=latin-1", "application/json; format=x"],
    )
    def test_another_content_type_is_415_as_text(self, mlflows: Container, media: str) -> None:
        found = invoke(mlflows, mlflow(""), media)
        assert found.status == 415
        assert found.headers["content-type"].startswith("text/plain")
        assert found.body.startswith("Expects ")

    @pytest.mark.parametrize("name", MISFITS)
    def test_what_does_not_fit_is_400_without_the_callers_data(self, mlflows: Container, name: str) -> None:
        code = "BAD_REQUEST" if name == "a short row" else INVALID
        fails(invoke(mlflows, {"inputs": MISFITS[name]}), code=code)

    @pytest.mark.parametrize("body", [b"", b"{s3cr3t", b"[1]", b"{}", b'{"inputs": [], "instances": []}', b"\xff"])
    def test_what_is_no_request_is_400(self, mlflows: Container, body: bytes) -> None:
        fails(invoke(mlflows, body))

    def test_a_prediction_past_its_time_is_504(self, mlflows: Container) -> None:
        # The original calls its body JSON, and it is none.
        found = invoke(mlflows, mlflow("sleep 20"))
        fails(found, "Scoring timeout after 2000 ms", status=504, code="DEADLINE_EXCEEDED")
        answers(invoke(mlflows, mlflow("text")), {"predictions": "fine"})

    def test_a_prediction_of_nan_is_json(self, mlflows: Container) -> None:
        answers(invoke(mlflows, mlflow("nan")), {"predictions": [None, None, 1.0]})

    @pytest.mark.parametrize("name", MISFITS)
    def test_score_says_what_is_wrong_all_the_same(self, mlflows: Container, name: str) -> None:
        refuses(score(mlflows, {"input_data": MISFITS[name]}))
        refuses(score(mlflows, azure("raise")), "The model raised an error.", status=500)
        refuses(score(mlflows, azure(""), **{"Content-Type": "text/csv"}), "Expects Content-Type", status=415)


class TestOpenInference:
    """/v2 is the same with either."""

    @pytest.mark.parametrize(
        ("tensor", "words"),
        [
            ({"name": "a", "datatype": "FP64", "shape": [1], "data": [1.0]}, "'b'"),
            ({"name": "a", "datatype": "FP64", "shape": [1], "data": ["s3cr3t"]}, "'a'"),
            ({"name": "a", "datatype": "FP64", "shape": [2], "data": [1.0]}, "shape"),
        ],
    )
    def test_a_fault_is_400_and_says_what_is_wrong(self, either: Container, tensor: dict[str, Any], words: str) -> None:
        found = discreet(either.exchange("POST", "/v2/models/model/infer", {"inputs": [tensor]}, JSON))
        assert (found.status, list(found.body)) == (400, ["error"]), found.body
        assert words in found.body["error"]

    def test_another_content_type_and_what_the_model_raises(self, either: Container) -> None:
        tensors = [
            {"name": "a", "datatype": "FP64", "shape": [1], "data": [1.5]},
            {"name": "b", "datatype": "INT64", "shape": [1], "data": [2]},
        ]
        body = {"inputs": tensors, "parameters": {"what": "raise"}}
        for headers, status in ((JSON, 500), ({"Content-Type": "text/csv"}, 415)):
            found = discreet(either.exchange("POST", "/v2/models/model/infer", body, headers))
            assert (found.status, found.headers["content-type"]) == (status, "application/json")
            assert list(found.body) == ["error"]


def test_probes_and_answers_are_the_same(either: Container) -> None:
    assert either.exchange("GET", "/").body == "Healthy"
    assert either.exchange("GET", "/ping").status == 200
    answers(score(either, azure("frame")), [{"y": 3.0, "s": "fine"}, {"y": -3.0, "s": "fine"}])
    answers(invoke(either, mlflow("array")), {"predictions": [[1.5, 2.0], [-1.0, 3.0]]})


def test_a_word_that_names_no_server_is_refused_at_the_start(image: str) -> None:
    with (
        pytest.raises(AssertionError, match="ENVBUILD_COMPAT is 'kserve': one of"),
        running(image, options=(*STRICT, "--env", "ENVBUILD_COMPAT=kserve")),
    ):
        pass
