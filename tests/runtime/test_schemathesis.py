"""Schemathesis finds no status and no answer that /openapi.json does not tell of, and no failure of the server's own.

What a model raises is 500, which the document says: each of these is looked up in the log, where only exceptions of the
model's own may stand.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

CHECKS = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
RAISES = {
    "pyfunc-code": r"^KeyError: ",
    "named-tensors": r"^ValueError: operands could not be broadcast together",
}
"""What each model itself raises for values that its signature allows."""


@pytest.mark.parametrize("name", ["named-tensors", pytest.param("pyfunc-code", marks=pytest.mark.proof)])
def test_what_the_document_says_holds_whatever_is_asked(name, start, model, tmp_path):
    server = start(**model(name)).wait_until_up(path="/ping")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/openapi.json"]
    options = ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "10"]
    more = ["--seed", "1", "--no-color", "--no-shrink", "--suppress-health-check", "all", "--warnings", "off"]
    done = subprocess.run([*command, *options, *more], cwd=tmp_path, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert server.stop() == 0

    lines = [json.loads(line) for line in server.log.splitlines()]
    asked = [(line["route"], line["status"]) for line in lines if "route" in line]
    for route in ("/score", "/invocations", "/v2/models/{model}/infer"):
        # Of what is made up by the signature, some is answered: the schema is not beside the point.
        assert (route, 200) in asked
        assert (route, 400) in asked
    failed = [status for _, status in asked if status >= 500]
    raised = [line["exception"] for line in lines if "exception" in line]
    assert [text for text in raised if not re.search(RAISES[name], text, re.MULTILINE)] == []
    assert len(failed) == len(raised)
    assert set(failed) <= {500}
