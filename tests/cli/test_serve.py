"""`serve`: a model of real packages behind its server on this machine, and what is refused before anything runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubling import cache_folder, write_model

Process = Callable[..., tuple[int, str, str]]
Start = Callable[..., "subprocess.Popen[str]"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def real_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The environment is made once for all tests that serve."""
    monkeypatch.setenv("ENVBUILD_CACHE_DIR", str(cache_folder(tmp_path_factory)))


@pytest.fixture
def serve(start: Start, real_cache: None) -> Iterator[Callable[..., tuple[Any, str]]]:
    """Serve a model: the process, and its address as soon as it is ready."""

    def begin(model: Path, *arguments: str) -> tuple[Any, str]:
        process = start("serve", model, "--server", "envbuild", "--port", free_port(), *arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        return process, line.strip()

    yield begin


def printed(process: subprocess.Popen[str]) -> Any:
    """The JSON object that the process writes first, as soon as it is whole."""
    assert process.stdout is not None
    text = ""
    for line in iter(process.stdout.readline, ""):
        text += line
        if line == "}\n":
            return json.loads(text)
    raise AssertionError(process.communicate()[1])


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.network
@pytest.mark.slow
def test_it_answers_until_ctrl_c_and_leaves_the_model_as_it_was(
    serve: Callable[..., tuple[Any, str]], tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model")
    before = digests(model)
    process, url = serve(model, "--env", "ENVBUILD_LOG_FORMAT=text")
    assert url.startswith("http://127.0.0.1:")
    port = int(url.rpartition(":")[2])
    assert post(f"{url}/invocations", {"dataframe_split": {"columns": ["a"], "data": [[1.5]]}}) == {
        "predictions": [3.0]
    }
    assert post(f"{url}/score", {"input_data": {"columns": ["a"], "index": [0], "data": [[-2.0]]}}) == [-4.0]
    with pytest.raises(OSError):
        socket.create_connection((_own_address(), port), timeout=2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err.startswith("warning: this runs the model's code on this machine, as ")
    assert "note: the image's own lock runs here: Python 3." in err
    assert f"curl http://localhost:{port}/score" in err
    assert "POST /score 200" in err
    assert "Stopping" in err
    assert "Traceback" not in err
    assert digests(model) == before


def _own_address() -> str:
    """An address of this machine that is not the loopback, else one that nobody answers on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found = str(probe.getsockname()[0])
        except OSError:
            found = "127.0.0.1"
    return found if not found.startswith("127.") else "127.0.0.3"


@pytest.mark.slow
@pytest.mark.network
def test_a_request_under_way_is_answered_after_ctrl_c_but_not_after_a_second(
    serve: Callable[..., tuple[Any, str]], tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model")

    def slow(url: str, seconds: int) -> threading.Thread:
        def ask() -> None:
            with contextlib.suppress(OSError):
                body = {"dataframe_split": {"columns": ["a"], "data": [[1000 + seconds]]}}
                answers.append(post(f"{url}/invocations", body))

        answers.clear()
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(1.5)
        return thread

    answers: list[Any] = []
    process, url = serve(model)
    asking = slow(url, 4)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    asking.join()
    assert (process.returncode, answers) == (0, [{"predictions": [2008.0]}])

    process, url = serve(model)
    asking = slow(url, 50)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    asking.join()
    assert time.monotonic() - began < 10
    assert (process.returncode, answers) == (130, [])
    assert err.endswith("interrupted\n")


@pytest.mark.network
def test_json_says_what_serves_and_a_script_answers_in_its_own_way(
    serve: Callable[..., tuple[Any, str]], start: Start, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model")
    script = tmp_path / "score.py"
    script.write_text(
        "import json, os\ndef init(): ...\n"
        "def run(raw): return {'keys': sorted(json.loads(raw)), 'folder': os.environ['MLFLOW_MODEL_FOLDER']}\n"
    )
    port = free_port()
    arguments = ("--server", "envbuild", "--port", port, "--json", "--scoring-script", script)
    process = start("serve", model, *arguments)
    # The server answers a moment before its address is printed.
    document = printed(process)
    assert document["url"] == f"http://127.0.0.1:{port}"
    assert (document["server"], document["resolved_anew"]) == ("envbuild", None)
    assert post(f"{document['url']}/score", {"b": 1, "a": 2}) == {"keys": ["a", "b"], "folder": "model"}
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, ""), err


@pytest.mark.network
def test_a_model_that_cannot_be_loaded_is_an_error_with_the_server_s_code(
    process: Process, real_cache: None, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model", broken=True)
    code, out, err = process("serve", model, "--server", "envbuild", "--port", free_port())
    assert (code, out) == (3, "")
    _, _, told = err.partition("error: the model cannot be loaded; the server's last words:\n")
    assert "RuntimeError: the weights are gone" in told
    assert told.splitlines()[-1].startswith("hint: ")


@pytest.mark.slow
@pytest.mark.network
def test_where_the_image_s_python_is_missing_the_packages_are_resolved_anew(
    serve: Callable[..., tuple[Any, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing of another version is found: neither on PATH nor among pyenv's or uv's.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    other = "3.11" if sys.version_info[1] == 13 else "3.13"
    process, url = serve(write_model(tmp_path / "model"), "--python", other, "--ignore", "EB2")
    assert post(f"{url}/invocations", {"dataframe_split": {"columns": ["a"], "data": [[1.5]]}}) == {
        "predictions": [3.0]
    }
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert f"note: there is no Python {other} on this machine (`uv python install {other}` brings one): " in err
    assert "resolved anew for this machine" in err


@pytest.mark.network
def test_ctrl_c_before_it_is_ready_is_an_interrupted_command_without_an_address(
    start: Start, real_cache: None, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model", load="time.sleep(100)")
    port = free_port()
    process = start("serve", model, "--server", "envbuild", "--port", port)
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end
            time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    assert err.endswith("interrupted\n")


@pytest.mark.network
@pytest.mark.parametrize(
    ("server", "mlflow", "arguments"),
    [
        ("envbuild", "3.17.2", ()),
        pytest.param("azureml", "3.17.2", ("--inject",), marks=pytest.mark.slow),
        pytest.param("mlflow", "3.17.2", (), marks=[pytest.mark.slow, pytest.mark.proof]),
        # An application for gunicorn.
        pytest.param("mlflow", "2.20.4", (), marks=[pytest.mark.slow, pytest.mark.proof]),
    ],
)
def test_it_listens_on_an_address_of_ipv6_alone(
    start: Start, real_cache: None, tmp_path: Path, server: str, mlflow: str, arguments: tuple[str, ...]
) -> None:
    model = write_model(tmp_path / "model", mlflow=mlflow)
    port = free_port()
    process = start("serve", model, "--server", server, "--host", "::1", "--port", port, "--json", *arguments)
    url = printed(process)["url"]
    assert url == f"http://[::1]:{port}"
    table = {"columns": ["a"], "index": [0], "data": [[1.5]]}
    if server == "mlflow":
        assert post(f"{url}/invocations", {"dataframe_split": table}) == {"predictions": [3.0]}
    else:
        assert post(f"{url}/score", {"input_data": table}) == [3.0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"curl http://'[::1]':{port}/" in err


@pytest.mark.parametrize("command", ["serve", "test"])
def test_findings_stop_it_before_anything_is_started(
    process: Process, real_cache: None, tmp_path: Path, command: str
) -> None:
    port = ("--port", free_port()) if command == "serve" else ()
    code, out, err = process(command, write_model(tmp_path / "model"), "--server", "azureml", *port)
    assert (code, out) == (1, "")
    assert "EB301" in err
    assert "errors in the model: nothing was started\n" in err


def test_a_used_port_is_told_before_anything_else(process: Process, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = process("serve", tmp_path / "nothing", "--port", port)
    assert (code, out) == (2, "")
    assert err == (
        f"error: port {port} of 127.0.0.1 cannot be used: address already in use\n"
        "hint: stop what listens there, or choose another with --port\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--port", "0"), 2, "port"),
        (("--workers", "0"), 2, "workers"),
        (("--host", "nowhere.invalid"), 2, "--host nowhere.invalid"),
        (("--host", ""), 2, "--host is empty"),
        (("--host", "a" * 70), 2, f"--host {'a' * 70}: "),
        (("--python", "3.11.7"), 2, "a minor version is wanted"),
        ((), 3, "there is no model folder"),
    ],
)
def test_what_cannot_be_meant_ends_without_a_traceback(
    process: Process, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    port = () if "--port" in arguments else ("--port", free_port())
    ended, out, err = process("serve", tmp_path / "nothing", *port, *arguments)
    assert (ended, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
