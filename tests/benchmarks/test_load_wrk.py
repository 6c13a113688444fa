"""What wrk tells, read from what its script printed; and wrk itself against a server that fails."""

from __future__ import annotations

import http.server
import itertools
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.errors import BenchError
from benchmarks.load import wrk

TEXT = """\
Running 2s test @ http://127.0.0.1:8080/invocations
  1 threads and 8 connections
Requests/sec:    812.50
envbuild-bench {"requests": 1650, "microseconds": 2030769, "connect": 0, "read": 0, "write": 0, "status": 0, \
"timeout": 0, "p50": 9320, "p99": 21904}
"""


def test_the_line_of_the_script_is_read_in_seconds() -> None:
    told = wrk.parse(TEXT, cpu=0.25)
    assert told.requests == 1650
    assert told.requests / told.seconds == pytest.approx(812.5, rel=1e-3)
    assert (told.p50, told.p99, told.cpu) == (0.00932, 0.021904, 0.25)


@pytest.mark.parametrize("kind", ["connect", "read", "write", "status", "timeout"])
def test_a_single_error_of_any_kind_is_one_too_many(kind: str) -> None:
    with pytest.raises(BenchError, match=f"1 x {kind} of 1650 requests went wrong"):
        wrk.parse(TEXT.replace(f'"{kind}": 0', f'"{kind}": 1'), cpu=0.0)


def test_no_answer_and_no_line_are_no_figures() -> None:
    with pytest.raises(wrk.NothingError, match="not one request"):
        wrk.parse(TEXT.replace('"requests": 1650', '"requests": 0'), cpu=0.0)
    with pytest.raises(BenchError, match=r"(?s)wrk told nothing.*unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n", cpu=0.0)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, if the body is the one that was meant."""

    protocol_version = "HTTP/1.1"
    numbers = itertools.cycle((1, 1, 2))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = body == b'{"a": 1}' and self.headers["Content-Type"] == "application/json"
        self.send_response(int(self.path[1:]) if right else 418)
        answer = b'{"predictions": [%d]}\n' % next(self.numbers) if self.path == "/200" else b""
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_wrk_posts_the_body_and_counts_what_is_answered(url: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"a": 1}')
    told = wrk.load(f"{url}/200", body, connections=2, seconds=1)
    assert told.requests > 10
    assert 0.9 < told.seconds < 5
    assert 0 < told.p50 <= told.p99
    with pytest.raises(BenchError, match="x status of"):
        wrk.load(f"{url}/500", body, connections=2, seconds=1)


def test_every_answer_is_told_with_how_often_it_came(url: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"a": 1}')
    found = wrk.answers(f"{url}/200", body, connections=2, seconds=1)
    assert set(found) == {b'{"predictions": [1]}\n', b'{"predictions": [2]}\n'}
    one, two = (found[b'{"predictions": [%d]}\n' % number] for number in (1, 2))
    assert one == pytest.approx(2 * two, abs=4)
    assert one > 10


def test_a_window_without_an_answer_is_taken_again_and_longer() -> None:
    asked: list[int] = []

    def ask(seconds: int) -> int:
        asked.append(seconds)
        if seconds < 8:
            raise wrk.NothingError("not one request")
        return seconds

    assert wrk.patiently(ask, 2) == 8
    assert asked == [2, 4, 8]

    def nothing(seconds: int) -> int:
        raise wrk.NothingError("not one request")

    with pytest.raises(wrk.NothingError):
        wrk.patiently(nothing, 2)
