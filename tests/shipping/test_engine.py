from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import EngineError
from envbuild.shipping import engine as engine_module
from envbuild.shipping.endpoint import Endpoint
from envbuild.shipping.engine import EngineInfo, RefusedError, connect
from envbuild.shipping.unix import UnixEngine

Send = Callable[[Any, int, Any], None]


def test_an_engine_is_found_by_docker_host(clean: Path, daemon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{daemon.path}")

    found = connect(required=True)

    assert found is not None
    assert found.address == f"unix://{daemon.path}"
    assert found.info().title == "docker 20.10.24"
    found.close()


def test_podmans_socket_is_taken_where_docker_does_not_answer(
    clean: Path, daemon: Any, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    def ping(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("API-Version", "1.41")
        handler.send_header("Libpod-API-Version", "4.3.1")
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"OK")

    daemon.answers["GET /_ping"] = ping
    ends = [Endpoint(socket="/nowhere/docker.sock"), Endpoint(socket=str(daemon.path))]
    monkeypatch.setattr(engine_module, "candidates", lambda: iter(ends))

    found = connect(required=True)

    assert found is not None
    assert found.info().product == "podman"
    found.close()


def test_without_any_engine_the_answer_is_none_or_an_error_with_a_way_out(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "candidates", lambda: iter(()))

    assert connect(required=False) is None
    with pytest.raises(EngineError, match="no container engine was found") as caught:
        connect(required=True)
    assert "--output oci-archive=" in caught.value.hint


def test_a_socket_that_nobody_listens_on_is_named(clean: Path, sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = sockets / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{dead}")

    assert connect(required=False) is None
    with pytest.raises(EngineError, match=str(dead)) as caught:
        connect(required=True)
    assert "start the daemon" in caught.value.hint


def test_a_socket_that_is_silent_is_given_up_on_soon(
    clean: Path, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = sockets / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(silent))
        listener.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{silent}")
        start = time.monotonic()
        assert connect(required=False) is None
        assert time.monotonic() - start < 5
        with pytest.raises(EngineError, match="does not answer"):
            UnixEngine(str(silent), timeout=0.2)


def test_what_is_no_engine_is_not_taken_for_one(daemon: Any, send: Send) -> None:
    daemon.answers["GET /_ping"] = lambda handler: send(handler, 500, "no")

    with pytest.raises(EngineError, match="no container engine"):
        UnixEngine(str(daemon.path))


def test_a_socket_that_is_forbidden_tells_of_the_docker_group(daemon: Any, sockets: Path, tmp_path: Path) -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to become somebody else")
    daemon.path.chmod(0o600)
    sockets.chmod(0o755)
    code = (
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "from envbuild.shipping.engine import connect\n"
        "from envbuild.errors import EngineError\n"
        "assert connect(required=False) is None\n"
        "try: connect(required=True)\n"
        "except EngineError as error: print(error.message, '|', error.hint)\n"
    )
    # Everything is imported before the change of user, who may not read the checkout.
    code = "import envbuild.shipping.engine, envbuild.shipping.unix, encodings.idna\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"DOCKER_HOST": f"unix://{daemon.path}", "HOME": "/"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(engine_module.__file__).parents[2],
    )

    assert f"{daemon.path} may not be opened" in done.stdout, done.stderr
    assert "docker group" in done.stdout
    assert "--output oci-archive=" in done.stdout


def test_finding_an_engine_imports_nothing_heavy() -> None:
    code = (
        "import sys, envbuild.shipping.engine, envbuild.shipping.unix, envbuild.shipping.load\n"
        "print([m for m in ('docker', 'requests', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_containerd_store_is_told_by_its_driver() -> None:
    info = EngineInfo.of(
        {"ID": "x", "ServerVersion": "29.0.1", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]},
        product="docker",
    )

    assert info.store == "containerd"


def test_an_image_that_is_not_there_is_none(daemon: Any) -> None:
    assert UnixEngine(str(daemon.path)).inspect_image("docker.io/library/x:1") is None
    assert daemon.requests[-1] == "GET /images/docker.io/library/x%3A1/json"


def chunks(count: int = 100) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 65536
        yield b""


def test_an_archive_arrives_whole_and_the_words_come_back(daemon: Any, send: Send) -> None:
    def load(handler: Any) -> None:
        daemon.read_body(handler)
        send(handler, 200, '{"stream":"Loaded image: x:1\\n"}\n{"status":"done"}\nnoise\n')

    daemon.answers["POST /images/load"] = load

    assert UnixEngine(str(daemon.path)).load(chunks()) == ["Loaded image: x:1", "done"]
    assert daemon.received == 100 * 65536
    assert daemon.ended_well


def test_an_engine_that_talks_while_it_listens_blocks_nobody(daemon: Any) -> None:
    def load(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(200):  # far more than a socket holds
            handler.wfile.write(b'{"status":"' + b"p" * 20_000 + b'"}\n')
            handler.wfile.flush()
        daemon.read_body(handler)
        handler.wfile.write(b'{"stream":"Loaded"}\n')
        handler.close_connection = True

    daemon.answers["POST /images/load"] = load

    assert UnixEngine(str(daemon.path)).load(chunks())[-1] == "Loaded"


@pytest.mark.parametrize(
    "line",
    [
        '{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}',
        '{"errorDetail":{"message":"no space left on device"}}',
        '{"stream":"Error unpacking x: no space left on device"}',
    ],
)
def test_a_failure_in_the_middle_of_an_answer_is_an_error_in_the_engines_words(
    daemon: Any, send: Send, line: str
) -> None:
    def load(handler: Any) -> None:
        daemon.read_body(handler)
        send(handler, 200, '{"status":"Loading"}\n' + line + "\n")

    daemon.answers["POST /images/load"] = load

    with pytest.raises(RefusedError, match="no space left on device") as caught:
        UnixEngine(str(daemon.path)).load(chunks())
    assert "free space on the engine's disk" in caught.value.hint


def test_a_refusal_before_the_archive_is_read_is_heard(daemon: Any, send: Send) -> None:
    def load(handler: Any) -> None:
        send(handler, 500, {"message": "not today"})
        handler.close_connection = True

    daemon.answers["POST /images/load"] = load
    endless = (b"x" * 65536 for _ in iter(int, 1))

    with pytest.raises(RefusedError, match="not today"):
        UnixEngine(str(daemon.path)).load(endless)


def test_a_daemon_that_stops_in_the_middle_is_an_engine_error(daemon: Any) -> None:
    def load(handler: Any) -> None:
        daemon.read_body(handler, limit=500_000)
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    daemon.answers["POST /images/load"] = load

    with pytest.raises(EngineError, match="broke off") as caught:
        UnixEngine(str(daemon.path)).load(chunks(1000))
    assert not isinstance(caught.value, RefusedError)
    assert "daemon" in caught.value.hint


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupted_load_never_ends_the_archive_well(daemon: Any, failure: type[BaseException]) -> None:
    over = threading.Event()

    def load(handler: Any) -> None:
        try:
            daemon.read_body(handler)
        finally:
            over.set()

    daemon.answers["POST /images/load"] = load

    def broken() -> Iterator[bytes]:
        yield b"x" * 1000
        raise failure

    with pytest.raises(failure):
        UnixEngine(str(daemon.path)).load(broken())
    assert over.wait(5)
    assert daemon.received == 1000
    assert not daemon.ended_well


def test_a_kept_connection_that_the_engine_closed_is_opened_anew(daemon: Any, send: Send) -> None:
    def closing(handler: Any) -> None:
        send(handler, 200, {"Id": "sha256:1"})
        handler.close_connection = True

    daemon.answers["GET /images/x/json"] = closing
    engine = UnixEngine(str(daemon.path))

    assert engine.inspect_image("x") == engine.inspect_image("x") == {"Id": "sha256:1"}


def test_an_image_that_ends_early_while_it_is_saved_is_an_error(daemon: Any) -> None:
    def save(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"400\r\n" + b"x" * 100)
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    daemon.answers["GET /images/get"] = save

    with UnixEngine(str(daemon.path)).save("x") as stream, pytest.raises(EngineError, match="stopped while it saved"):
        stream.read()


def test_a_malformed_answer_is_an_engine_error(daemon: Any, send: Send) -> None:
    daemon.answers["GET /images/x/json"] = lambda handler: send(handler, 200, "{")

    with pytest.raises(EngineError, match="broke off"):
        UnixEngine(str(daemon.path)).inspect_image("x")
