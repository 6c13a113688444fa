"""Whether a server refuses a request that is wrong as it should."""

from __future__ import annotations

from typing import Any

from .asking import Answer
from .checks import Check

BODY_LIMIT = 32 << 20
"""Bytes that a trial allows a body to have: less than usual, so that one that is too large is soon sent."""
_MESSAGES = ("message", "error", "error_code", "detail")
_FOREIGN = {"azureml": "Azure ML's server", "mlflow": "MLflow's server"}


def judge(name: str, answer: Answer, server: str) -> Check:
    """A refusal has a status from 400 to 499 and a JSON message, and shows no traceback.

    Servers that are not envbuild's own answer in their ways: what is not so is told, and fails nothing.
    """
    problem = _problem(answer)
    if not problem:
        return Check(name=name, result="passed", seconds=answer.seconds, reason=f"answered {answer.status}")
    if server in _FOREIGN:
        return Check(name=name, result="passed", seconds=answer.seconds, reason=f"{_FOREIGN[server]} {problem}")
    return Check(
        name=name,
        result="failed",
        seconds=answer.seconds,
        reason=f"the server {problem}",
        hint="a refusal has a status from 400 to 499 and a JSON message: report it with the request",
    )


def _problem(answer: Answer) -> str:
    if not 400 <= answer.status < 500:
        return f"answers {answer.status}"
    if "Traceback (most recent call last)" in answer.text:
        return f"answers {answer.status} with a traceback"
    try:
        document: Any = answer.document()
    except ValueError:
        return f"answers {answer.status} without JSON"
    if not (isinstance(document, dict) and any(document.get(key) for key in _MESSAGES)):
        return f"answers {answer.status} without a message"
    return ""
