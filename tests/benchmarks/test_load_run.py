"""A real run: the three servers in their environment, one second each. And what counts as a right answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from benchmarks.errors import BenchError
from benchmarks.load import measuring, page
from benchmarks.load.environment import Environment, Model
from benchmarks.load.running import right, running
from benchmarks.load.servers import KEYS, Server, command, servers
from benchmarks.load.wrk import connections_of

MODEL = Model(key="linear", title="a model", folder=Path("/models/linear"), answer=(1.5, -2.25))
ENVIRONMENT = Environment(folder=Path("/bench/folder"), versions={}, models=(MODEL,))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"predictions": [1.5, -2.25]}, True),
        ([1.5, -2.2500000000000004], True),
        (json.dumps({"predictions": [1.5, -2.25]}), True),
        ({"predictions": [1.5]}, False),
        ({"predictions": [1.5, -2.2501]}, False),
        ({"predictions": [1.5, None]}, False),
        ({"message": "no"}, False),
    ],
)
def test_an_answer_is_right_if_it_is_the_models_own(answer: object, expected: bool) -> None:
    assert right(json.dumps(answer).encode(), MODEL) is expected


def test_every_server_has_two_workers_and_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    chosen = servers(ENVIRONMENT, MODEL)
    assert tuple(server.key for server in chosen) == KEYS
    for server in chosen:
        words, variables = command(server, 4711, {"PYTHONPATH": "/extra"})
        assert "4711" in words or variables["PORT"] == "4711"
        assert "--workers 2" in " ".join(words) or variables["WORKER_COUNT"] == "2"
        own = ":/bench/folder/site" if server.path == "/invocations" and server.key != "mlflow" else ""
        assert variables["PYTHONPATH"] == f"/extra{own}"
        assert "PYTHONPATH" not in command(chosen[0], 1, {})[1]


def test_a_server_that_ends_is_told_with_its_log(tmp_path: Path) -> None:
    model = Model(key="none", title="", folder=tmp_path, answer=(1.0,))
    (tmp_path / "invocations.json").write_text("{}")
    (server,) = [each for each in servers(ENVIRONMENT, model) if each.key == "envbuild"]
    broken = server.__class__(
        key="broken", title="broken", words=("sh", "-c", "echo what went wrong; exit 3"), path="/invocations",
        folder=tmp_path,
    )  # fmt: skip
    with (
        pytest.raises(BenchError, match=r"(?s)no answer from broken.*what went wrong"),
        running(broken, model, tmp_path),
    ):
        pass


SERVER = """\
import http.server, itertools, subprocess, sys
numbers = itertools.count()
with open("children", "w") as file:
    print(subprocess.Popen(["sleep", "600"]).pid, file=file)
    print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, file=file)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = b"[1.5]" if next(numbers) != int(sys.argv[2]) else b"[2.5]"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def own_server(tmp_path: Path, wrong: int) -> tuple[Server, Model]:
    """A server whose answer number `wrong` is not the model's, and which leaves its children behind."""
    (tmp_path / "invocations.json").write_text("{}")
    (tmp_path / "server.py").write_text(SERVER)
    words = (sys.executable, "server.py", "{port}", str(wrong))
    server = Server(key="own", title="own", words=words, path="/invocations", folder=tmp_path)
    return server, Model(key="linear", title="", folder=tmp_path, answer=(1.5,))


def gone(pid: int) -> bool:
    """Whether a process ends within two seconds; one that nobody has waited for yet has ended."""
    for _ in range(40):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_single_wrong_answer_under_load_fails_the_run_and_nothing_is_left_behind(tmp_path: Path) -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    server, model = own_server(tmp_path, wrong=20)
    with (
        pytest.raises(BenchError, match=r"own answered linear 1 times of \d+ with b'\[2.5\]' under load"),
        running(server, model, tmp_path) as found,
    ):
        found.warm_up(1)
    children = [int(line) for line in (tmp_path / "children").read_text().split()]
    assert len(children) == 2
    assert [pid for pid in children if not gone(pid)] == []


def test_what_a_server_leaves_behind_that_ended_by_itself_is_ended_too(tmp_path: Path) -> None:
    server, model = own_server(tmp_path, wrong=-1)
    with running(server, model, tmp_path) as found:
        os.kill(found.pid, signal.SIGKILL)
        time.sleep(0.5)
    first, other = (int(line) for line in (tmp_path / "children").read_text().split())
    # Nothing tells any more whose the other one was.
    os.kill(other, signal.SIGKILL)
    assert gone(first)


@pytest.mark.slow
@pytest.mark.network
def test_a_quick_run_of_one_model_gives_a_whole_page(tmp_path: Path) -> None:
    if shutil.which("wrk") is None and os.geteuid() != 0:
        pytest.skip("wrk is not installed")
    found = measuring.measure(measuring.Plan(rounds=1, seconds=1, profile=4), only=("linear",))
    assert [case.server for case in found.cases] == list(KEYS)
    for case in found.cases:
        (turn,) = case.turns
        assert [window.connections for window in turn.windows] == list(connections_of("linear"))
        assert all(window.rate > 0 and window.others_cpu > 0 for window in turn.windows)
        assert 20e6 < turn.memory < 2e9
        assert len(turn.workers) == 2
        assert turn.checked > 10
        assert turn.start > 0.2
    own = found.profile("linear", "envbuild")
    assert own is not None
    assert any("Model.predict" in name for name, _ in own.worker.functions)
    assert any("run_asgi" in name for name, _ in own.main.functions)
    started = found.imported("envbuild")
    assert started is not None
    assert "pandas" in {module.name for module in started.worker}
    assert "pandas" not in {module.name for module in started.main}
    assert "## The servers under load" in page.render(found)
