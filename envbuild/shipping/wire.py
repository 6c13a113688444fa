"""As much of HTTP/1.1 as a container engine speaks over its unix socket.

The standard library's client loads TLS and e-mail with it, which takes longer than all questions of a build that
changes nothing.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_LINE = 65536  # bytes of a line that are accepted
_HEADERS = 200
_PIECE = 1 << 16


class BrokenAnswerError(ConnectionError):
    """The other side ended an answer too early, or sent what is no HTTP."""


class Connection:
    """A connection that is opened by the first request and serves one request after the other.

    `timeout` is in seconds, of silence. Raises OSError; each answer must be read to its end before the next request.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self.timeout = timeout
        self.socket: socket.socket | None = None
        self._incoming: io.BufferedReader | None = None

    def request(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> socket.socket:
        """Send the head of a request, and give the socket that a body is to be sent to."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if any(not line.isprintable() for line in lines):
            raise ValueError(f"not to be sent in a request: {target!r}")
        wire = self._open()
        wire.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        return wire

    def answer(self) -> Answer:
        """The answer to the request, its body still to be read."""
        if self._incoming is None:
            raise BrokenAnswerError("nothing was asked")
        answer = Answer(self._incoming)
        while 100 <= answer.status < 200:  # says that the real one is to come
            answer = Answer(self._incoming)
        return answer

    def close(self) -> None:
        """Hang up, also on a thread that waits for an answer. The next request opens anew."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
        if self._incoming is not None:
            self._incoming.close()
        if self.socket is not None:
            self.socket.close()
        self.socket = self._incoming = None

    def _open(self) -> socket.socket:
        wire = self.socket
        if wire is None:
            wire = self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            wire.settimeout(self.timeout)
            wire.connect(self._path)
            self._incoming = wire.makefile("rb")
        wire.settimeout(self.timeout)
        return wire


class Answer:
    """A status, headers, and a body that is read once. `finished` tells that it was, to its end.

    `closes` tells that the connection cannot be used again. Raises BrokenAnswerError for a body that ends early.
    """

    def __init__(self, incoming: io.BufferedReader) -> None:
        self._incoming = incoming
        version, _, rest = self._line().partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (len(code) == 3 and code.isascii() and code.isdigit()):
            raise BrokenAnswerError("what answers does not speak HTTP")
        self.status = int(code)
        self._headers = self._read_headers()
        self._chunked = "chunked" in self.header("Transfer-Encoding").lower()
        length = self.header("Content-Length").strip()
        # Bytes still to come of the body or of the chunk; None where the end of the connection ends the body.
        self._left: int | None = None
        if self._chunked or self.status in (204, 304) or self.status < 200:
            self._left = 0
        elif length:
            if not (length.isascii() and length.isdigit()):
                raise BrokenAnswerError(f"the answer says that it has {length!r} bytes")
            self._left = int(length)
        self.finished = self._left == 0 and not self._chunked
        self.closes = self._left is None or version == "HTTP/1.0" or "close" in self.header("Connection").lower()

    def header(self, name: str) -> str:
        """A header by its name in any case, empty where there is none."""
        return self._headers.get(name.lower(), "")

    def read(self, limit: int) -> bytes:
        """The rest of the body, at most `limit` bytes of it."""
        pieces: list[bytes] = []
        while limit > 0 and (piece := self._piece(min(limit, _PIECE))):
            pieces.append(piece)
            limit -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next, and return its length; 0 at the end."""
        view = memoryview(buffer)
        piece = self._piece(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def _piece(self, size: int) -> bytes:
        """At least one byte and at most `size`, or nothing at the end."""
        if self.finished or size <= 0:
            return b""
        if self._chunked and self._left == 0 and not self._next_chunk():
            self.finished = True
            return b""
        piece = self._incoming.read1(size if self._left is None else min(size, self._left))
        if self._left is None:
            self.finished = not piece
            return piece
        if not piece:
            raise BrokenAnswerError("the answer broke off")
        self._left -= len(piece)
        if self._left == 0:
            if self._chunked:
                self._line()
            else:
                self.finished = True
        return piece

    def _next_chunk(self) -> bool:
        """Read the size of the next chunk; False behind the last one, whose trailers are read too."""
        text = self._line().partition(";")[0].strip()
        try:
            self._left = int(text, 16)
        except ValueError:
            raise BrokenAnswerError(f"a part of the answer says that it has {text[:20]!r} bytes") from None
        if self._left == 0:
            self._read_headers()
        return self._left > 0

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(_HEADERS):
            line = self._line()
            if not line:
                return headers
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        raise BrokenAnswerError("the answer has too many headers")

    def _line(self) -> str:
        line = self._incoming.readline(_LINE)
        if not line.endswith(b"\n"):
            raise BrokenAnswerError("the answer broke off" if len(line) < _LINE else "what answers does not speak HTTP")
        return line.decode("latin-1").rstrip("\r\n")
