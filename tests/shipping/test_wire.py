"""The little HTTP that is spoken to an engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.shipping.wire import Answer, BrokenAnswerError, Connection


@pytest.fixture
def answering(tmp_path: Path) -> Callable[[bytes], Connection]:
    """A connection to a server that answers with the given bytes, one connection long."""

    def start(said: bytes) -> Connection:
        path = tmp_path / "engine.sock"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen(1)

        def serve() -> None:
            with server, server.accept()[0] as peer:
                peer.recv(65536)
                peer.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        return Connection(str(path), 5.0)

    return start


def asked(connection: Connection) -> Answer:
    connection.request("GET", "/x")
    return connection.answer()


def test_a_body_of_known_length_is_read_to_its_end(answering: Callable[[bytes], Connection]) -> None:
    answer = asked(answering(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nA: b \r\n\r\nhelloHTTP/1.1 204 No\r\n\r\n"))
    assert (answer.status, answer.header("a"), answer.read(3), answer.finished) == (200, "b", b"hel", False)
    assert (answer.read(100), answer.finished, answer.closes) == (b"lo", True, False)


def test_chunks_are_put_together_and_trailers_passed_over(answering: Callable[[bytes], Connection]) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\nA\r\nlo world!!\r\n0\r\nT: r\r\n\r\n"
    answer = asked(answering(said + b"HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"))
    assert (answer.read(1000), answer.finished) == (b"hello world!!", True)


def test_the_end_of_the_connection_ends_a_body_without_a_length(answering: Callable[[bytes], Connection]) -> None:
    answer = asked(answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nall of it"))
    buffer = bytearray(4)
    assert (answer.readinto(buffer), bytes(buffer)) == (4, b"all ")
    assert (answer.read(100), answer.finished, answer.closes) == (b"of it", True, True)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_whole_answer_is_an_error(said: bytes, answering: Callable[[bytes], Connection]) -> None:
    connection = answering(said)
    with pytest.raises(BrokenAnswerError):
        asked(connection).read(1000)
    connection.close()


def test_no_line_break_gets_into_a_request(answering: Callable[[bytes], Connection]) -> None:
    with pytest.raises(ValueError, match="not to be sent"):
        answering(b"").request("GET", "/x HTTP/1.1\r\nX: y")


def test_hanging_up_wakes_whoever_waits(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(tmp_path / "silent.sock"))
    server.listen(1)
    connection = Connection(str(tmp_path / "silent.sock"), 60.0)
    connection.request("GET", "/x")
    failed = threading.Event()

    def wait() -> None:
        with pytest.raises(OSError):
            connection.answer()
        failed.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(0.2)
    connection.close()
    assert failed.wait(5.0)
    server.close()
