"""How the contracts ask, and what every answer keeps to."""

from __future__ import annotations

import json
import re
from typing import Any

from containers import Answer, Container, same
from questions import SECRET

JSON = {"Content-Type": "application/json"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try "
    "again."
)


def score(container: Container, body: Any, **headers: str) -> Answer:
    """POST /score: the answer, which never repeats the caller's data nor shows a traceback."""
    return discreet(container.exchange("POST", "/score", body, {**JSON, **headers}))


def invoke(container: Container, body: Any, media: str | None = "application/json") -> Answer:
    """POST /invocations, likewise."""
    headers = {} if media is None else {"Content-Type": media}
    return discreet(container.exchange("POST", "/invocations", body, headers))


def discreet(answer: Answer) -> Answer:
    text = json.dumps(answer.body)
    assert SECRET not in text, text
    assert "Traceback" not in text, text
    return answer


def answers(found: Answer, expected: Any, label: object = "") -> None:
    """The answer is 200 and says what the model says."""
    assert found.status == 200, (label, found.body)
    assert found.headers["content-type"].startswith("application/json"), label
    assert same(found.body, expected), (label, found.body)


def refuses(found: Answer, *words: str, status: int = 400, label: object = "") -> None:
    """The answer is an error of the client's, has a message alone, and the message holds the words."""
    assert found.status == status, (label, found.body)
    assert found.headers["content-type"] == "application/json", label
    assert set(found.body) == {"message"}, (label, found.body)
    for word in words:
        assert word in found.body["message"], (label, found.body)
