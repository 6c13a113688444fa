"""A server that remembers who asked it for what, and can be told to ask for a login, to stall, or to break off."""

from __future__ import annotations

import base64
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

Asked = list[tuple[str, str]]
"""The paths that were asked for, each with what the header Authorization said, empty for none."""


def basic(login: str) -> str:
    """What the header says for `user:password`."""
    return "Basic " + base64.b64encode(login.encode()).decode("ascii")


class Door(http.server.SimpleHTTPRequestHandler):
    """Gives its folder's files to whoever says what it `wants`, after `first` was called with the question."""

    asked: Asked
    wants: str
    first: Callable[[Door], bool]

    def send_head(self) -> Any:
        """Called for every question."""
        said = self.headers.get("Authorization", "")
        self.asked.append((self.path, said))
        if type(self).first(self):
            return None
        if self.wants and said != self.wants:
            self.send_error(401)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def door(
    folder: Path, wants: str = "", *, first: Callable[[Door], bool] = lambda _: False, certificate: Path | None = None
) -> Iterator[tuple[str, Asked]]:
    """Serve `folder` on a free loopback port; gives the address, and what is asked, as it is.

    `wants` is what the header Authorization must say. `first` gets each question before, and tells whether it answered.
    With a `certificate`, of the same file as its key, the address is one of https.
    """
    asked: Asked = []
    handler = type("Handler", (Door,), {"asked": asked, "wants": wants, "first": staticmethod(first)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
