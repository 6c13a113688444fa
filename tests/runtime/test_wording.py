"""How errors are worded, without a server: what a model raises, by protocol."""

from __future__ import annotations

import json

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2

from envbuild.runtime.protocols import wording

CODES = {"RESOURCE_DOES_NOT_EXIST": 404, "RESOURCE_EXHAUSTED": 429, "NOT_IMPLEMENTED": 501, "INVALID_STATE": 500}


@pytest.mark.parametrize("compat", ["", "mlflow"])
@pytest.mark.parametrize("code", CODES)
def test_a_code_that_a_model_raises_in_mlflows_way_is_that_of_the_answer(code, compat):
    raised = MlflowException("secret", error_code=getattr(databricks_pb2, code))
    status, body = wording.failed("invocations", compat=compat, problem=raised)
    assert (status, json.loads(body)) == (CODES[code], {"error_code": code, "message": wording.MODEL_FAILED})


@pytest.mark.parametrize("kind", ["score", "infer"])
def test_to_other_protocols_it_is_an_error_like_any(kind):
    raised = MlflowException("secret", error_code=databricks_pb2.RESOURCE_DOES_NOT_EXIST)
    assert wording.failed(kind, problem=raised) == wording.failed(kind, problem=KeyError("secret"))
    assert wording.failed(kind, problem=raised)[0] == 500


def test_any_other_error_is_500_and_where_mlflows_server_is_imitated_400():
    assert [wording.failed("invocations", compat=compat, problem=KeyError())[0] for compat in ("", "mlflow")] == [
        500,
        400,
    ]


@pytest.mark.parametrize("status", [None, 0, 200, 700, "404"])
def test_a_status_that_no_error_has_is_500(monkeypatch, status):
    # Not every version has one, and a class of a model's own may say anything.
    if status is None:
        monkeypatch.delattr(MlflowException, "get_http_status_code")
    else:
        monkeypatch.setattr(MlflowException, "get_http_status_code", lambda self: status)
    assert wording.failed("invocations", problem=MlflowException("secret"))[0] == 500
