"""A real environment for the runtime: Python 3.11 with what the fixture models and both servers need."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from interpreters import interpreter

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "fixtures" / "models"
REQUIREMENTS = (
    # What the fixture models list, mlflow as its smaller half.
    "mlflow-skinny==3.17.2",
    "numpy==2.4.6",
    "pandas==3.1.1",
    "scikit-learn==1.9.1",
    "scipy==1.17.1",
    "skops==0.16.0",
    "lightgbm==4.7.0",
    "cloudpickle==3.1.2",
    "azureml-inference-server-http==1.5.1",
    "azureml-ai-monitoring==1.0.0",
    # The envbuild server's own.
    "uvicorn",
    "httptools",
    "starlette",
    "orjson",
    "prometheus-client",
    "pytest",
)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Process:
    """A server process and its log."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: Path, log: Path, port: int) -> None:
        self.port = port
        self._log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(command, env=environment, cwd=cwd, stdout=output, stderr=output)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, method=method, headers={**given, **(headers or {})}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return Reply(answer.status, dict(answer.headers.items()), answer.read().decode())
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers.items()), error.read().decode())

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, names)

    def wait_until_up(self, seconds: float = 120, path: str = "/") -> Process:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.popen.poll() is not None:
                raise AssertionError(f"the server ended with {self.popen.returncode}:\n{self.log}")
            try:
                if self.get(path).status == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not come up in {seconds} s:\n{self.log}")

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait(10)


@pytest.fixture(scope="session")
def runtime_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the models' packages; made once and kept in ENVBUILD_TEST_CACHE."""
    uv = shutil.which("uv") or pytest.importorskip("uv").find_uv_bin()
    cache = os.environ.get("ENVBUILD_TEST_CACHE")
    parent = Path(cache) if cache else tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    digest = hashlib.sha256("\n".join(REQUIREMENTS).encode()).hexdigest()[:12]
    folder = parent / f"runtime-{digest}"
    python = folder / "bin" / "python"
    parent.mkdir(parents=True, exist_ok=True)
    # Test processes side by side share it: one makes it, the others wait.
    with FileLock(parent / f"{folder.name}.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            found = interpreter("3.11")
            if found is None:
                pytest.skip("there is no Python 3.11 on this machine for the fixture models")
            subprocess.run([uv, "venv", "-q", "--python", str(found), str(folder)], check=True)
            install = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *REQUIREMENTS]
            subprocess.run(install, check=True)
            (folder / "complete").touch()
    return python


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package under the name that it has in images."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(
        ROOT / "envbuild" / "runtime", folder / "envbuild_runtime", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.fixture(scope="module")
def start(
    runtime_python: Path, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Process]]:
    """Start `python -m MODULE` with an environment of its own; every process is stopped in the end.

    `python` is an interpreter with other packages than those of the fixture models.
    """
    started: list[Process] = []

    def run(
        module: str = "envbuild_runtime",
        arguments: tuple[str, ...] = (),
        python: Path = runtime_python,
        **variables: str,
    ) -> Process:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        cwd = tmp_path_factory.mktemp("cwd")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(cwd),
            "PYTHONPATH": str(site),
            "PORT": str(port),
            # Nothing is written beside the fixture models.
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        }
        log = tmp_path_factory.mktemp("log") / "log"
        process = Process([str(python), "-m", module, *arguments], environment, cwd, log, port)
        started.append(process)
        return process

    yield run
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def model() -> Callable[[str], dict[str, str]]:
    """The environment variables that name a fixture model."""
    return lambda name: {"AZUREML_MODEL_DIR": str(MODELS), "MLFLOW_MODEL_FOLDER": name}


@pytest.fixture(scope="session")
def example() -> Callable[[str], tuple[dict[str, Any], Any]]:
    """A fixture model's body for /invocations and the answer of its own predict."""

    def read(name: str) -> tuple[dict[str, Any], Any]:
        body = json.loads((MODELS / name / "serving_input_example.json").read_text(encoding="utf-8"))
        return body, json.loads((MODELS / f"{name}.expected.json").read_text(encoding="utf-8"))

    return read


@pytest.fixture(scope="session")
def azure_body() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The same request as Azure ML's /score takes it."""

    def convert(body: dict[str, Any]) -> dict[str, Any]:
        value = body["dataframe_split"] if "dataframe_split" in body else body["inputs"]
        return {"input_data": value, **({"params": body["params"]} if "params" in body else {})}

    return convert
