"""Models that hang, raise, or end their process, and clients that are slow or gone: others do not notice."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

SCRIPT = """
import os, signal, time

def init():
    pass

def run(word):
    if word == "hang":
        time.sleep(3600)
    if word == "sleep":
        time.sleep(0.5)
    if word == "raise":
        raise RuntimeError("the secret is " + word)
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "exit":
        os._exit(7)
    if word == "sysexit":
        raise SystemExit(9)
    if word == "object":
        return object()
    if word == "stream":
        return (b"x" * (1 << 20) for _ in range(300))
    if word == "print":
        print("printed by the script")
    return os.getpid()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("script")
    (found / "score.py").write_text(SCRIPT)
    return found


@pytest.fixture
def faulty(start, folder):
    def run(**variables):
        place = {"AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "WORKER_TIMEOUT": "2"}
        return start(**{**place, **variables}).wait_until_up()

    return run


def say(server, word, **headers):
    return server.post("/score", word.encode(), **headers)


def answering(server):
    """The process that answers."""
    return say(server, "who").json


def test_a_prediction_past_its_time_is_answered_and_its_worker_replaced(faulty):
    server = faulty()
    first = answering(server)
    with ThreadPoolExecutor(4) as pool:
        hanging = pool.submit(say, server, "hang")
        time.sleep(0.3)
        others = [pool.submit(say, server, "who") for _ in range(3)]
        late = hanging.result()
        assert (late.status, late.json) == (500, {"message": "Scoring timeout after 2000 ms"})
        assert late.headers["x-ms-run-function-failed"] == "True"
        # Those behind it were never at fault: the new worker answers them.
        assert {reply.result().status for reply in others} == {200}
    assert answering(server) != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert "took longer than 2 s" in server.log
    assert "envbuild_timeouts_total 1.0" in server.get("/metrics").text


def test_the_shorter_of_two_times_holds(faulty):
    late = say(faulty(WORKER_TIMEOUT="300", SCORING_TIMEOUT_MS="300"), "hang")
    assert (late.status, late.json) == (500, {"message": "Scoring timeout after 300 ms"})


@pytest.fixture(scope="module")
def shared(start, folder):
    return start(AML_APP_ROOT=str(folder), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()


@pytest.mark.parametrize(("word", "ending"), [("kill", "SIGKILL"), ("exit", "exit code 7")])
def test_what_ends_its_process_is_an_answered_request_and_another_process(shared, word, ending):
    first = answering(shared)
    reply = say(shared, word)
    assert reply.status == 500
    assert ending in reply.json["message"]
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert answering(shared) != first
    assert ending in shared.log
    assert shared.popen.poll() is None


@pytest.mark.parametrize("word", ["raise", "object", "sysexit"])
def test_what_is_raised_is_500_and_stays_in_the_log(shared, word):
    first = answering(shared)
    reply = say(shared, word, x_request_id=f"abc-{word}")
    assert reply.status == 500
    assert reply.json == {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}
    assert answering(shared) == first
    records = [json.loads(line) for line in shared.log.splitlines() if "Traceback" in line]
    (record,) = [record for record in records if record.get("request_id") == f"abc-{word}"]
    assert record["level"] == "ERROR"


def test_what_is_printed_is_a_log_line(shared):
    say(shared, "print")
    assert any(json.loads(line)["message"] == "printed by the script" for line in shared.log.splitlines())


def test_slow_and_half_sent_bodies_hold_no_worker(faulty):
    server = faulty(ENVBUILD_BODY_SECONDS="2")
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for connection in slow:
        connection.sendall(head)
    started = time.monotonic()
    assert say(server, "who").status == 200
    assert time.monotonic() - started < 1
    slow[0].close()
    slow[1].settimeout(10)
    answer = slow[1].recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 408")
    for connection in slow[1:]:
        connection.close()
    assert say(server, "who").status == 200
    assert "Traceback" not in server.log


def test_a_client_that_reads_a_stream_slowly_holds_no_worker_and_little_memory(faulty):
    server = faulty(WORKER_TIMEOUT="60")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nstream")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        started = time.monotonic()
        assert say(server, "who").status == 200
        assert time.monotonic() - started < 10
        status = Path(f"/proc/{server.popen.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
        assert peak < 250_000
        received = 15
        while part := connection.recv(1 << 20):
            received += len(part)
    # Broken off, so that nobody takes it for the whole.
    assert received < 200 << 20
    assert "its client reads too slowly" in server.log


def test_a_client_that_is_gone_leaves_its_place_in_the_queue(faulty):
    server = faulty(WORKER_TIMEOUT="30")
    body = b"sleep"
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    gone = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(head % len(body) + body)
        gone.append(connection)
    time.sleep(0.2)
    for connection in gone:
        connection.close()
    started = time.monotonic()
    assert say(server, "who").status == 200
    # Twenty of them would take ten seconds.
    assert time.monotonic() - started < 3


def test_a_full_queue_refuses_and_says_when_to_come_again(faulty):
    server = faulty(ENVBUILD_MAX_QUEUE="2", WORKER_TIMEOUT="30")
    with ThreadPoolExecutor(8) as pool:
        replies = [reply.result() for reply in [pool.submit(say, server, "sleep") for _ in range(8)]]
    statuses = sorted(reply.status for reply in replies)
    assert statuses[:3] == [200, 200, 200]
    refused = [reply for reply in replies if reply.status != 200]
    assert refused
    for reply in refused:
        assert reply.status == 503
        assert reply.headers["retry-after"] == "1"
        assert "2 requests wait already" in reply.json["message"]


def test_until_it_is_loaded_the_server_lives_and_is_not_ready(start, tmp_path):
    (tmp_path / "score.py").write_text("import time\ntime.sleep(3)\n" + SCRIPT)
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py")
    end = time.monotonic() + 30
    while True:
        try:
            reply = server.get("/ping")
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert reply.status == 503
    refused = say(server, "who")
    assert refused.status == 503
    assert "being loaded" in refused.json["message"]
    server.wait_until_up(path="/ping")
    assert say(server, "who").status == 200


def test_sigterm_under_load_loses_no_request_that_was_taken(faulty):
    server = faulty(WORKER_COUNT="2")
    stop = threading.Event()
    outcomes = []

    def client():
        while not stop.is_set():
            try:
                outcomes.append(say(server, "who").status)
            except ConnectionRefusedError:
                return
            except OSError as error:
                if isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                    return
                outcomes.append(error)

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(client) for _ in range(8)]
        time.sleep(1)
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(30) == 0
        stop.set()
        for future in running:
            future.result()
    assert len(outcomes) > 100
    assert set(outcomes) == {200}


def test_connections_kept_open_are_told_of_the_end(faulty):
    server = faulty(ENVBUILD_DRAIN_MS="3000")
    body = b"who"
    request = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        first = b""
        while not first.split(b"\r\n\r\n")[-1].isdigit():
            first += connection.recv(1 << 16)
        assert b"connection: close" not in first.lower()
        server.popen.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(request)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer.lower()
    assert server.popen.wait(10) == 0


def test_no_worker_outlives_the_server(faulty):
    server = faulty()
    pid = answering(server)
    server.popen.kill()
    server.popen.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("the worker is still there")


def test_a_worker_that_cannot_load_any_more_ends_the_server(start, tmp_path):
    gate = tmp_path / "gate"
    (tmp_path / "score.py").write_text(
        f"import os\nif os.path.exists({str(gate)!r}): raise RuntimeError('gone')\n" + SCRIPT
    )
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    gate.touch()
    assert say(server, "kill").status == 500
    assert server.popen.wait(60) == 3
    assert "RuntimeError: gone" in server.log
