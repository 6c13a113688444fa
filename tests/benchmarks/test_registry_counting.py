"""Counting what goes to a registry: nothing of it is lost, altered or counted twice."""

from __future__ import annotations

import http.client
import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.registry.counting import counted


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that a test breaks off is nothing to print."""


@contextmanager
def echoing() -> Iterator[str]:
    """A server that answers with what it is sent."""
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_everything_is_passed_on_and_what_a_client_sends_is_counted() -> None:
    body = os.urandom(3_000_001)
    with echoing() as address, counted(address) as counter:
        assert counter.sent == 0
        connection = http.client.HTTPConnection(counter.address, timeout=20)
        for turn in (1, 2):
            connection.request("PUT", "/v2/", body=body)
            answer = connection.getresponse()
            assert (answer.status, answer.read() == body) == (201, True)
            # The headers of such a request, and not one more copy of the body.
            assert turn * len(body) < counter.sent < turn * (len(body) + 500)
        connection.close()


def test_connections_side_by_side_are_counted_together() -> None:
    body = os.urandom(400_000)

    def ask(address: str) -> None:
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request("PUT", "/v2/", body=body)
        assert connection.getresponse().read() == body
        connection.close()

    with echoing() as address, counted(address) as counter:
        threads = [threading.Thread(target=ask, args=(counter.address,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 8 * len(body) < counter.sent < 8 * (len(body) + 500)


def test_a_connection_that_the_server_breaks_off_is_broken_off_for_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with counted(address) as counter, socket.create_connection(("127.0.0.1", _port(counter.address))) as client:
            server, _ = listening.accept()
            client.sendall(b"half")
            assert server.recv(4) == b"half"
            server.close()
            client.settimeout(10)
            assert client.recv(1) == b""


def test_a_client_is_sent_away_where_no_registry_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        gone = f"127.0.0.1:{listening.getsockname()[1]}"
    with counted(gone) as counter, socket.create_connection(("127.0.0.1", _port(counter.address))) as client:
        client.settimeout(10)
        assert client.recv(1) == b""
        assert counter.sent == 0


def test_the_port_is_closed_in_the_end_and_open_connections_with_it() -> None:
    with echoing() as address:
        with counted(address) as counter:
            client = socket.create_connection(("127.0.0.1", _port(counter.address)))
            client.sendall(b"PUT")
            while counter.sent < 3:
                time.sleep(0.01)
        client.settimeout(10)
        assert client.recv(1) == b""
        client.close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", _port(counter.address)))


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
