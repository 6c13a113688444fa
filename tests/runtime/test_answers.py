"""How answers leave the server, and what a client that keeps it waiting is told."""

from __future__ import annotations

import json
import socket
import time
import uuid

import pytest

from envbuild.runtime.front.identifiers import new

SCRIPT = """
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

def run(word):
    if word == "header":
        response = AMLResponse("fine", 200)
        response.headers["x-note"] = "\u2013"
        return response
    return [word] * (100_000 if word == "large" else 1)
"""


@pytest.fixture(scope="module")
def server(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    (folder / "score.py").write_text(SCRIPT)
    place = {"AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "ENVBUILD_BODY_SECONDS": "1"}
    return start(**place).wait_until_up(path="/ping")


def head(length, *lines):
    return "\r\n".join(["POST /score HTTP/1.1", "Host: x", f"Content-Length: {length}", *lines, "\r\n"]).encode()


@pytest.mark.network
def test_head_and_body_of_an_answer_arrive_together(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(20):
            connection.sendall(head(4) + b"word")
            received = connection.recv(1 << 16)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert received.endswith(b'\r\n\r\n["word"]')


@pytest.mark.network
@pytest.mark.parametrize("word", ["word", "large"])
def test_a_client_that_wants_the_connection_closed_gets_all_of_its_answer_first(server, word):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head(len(word), "Connection: close") + word.encode())
        received = b""
        while part := connection.recv(1 << 16):
            received += part
    said, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in said.lower()
    assert json.loads(body) == [word] * (100_000 if word == "large" else 1)


@pytest.mark.network
def test_several_requests_sent_at_once_are_answered_in_their_order(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"".join(head(2) + b"w%d" % number for number in range(5)))
        received = b""
        while received.count(b"HTTP/1.1 200") < 5 or not received.endswith(b'["w4"]'):
            part = connection.recv(1 << 16)
            assert part, received
            received += part
    positions = [received.index(b'["w%d"]' % number) for number in range(5)]
    assert positions == sorted(positions)


@pytest.mark.network
def test_a_client_that_sends_a_head_and_no_body_is_told_that_it_took_too_long(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head(4))
        started = time.monotonic()
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - started < 8


@pytest.mark.network
def test_a_header_that_http_cannot_carry_is_an_error_of_the_script_that_the_log_shows(server):
    reply = server.post("/score", b"header", x_request_id="h-1")
    assert reply.status == 500
    assert reply.json == {"message": "An unexpected internal error occurred. Check the logs for more info."}
    own = []
    end = time.monotonic() + 10
    # The line of the request follows its answer.
    while not any("status" in record for record in own) and time.monotonic() < end:
        records = [json.loads(line) for line in server.log.splitlines(keepends=True) if line.endswith("\n")]
        own = [record for record in records if record.get("request_id") == "h-1"]
    assert "header" in own[0]["message"]
    assert (own[-1]["logger"], own[-1]["status"]) == ("envbuild_runtime.access", 500)


def test_a_request_without_a_name_gets_a_uuid():
    made = {new() for _ in range(1000)}
    assert len(made) == 1000
    for name in made:
        parsed = uuid.UUID(name)
        assert (str(parsed), parsed.version, parsed.variant) == (name, 4, uuid.RFC_4122)
