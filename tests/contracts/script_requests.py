"""Scripts whose `run` is decorated with @rawhttp: it is given the request, and what it answers is sent as it is."""

from __future__ import annotations

import http.client
import time

import pytest
from asked import UUID
from azure_score import ENDS, TOOK
from containers import Container
from rawscript import CAME, CASES, FAILED, LINES, NAMES, Case, check, exchange, send_lines

BROKEN_OFF = "a streamed answer broke off"
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


def ask(container: Container, what: str, body: bytes = b"", **sent: str) -> tuple[int, list[tuple[str, str]], bytes]:
    return exchange(container.port, Case(what, 200, "", body=body, sent=sent))


class Requests:
    """What run() reads of a request, and the responses that it makes."""

    @pytest.mark.parametrize("case", CASES, ids=NAMES)
    def test_a_request_is_answered_as_by_azures_server(self, raw: Container, case: Case) -> None:
        check(raw.port, case)

    def test_it_has_its_senders_address_and_all_lines_of_a_header(self, raw: Container) -> None:
        assert send_lines(raw.port, LINES) == CAME

    def test_bytes_come_and_go_as_they_are(self, raw: Container) -> None:
        data = bytes(range(256))
        status, headers, body = ask(raw, "image", data, **{"Content-Type": "image/png"})
        assert (status, body) == (200, data)
        assert [value for name, value in headers if name == "content-type"] == ["image/png"]

    def test_a_header_with_commas_goes_out_several_times(self, raw: Container) -> None:
        _, headers, _ = ask(raw, "headers")
        assert [value for name, value in headers if name == "x-many"] == ["a", "b"]
        assert len([name for name, _ in headers if name == "content-type"]) == 1

    def test_run_cannot_change_the_requests_name(self, raw: Container) -> None:
        _, headers, _ = ask(raw, "headers")
        (name,) = [value for name, value in headers if name == "x-request-id"]
        assert UUID.fullmatch(name)
        _, headers, _ = ask(raw, "headers", **{"x-request-id": "theirs", "x-ms-client-request-id": "C"})
        assert [value for name, value in headers if name == "x-request-id"] == ["theirs"]
        assert [value for name, value in headers if name == "x-ms-client-request-id"] == ["C"]

    def test_what_goes_as_json_says_so(self, raw: Container, server: str) -> None:
        status, headers, body = ask(raw, "typed")
        assert (status, body.replace(b" ", b""), ("x-one", "1") in headers) == (200, b'{"a":1}', True)
        types = [value for name, value in headers if name == "content-type"]
        # Azure ML's server sends the script's type as a second header.
        assert types == (["application/json"] if server == "envbuild" else ["application/json", "text/x"])

    @pytest.mark.parametrize(("what", "status"), [("gone", 204), ("unchanged", 304)])
    def test_an_answer_without_a_body_leaves_the_connection_to_the_next(
        self, raw: Container, what: str, status: int
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", raw.port, timeout=60)
        try:
            for asked, expected in ((what, (status, "")), ("text", (200, "caf\u00e9"))):
                connection.request("POST", f"/score?what={asked}", body=b"")
                answer = connection.getresponse()
                assert (answer.status, answer.read().decode()) == expected
        finally:
            connection.close()

    @pytest.mark.parametrize("query", ["beyond&status=0", "named&name=X+A&value=1", "named&name=X-A&value=a%00b"])
    def test_an_answer_that_http_has_no_form_for_is_500(self, raw: Container, server: str, query: str) -> None:
        status, headers, body = ask(raw, query)
        assert status == 500
        if server == "envbuild":
            # Azure ML's server leaves it to gunicorn, which has a page of its own for it.
            assert (FAILED in body.decode(), (ENDS, "True") in headers) == (True, True)
            assert "run() answered with " in raw.logs()

    def test_an_error_is_500_and_the_next_request_is_answered(self, raw: Container) -> None:
        status, headers, body = ask(raw, "s3cr3t")
        assert (status, FAILED in body.decode(), b"s3cr3t" in body) == (500, True, False)
        assert (ENDS, "True") in headers
        assert ask(raw, "text")[0] == 200
        assert "RuntimeError: what is s3cr3t" in raw.logs()


class Streams:
    """Answers that are sent while they are made."""

    def test_a_part_is_sent_as_soon_as_it_is_there(self, raw: Container) -> None:
        headers, first, between = _listen(raw, "stream")
        assert first == b"one\n"
        assert between > 0.7
        assert headers["content-type"] == "text/event-stream"
        assert headers[ENDS] == "False"

    def test_a_generator_is_a_stream(self, raw: Container, server: str) -> None:
        if server == "azureml":
            # Azure ML's server takes no generator but an AMLResponse's.
            status, _, body = ask(raw, "generator")
            assert (status, INTERNAL in body.decode()) == (500, True)
            return
        headers, first, between = _listen(raw, "generator")
        assert first == b"one\n"
        assert between > 0.7
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert float(headers[TOOK]) >= 0
        assert ask(raw, "bytes")[2] == b"12"
        assert ask(raw, "nothing")[2] == b""

    def test_one_that_breaks_off_does_not_look_whole(self, raw: Container, server: str) -> None:
        if server == "envbuild":
            with pytest.raises(http.client.IncompleteRead) as broken:
                ask(raw, "breaks")
            assert broken.value.partial == b"2"
            assert "run() streams texts or bytes, and one part is float" in raw.logs()
            assert BROKEN_OFF in raw.logs()
        else:
            assert ask(raw, "breaks")[0] == 500
        # One that never begins is an error like any other.
        assert ask(raw, "fails")[0] == 500
        assert ask(raw, "text")[0] == 200

    def test_a_script_that_leaves_fails_its_request_and_nothing_else(self, raw: Container) -> None:
        assert ask(raw, "exit")[0] == 500
        # Azure ML's server begins anew with the script, in another process.
        assert ask(raw, "text")[0] == 200


def _listen(container: Container, what: str) -> tuple[dict[str, str], bytes, float]:
    """The headers, the first part, and how many seconds later the stream ended with the second."""
    connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=60)
    try:
        connection.request("POST", f"/score?what={what}", body=b"")
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        assert (answer.status, headers["transfer-encoding"]) == (200, "chunked")
        first, at = answer.read1(), time.monotonic()
        assert answer.read() == b"two\n"
        return headers, first, time.monotonic() - at
    finally:
        connection.close()
