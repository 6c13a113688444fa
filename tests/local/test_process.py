"""A server as a process: where it listens, how it ends, and what it leaves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.errors import ServerError
from envbuild.local import launch
from envbuild.local.addresses import free_port
from envbuild.local.asking import ask
from envbuild.local.on_host import on_host
from envbuild.local.process import Setup, run_code, running

SERVER = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        print("asked", self.path, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer((os.environ["ENVBUILD_HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
Made = Callable[[str], Setup]


def wait(port: int, host: str = "127.0.0.1") -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            ask(host, port, "GET", "/")
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no server")


def test_it_is_told_its_address_and_sees_the_image_s_variables(setup: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("AZUREML_ENTRY_SCRIPT", "mine.py")
    monkeypatch.setenv("MY_SETTING", "kept")
    made, port, heard = setup(SERVER), free_port(), []
    with running(made, "127.0.0.2", port, workers=3, log=heard.append) as process:
        wait(port, "127.0.0.2")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        seen = ask("127.0.0.2", port, "GET", "/").document()
        folder = Path(seen["PYTHONPATH"]).parent
        assert folder.is_dir()
        assert process.stop() == 0
    assert (seen["AZUREML_MODEL_DIR"], seen["MLFLOW_MODEL_FOLDER"]) == (str(made.model.parent), "model")
    assert (seen["WORKER_COUNT"], seen["MY_SETTING"]) == ("3", "kept")
    assert seen["PYTHONPYCACHEPREFIX"] == str(made.environment.bytecode)
    assert not {"PYTHONHASHSEED", "AZUREML_ENTRY_SCRIPT"} & set(seen)
    assert heard[-1] == "asked /"
    assert not folder.exists()


def test_what_the_person_sets_comes_first(setup: Made) -> None:
    made = setup(SERVER)
    done = run_code(made, "import os; print(os.environ['DO_NOT_TRACK'])", seconds=30)
    assert done.stdout == "true\n"
    from dataclasses import replace

    done = run_code(
        replace(made, given=(("DO_NOT_TRACK", "no"),)), "import os; print(os.environ['DO_NOT_TRACK'])", seconds=30
    )
    assert done.stdout == "no\n"


def test_leaving_the_context_stops_it_even_by_an_error(setup: Made) -> None:
    port = free_port()
    with pytest.raises(ZeroDivisionError), running(setup(SERVER), "127.0.0.1", port) as process:
        wait(port)
        raise ZeroDivisionError
    assert process.ended() == 0


def test_one_that_is_deaf_is_killed_after_the_grace_time(setup: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.local.process._MARGIN", 0)
    port = free_port()
    deaf = SERVER.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    with running(setup(deaf), "127.0.0.1", port) as process:
        wait(port)
        assert process.stop(grace=0.3) == -signal.SIGKILL


def test_one_that_ends_by_itself_has_its_last_words_in_the_error(setup: Made) -> None:
    made = setup("import sys\nprint('no such file: weights')\nsys.exit(3)\n")
    with on_host(made, "m") as subject:
        end = time.monotonic() + 20
        while not subject.ended() and time.monotonic() < end:
            time.sleep(0.02)
        error = subject.failure()
    assert error.exit_code == 3
    assert error.message == "the model cannot be loaded; the server's last words:\nno such file: weights"
    with running(
        setup("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"), "127.0.0.1", free_port()
    ) as process:
        assert process.wait() == -signal.SIGKILL
        from envbuild.local.on_host import HostSubject

        error = HostSubject(made, process, "m").failure()
    assert (error.exit_code, "signal SIGKILL" in error.message) == (137, True)


def test_code_that_takes_too_long_is_an_error(setup: Made) -> None:
    with pytest.raises(ServerError, match="did not answer within 1 seconds"):
        run_code(setup(""), "import time; time.sleep(60)", seconds=1)


def test_an_interpreter_that_is_gone_is_an_error(setup: Made) -> None:
    made = setup(SERVER)
    made.environment.python.unlink()
    with pytest.raises(ServerError, match="cannot be started"), running(made, "127.0.0.1", free_port()):
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux ends it")
def test_it_ends_with_the_process_that_it_was_started_for(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "tiny_server.py").write_text(SERVER)
    parent = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, {launch.__file__!r}, str(os.getpid()), 'tiny_server'])\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "ENVBUILD_HOST": "127.0.0.1", "PORT": str(port), "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", parent], env=environment) as process:
        wait(port)
        process.kill()
        process.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # It ended while it was taking this very connection; the next one is refused.
        time.sleep(0.05)
    raise AssertionError("it lives on")
