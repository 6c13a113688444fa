"""A question to a server that answers, says no, breaks off, or is not there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import serving
from benchmarks.asking import post
from benchmarks.errors import BenchError
from benchmarks.needs import free_port


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port on which the next connection gets `answer` and is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_the_status_and_body_of_an_answer_are_told() -> None:
    with answering(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno") as port:
        assert post(port, "/score", b"{}", patience=5) == (422, b"no")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno"])
def test_a_connection_that_breaks_is_no_answer(answer: bytes) -> None:
    with answering(answer) as port:
        assert post(port, "/score", b"{}", patience=5) is None


def test_nothing_that_listens_is_no_answer() -> None:
    assert post(free_port(), "/score", b"{}", patience=5) is None


@pytest.mark.parametrize(("status", "found"), [(200, 7), (502, None), (503, None)])
def test_a_container_is_asked_until_what_is_behind_its_proxy_answers(status: int, found: int | None) -> None:
    with answering(b"HTTP/1.1 %d Told\r\nContent-Length: 1\r\n\r\n7" % status) as port:
        assert serving._ask(port, "/invocations", b"{}") == found


def test_an_answer_that_says_no_ends_the_run() -> None:
    with (
        answering(b"HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nwhy") as port,
        pytest.raises(BenchError, match="/invocations answered 400: why"),
    ):
        serving._ask(port, "/invocations", b"{}")
