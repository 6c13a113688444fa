"""How each protocol words an error: status and JSON body.

Azure ML: {"message": ...}. MLflow: {"error_code": ..., "message": ...}. Open Inference: {"error": ...}.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson

from ..errors import ClientError, InputError, RequestError

logger = logging.getLogger("envbuild_runtime")

SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
MODEL_FAILED = "The model raised an error. Check the logs for more info."
EVALUATION_FAILED = (
    "Encountered an unexpected error while evaluating the model. Verify that the input is compatible with the model "
    "for inference."
)
"""MLflow's words for whatever goes wrong in a model."""

CODES = {
    400: "BAD_REQUEST",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
    408: "BAD_REQUEST",
    413: "BAD_REQUEST",
    415: "BAD_REQUEST",
    431: "BAD_REQUEST",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def word(kind: str, status: int, message: str, code: str = "") -> bytes:
    """Return the body of an error of the protocol that answers `kind`: `score`, `invocations` or `infer`.

    `code` is MLflow's `error_code` where the status alone does not tell it.
    """
    if kind == "infer":
        return bytes(orjson.dumps({"error": message}))
    if kind == "invocations":
        code = code or CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
        return bytes(orjson.dumps({"error_code": code, "message": message}))
    return bytes(orjson.dumps({"message": message}))


def refused(kind: str, problem: ClientError, compat: str = "") -> tuple[int, bytes]:
    """Return status and body for what the client did wrong; `compat` names the server to answer like."""
    # There a value is looked at in the scoring script, and what is raised there is the script's failure.
    if compat == "azureml" and kind == "score" and problem.status == 400 and not isinstance(problem, RequestError):
        logger.warning("the request does not fit: %s", problem.message)
        return 500, word(kind, 500, SCRIPT_FAILED)
    if compat == "mlflow" and kind == "invocations" and problem.status == 415:
        return 415, problem.message.encode()
    code = "INVALID_PARAMETER_VALUE" if isinstance(problem, InputError) else ""
    return problem.status, word(kind, problem.status, problem.message, code)


def failed(
    kind: str, *, script: bool = False, compat: str = "", problem: BaseException | None = None
) -> tuple[int, bytes]:
    """Return status and body for what went wrong in the model or script; `problem` is what it raised."""
    if kind == "invocations":
        # Where it was not imported nobody raised it.
        mlflow: Any = sys.modules.get("mlflow.exceptions")
        if mlflow is not None and isinstance(problem, mlflow.MlflowException):
            # Its code is how a model tells its client what is wrong.
            raised: Any = problem
            status = raised.get_http_status_code() if hasattr(raised, "get_http_status_code") else 500
            status = status if isinstance(status, int) and 400 <= status <= 599 else 500
            return status, word(kind, 500, MODEL_FAILED, str(raised.error_code))
        if compat == "mlflow":
            return 400, word(kind, 400, EVALUATION_FAILED)
    return 500, word(kind, 500, SCRIPT_FAILED if script or compat == "azureml" else MODEL_FAILED)
