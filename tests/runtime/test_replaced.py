"""Workers that end or hang while several requests are theirs: each request is answered, by whomever is left."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest

from envbuild.runtime.front import pool as pools
from envbuild.runtime.front.metrics import Metrics
from envbuild.runtime.settings import Settings
from envbuild.runtime.wire import Ready, pack_ready

SCRIPT = """
import os, signal, socket, sys, time

def init():
    gate = os.environ.get("SLOW_AFTER")
    if gate and os.path.exists(gate):
        time.sleep(6)

def parts(last):
    yield "a"
    if last == "hang":
        time.sleep(3600)
    if last == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    yield "b"

def run(word):
    if word.startswith("stream-"):
        return parts(word.partition("-")[2])
    if word == "hang":
        time.sleep(3600)
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "deaf":
        for number in os.listdir("/proc/self/fd"):
            if os.path.realpath(f"/proc/self/fd/{number}").rpartition("/")[2].startswith("socket:"):
                socket.socket(fileno=int(number)).shutdown(socket.SHUT_RDWR)
        time.sleep(3600)
    if word == "fork":
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "sleep":
        time.sleep(1)
    return os.getpid()
"""


@pytest.fixture
def server(start, tmp_path):
    def run(**variables):
        (tmp_path / "score.py").write_text(SCRIPT)
        place = {"AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py", "WORKER_TIMEOUT": "2"}
        return start(**{**place, **variables}).wait_until_up(path="/ping")

    return run


def say(server, word):
    """The status and the text, or what became of the connection."""
    try:
        reply = server.post("/score", word.encode())
    except (http.client.HTTPException, urllib.error.URLError) as error:
        return type(error).__name__, ""
    return reply.status, reply.text


def batch(server, *words):
    """Ask in this order, close enough for a batch."""
    with ThreadPoolExecutor(len(words)) as pool:
        running = []
        for word in words:
            running.append(pool.submit(say, server, word))
            time.sleep(0.1)
        return [future.result(30) for future in running]


BATCHES = {"ENVBUILD_BATCH_MAX_SIZE": "2", "ENVBUILD_BATCH_MAX_DELAY_MS": "1000"}


@pytest.mark.network
@pytest.mark.slow
def test_one_that_hangs_behind_a_stream_of_its_batch_is_told_so(server):
    streamed, hanging = batch(server(**BATCHES), "stream-end", "hang")
    assert streamed == (200, "ab")
    assert hanging == (500, '{"message":"Scoring timeout after 2000 ms"}')


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("ending", ["hang", "kill"])
def test_a_stream_that_comes_to_grief_is_broken_off_and_its_batch_asked_again(server, ending):
    broken, other = batch(server(**BATCHES), f"stream-{ending}", "who")
    assert broken == ("IncompleteRead", "")
    assert other[0] == 200


@pytest.mark.network
@pytest.mark.slow
def test_what_a_worker_leaves_behind_goes_to_one_that_is_free(server, tmp_path):
    gate = tmp_path / "gate"
    three = server(**BATCHES, WORKER_COUNT="3", SLOW_AFTER=str(gate))
    end = time.monotonic() + 30
    while "envbuild_workers_ready 3.0" not in three.get("/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.05)
    gate.touch()
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        pool.submit(say, three, "kill")
        time.sleep(0.1)
        other = pool.submit(say, three, "who")
        assert other.result(30)[0] == 200
        taken = time.monotonic() - started
    # The worker that replaces the first takes longer than that to load.
    assert taken < 5


@pytest.mark.network
def test_the_end_of_a_worker_is_noticed_while_a_process_that_it_forked_goes_on(server):
    forking = server(WORKER_TIMEOUT="60")
    started = time.monotonic()
    status, text = say(forking, "fork")
    assert status == 500
    assert "SIGKILL" in text
    assert time.monotonic() - started < 10


@pytest.mark.network
def test_nothing_is_given_to_a_worker_that_no_longer_listens(server):
    deaf = server(ENVBUILD_MAX_CONCURRENT="2", WORKER_TIMEOUT="60")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(say, deaf, "deaf")
        time.sleep(0.5)
        assert say(deaf, "who")[0] == 200
        assert first.result(30)[0] == 500


@pytest.mark.network
def test_clients_that_left_take_no_place_of_a_full_queue(server):
    busy = server(ENVBUILD_MAX_QUEUE="3", WORKER_TIMEOUT="60")
    connections = []
    for _ in range(4):
        connection = socket.create_connection(("127.0.0.1", busy.port))
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nsleep")
        connections.append(connection)
        time.sleep(0.05)
    for connection in connections[1:]:
        connection.close()
    time.sleep(0.2)
    assert say(busy, "who")[0] == 200
    connections[0].close()


def test_a_worker_that_cannot_be_started_for_a_moment_is_started_later(monkeypatch):
    ready = pack_ready(Ready(0.1))
    program = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.sendall(%r); %s"
    launched = []

    def launch():
        launched.append(None)
        if len(launched) == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        ours, theirs = socket.socketpair()
        code = program % (ready, "s.recv(1)" if len(launched) > 1 else "sys.exit(1)")
        command = [sys.executable, "-I", "-c", code, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=dict(os.environ))
        theirs.close()
        ours.setblocking(False)
        return process, ours

    monkeypatch.setattr(pools, "launch", launch)
    codes = []

    async def run():
        pool = pools.Pool(Settings(), Metrics(), codes.append)
        await pool.start()
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if len(launched) == 3 and pool.ready:
                break
        assert pool.ready
        await pool.close()

    asyncio.run(run())
    assert codes == []
