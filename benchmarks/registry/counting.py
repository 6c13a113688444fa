"""What goes over the wire to a registry: a port in front of it that passes everything on and counts the bytes.

What a client says that it sent leaves out what it asked, and what it sent twice.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 1 << 18


class Counter:
    """Listens at `address` (HOST:PORT) for the registry at another one."""

    def __init__(self, listening: socket.socket, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._listening = listening
        self._lock = threading.Lock()
        self._sent = 0
        self._open: set[socket.socket] = set()
        self.address = f"127.0.0.1:{listening.getsockname()[1]}"

    @property
    def sent(self) -> int:
        """Bytes that clients have sent so far: requests with their headers and bodies, without what TCP adds."""
        with self._lock:
            return self._sent

    def serve(self) -> None:
        """Take connections until the port is closed."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._connection, args=(client, server), daemon=True).start()

    def close(self) -> None:
        """Break off what is still open."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _connection(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True)
        back.start()
        self._pass_on(client, server, True)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        """Pass on what comes, and its end. Where one side cannot be reached any more, both are broken off."""
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        try:
            while size := source.recv_into(buffer):
                if counts:
                    with self._lock:
                        self._sent += size
                target.sendall(view[:size])
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@contextmanager
def counted(target: str) -> Iterator[Counter]:
    """A port in front of the server at `target` (HOST:PORT), closed on exit."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        counter = Counter(listening, target)
        thread = threading.Thread(target=counter.serve, daemon=True)
        thread.start()
        try:
            yield counter
        finally:
            # A listener that is shut down wakes who waits for it, one that is closed does not.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            counter.close()
