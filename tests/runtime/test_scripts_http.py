"""Scripts that take raw requests and give whole answers, where Azure ML's own server is installed."""

from __future__ import annotations

import http.client
import time

import pytest
from rawscript import CAME, CASES, FAILED, LINES, NAMES, Case, check, exchange, place, send_lines

pytestmark = [pytest.mark.network, pytest.mark.slow]

OWN, AZURE = "envbuild_runtime", "envbuild_runtime.azureml"


@pytest.fixture(scope="module", params=[OWN, AZURE])
def raw(request, start, tmp_path_factory):
    return start(request.param, **place(tmp_path_factory.mktemp("raw"), "api")).wait_until_up()


@pytest.fixture(scope="module")
def own(start, tmp_path_factory):
    return start(OWN, **place(tmp_path_factory.mktemp("own"), "contrib")).wait_until_up()


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_raw_request_is_answered_alike(raw, case):
    check(raw.port, case)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_older_path_of_the_same_names(own, case):
    check(own.port, case)


def test_a_header_with_commas_goes_out_several_times(raw):
    _, headers, _ = exchange(raw.port, Case("headers", 201, ""))
    assert [value for name, value in headers if name == "x-many"] == ["a", "b"]
    assert len([name for name, _ in headers if name == "content-type"]) == 1


def test_a_request_has_its_senders_address_and_all_lines_of_a_header(raw):
    assert send_lines(raw.port, LINES) == CAME


def first_and_rest(port, what):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/score?what={what}", body=b"")
    answer = connection.getresponse()
    assert answer.getheader("transfer-encoding") == "chunked"
    first, at = answer.read1(), time.monotonic()
    rest = answer.read()
    return answer, first, rest, time.monotonic() - at


def test_a_part_is_sent_as_soon_as_it_is_there(raw):
    _, first, rest, between = first_and_rest(raw.port, "stream")
    assert (first, rest) == (b"one\n", b"two\n")
    assert between > 0.7


def test_a_generator_is_a_stream(own):
    answer, first, rest, between = first_and_rest(own.port, "generator")
    assert (first, rest) == (b"one\n", b"two\n")
    assert between > 0.7
    assert answer.getheader("content-type") == "text/plain; charset=utf-8"
    assert answer.getheader("x-ms-run-fn-exec-ms")
    assert exchange(own.port, Case("bytes", 200, ""))[2] == b"12"
    assert exchange(own.port, Case("nothing", 200, ""))[2] == b""


def test_a_stream_that_breaks_off_does_not_look_whole(own):
    with pytest.raises(http.client.IncompleteRead) as broken:
        exchange(own.port, Case("breaks", 200, ""))
    assert broken.value.partial == b"2"
    assert "run() streams texts or bytes, and one part is float" in own.log
    assert "a streamed answer broke off" in own.log
    status, _, body = exchange(own.port, Case("fails", 500, ""))
    assert (status, FAILED in body.decode()) == (500, True)


@pytest.mark.parametrize(("what", "status"), [("gone", 204), ("unchanged", 304)])
def test_an_answer_without_a_body_leaves_the_connection_to_the_next(raw, what, status):
    connection = http.client.HTTPConnection("127.0.0.1", raw.port, timeout=60)
    for asked, expected in ((what, status), ("text", 200)):
        connection.request("POST", f"/score?what={asked}", body=b"")
        answer = connection.getresponse()
        assert (answer.status, answer.read().decode()) == (expected, "café" if expected == 200 else "")
        assert expected == 200 or answer.getheader("content-length") is None
    connection.close()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("beyond&status=700", "run() answered with the status 700"),
        ("beyond&status=150", "run() answered with the status 150"),
        ("named&name=X+A&value=1", "run() answered with a header that HTTP cannot carry: 'x a'"),
        ("named&name=X-A&value=a%00b", "run() answered with a header that HTTP cannot carry: 'x-a'"),
    ],
)
def test_an_answer_that_http_has_no_form_for_is_500_and_named_in_the_log(own, query, reason):
    status, headers, body = exchange(own.port, Case(query, 500, ""))
    assert (status, FAILED in body.decode()) == (500, True)
    assert ("x-ms-run-function-failed", "True") in headers
    assert reason in own.log


ENDLESS = """
import itertools, time
def init(): pass
def run(what):
    if what != "stream":
        return what
    def parts():
        for number in itertools.count():
            yield str(number)
            time.sleep(0.05)
    return parts()
"""


def test_a_stream_that_nobody_hears_any_more_is_given_up(start, tmp_path):
    server = start(OWN, SCORING_TIMEOUT_MS="1000", **place(tmp_path, "api", ENDLESS)).wait_until_up()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/score", body=b"stream")
    answer = connection.getresponse()
    read = b""
    # Longer than a prediction may take: each part starts the clock anew.
    end = time.monotonic() + 2
    while time.monotonic() < end:
        read += answer.read1()
    assert read.startswith(b"0123456789")
    answer.close()
    connection.close()
    assert server.post("/score", b"next").json == "next"
    assert "a streamed answer broke off" in server.log


def test_a_script_that_leaves_fails_its_request_and_nothing_else(own):
    status, headers, body = exchange(own.port, Case("exit", 500, ""))
    assert (status, FAILED in body.decode()) == (500, True)
    assert ("x-ms-run-function-failed", "True") in headers
    assert exchange(own.port, Case("text", 200, ""))[0] == 200
    assert "SystemExit: 7" in own.log


def test_both_kinds_of_input_at_once_are_refused(start, tmp_path):
    more = "from inference_schema.schema_decorators import input_schema\n"
    more += "from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType\n"
    text = "@rawhttp\ndef run(request): pass\n"
    text = "from {package}.aml_request import rawhttp\ndef init(): pass\n" + text.replace(
        "def run", "@input_schema('request', StandardPythonParameterType(1))\ndef run"
    )
    server = start(OWN, **place(tmp_path, "api", text, more))
    assert server.popen.wait(120) == 3
    assert "run() cannot be decorated with both @rawhttp and @input_schema" in server.log
