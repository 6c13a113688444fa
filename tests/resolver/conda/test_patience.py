"""Channels that answer with half a list, a page or an error: asked again within a bound, and then told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import NetworkError
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.specs import ask_of


class Faulty:
    """A server of a channel whose answers for the list of one platform's packages are spoilt, the first `times`."""

    def __init__(self, folder: Path) -> None:
        self.fault, self.times = "", 0
        self.asked: dict[str, int] = {}
        faulty = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

            def do_GET(self) -> None:
                path = folder / self.path.lstrip("/")
                if not path.is_file():
                    return self._send(404, b"", 0)
                data = path.read_bytes()
                count = faulty.asked[self.path] = faulty.asked.get(self.path, 0) + 1
                if count > faulty.times or self.path != "/linux-64/repodata_shards.msgpack.zst":
                    return self._send(200, data, len(data))
                if faulty.fault == "half":
                    self.close_connection = True
                    return self._send(200, data[: len(data) // 2], len(data))
                if faulty.fault == "page":
                    page = b"<html><body>Welcome: please log in</body></html>"
                    return self._send(200, page, len(page))
                return self._send(int(faulty.fault), b"", 0)

            def _send(self, status: int, data: bytes, size: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(size))
                self.end_headers()
                with suppress(OSError):  # of two lists the other one's fault was enough
                    self.wfile.write(data)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "channel"
    tinyconda.make_python(folder, "3.11.7")
    tinyconda.make_module(folder, "tiny-py", "1.0")
    tinyconda.make_package(folder, "pip", "23.1", depends=("python",))
    tinyconda.index(folder)
    return folder


@pytest.fixture
def channel(made: Path) -> Iterator[Faulty]:
    faulty = Faulty(made)
    yield faulty
    faulty.close()


@pytest.fixture
def names(environment: Any, channel: Faulty, tmp_path: Path) -> Any:
    """What is chosen from the channel, by name."""

    def found() -> list[str]:
        listed = environment("tiny-py", channels=(channel.url,))
        asked = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64")
        return [package.name for package in solve(asked, tmp_path / "cache")[0]]

    return found


@pytest.mark.parametrize("times", [1, 3])
def test_a_list_that_breaks_off_is_asked_for_again(channel: Faulty, names: Any, times: int) -> None:
    channel.fault, channel.times = "half", times
    assert "tiny-py" in names()
    assert max(channel.asked.values()) == times + 1


def test_a_list_that_breaks_off_each_time_is_given_up_and_the_next_run_is_none_the_worse(
    channel: Faulty, names: Any
) -> None:
    channel.fault, channel.times = "half", 99
    with pytest.raises(NetworkError, match="could not be reached") as caught:
        names()
    assert channel.url in caught.value.message
    assert max(channel.asked.values()) == 4
    channel.times = 0
    assert "tiny-py" in names()


def test_a_page_in_the_place_of_a_list_is_told_at_once(channel: Faulty, names: Any) -> None:
    channel.fault, channel.times = "page", 99
    with pytest.raises(NetworkError, match="list of packages is damaged") as caught:
        names()
    assert channel.url in caught.value.message
    assert max(channel.asked.values()) == 1
    channel.times = 0
    assert "tiny-py" in names()


def test_an_error_of_the_server_is_asked_again_and_then_told(channel: Faulty, names: Any) -> None:
    channel.fault, channel.times = "503", 99
    with pytest.raises(NetworkError, match="503"):
        names()
    assert 2 <= max(channel.asked.values()) <= 9
