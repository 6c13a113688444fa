from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from envbuild.errors import ModelError, NetworkError, StorageError
from envbuild.model import read, remote

MLFLOW = "mlflow==3.17.2"
REGISTER = """
import sys
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.create_experiment("remote")
run = client.create_run(experiment)
client.log_artifacts(run.info.run_id, sys.argv[1], "model")
client.set_terminated(run.info.run_id)
client.create_registered_model("diabetes")
version = client.create_model_version("diabetes", f"{run.info.artifact_uri}/model", run.info.run_id)
client.set_registered_model_alias("diabetes", "champion", version.version)
print(run.info.run_id)
"""


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """A real `mlflow server` on loopback that holds the diabetes model: its address and the run's id."""
    root = tmp_path_factory.mktemp("mlflow")
    import uv

    python = root / "venv" / "bin" / "python"
    subprocess.run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(root / "venv")], check=True)
    subprocess.run([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(python), MLFLOW], check=True)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHONDONTWRITE"))},
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": address,
    }
    command = [
        *(str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{root}/mlflow.db", "--artifacts-destination", str(root / "artifacts")),
    ]
    log = (root / "log").open("wb")
    server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(address, server, root / "log")
        model = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "diabetes"
        done = subprocess.run(
            [str(python), "-c", REGISTER, str(model)],
            env=environment,
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield address, done.stdout.split()[-1], model
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
        log.close()


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("address", ["models:/diabetes/1", "models:/diabetes@champion", "runs:/{run}/model"])
def test_a_model_is_read_from_a_real_server(tracking, monkeypatch, tmp_path, capfd, address):
    server, run, model = tracking
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.chdir(tmp_path)
    uri = address.format(run=run)
    found = read(uri, downloads=tmp_path / "downloads")
    local = read(model)
    assert found.uri == uri
    assert found.root.is_relative_to(tmp_path / "downloads")
    assert found.mlmodel.raw == local.mlmodel.raw
    # A registry puts a note of its own beside the model.
    assert [f for f in found.files if f.path != "registered_model_meta"] == list(local.files)
    assert found.environment == local.environment
    assert all((found.root / f.path).read_bytes() == (model / f.path).read_bytes() for f in local.files)
    assert capfd.readouterr() == ("", "")
    assert names(tmp_path) == ["downloads"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(
    "uri",
    [
        "models:/diabetes/7",
        "models:/diabetes@nobody",
        "models:/absent/1",
        "runs:/0123456789abcdef0123456789abcdef/model",
    ],
)
def test_what_a_server_does_not_have_is_a_model_error(tracking, monkeypatch, tmp_path, capfd, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking[0])
    with pytest.raises(ModelError, match=f"^cannot download {uri}: ") as caught:
        read(uri, downloads=tmp_path)
    assert "\n" not in caught.value.message
    assert names(tmp_path) == []
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No tracking server is set."""
    for name in [n for n in os.environ if n.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "uri", ["models:/diabetes/1", "models:/diabetes@champion", "runs:/abc/model", "mlflow-artifacts:/x"]
)
def test_without_a_tracking_server_the_way_out_is_named(alone, uri):
    with pytest.raises(ModelError, match="there is no tracking server") as caught:
        read(uri, downloads=alone / "d")
    assert "MLFLOW_TRACKING_URI" in caught.value.hint
    assert "pip install mlflow" in caught.value.hint
    assert names(alone) == ["d"]
    assert names(alone / "d") == []


@pytest.mark.parametrize(
    ("uri", "module", "extra"),
    [
        ("s3://bucket/m", "boto3", "boto3"),
        ("gs://bucket/m", "google.cloud.storage", "google-cloud-storage"),
        ("azureml://x/y", "azureml.mlflow", "azureml-mlflow"),
    ],
)
def test_a_store_that_needs_a_package_names_it(alone, uri, module, extra):
    import importlib.util

    try:
        present = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        present = False
    if present:
        pytest.skip(f"{module} is installed")
    with pytest.raises(ModelError, match="a package for this store is not installed") as caught:
        read(uri, downloads=alone)
    assert f"pip install {extra}" in caught.value.hint


def test_a_server_that_does_not_answer_is_a_network_error(alone, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:hunter2@127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(NetworkError) as caught:
        read("models:/diabetes/1", downloads=alone)
    assert "does not answer" in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_an_unknown_kind_of_address_is_a_model_error(alone):
    with pytest.raises(ModelError, match="cannot download nonsense://x"):
        read("nonsense://x", downloads=alone)


def test_a_full_disk_is_a_storage_error(alone, monkeypatch):
    def full(uri, target):
        (target / "half").write_text("x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote, "_fetch", full)
    with pytest.raises(StorageError, match="cannot store s3://b/m"):
        read("s3://b/m", downloads=alone)
    assert names(alone) == []


def test_an_interrupt_leaves_nothing(alone, monkeypatch):
    def stop(uri, target):
        (target / "half").write_text("x")
        raise KeyboardInterrupt

    monkeypatch.setattr(remote, "_fetch", stop)
    with pytest.raises(KeyboardInterrupt):
        read("s3://b/m", downloads=alone)
    assert names(alone) == []


def test_credentials_in_an_address_stay_out_of_the_model(folder, alone, monkeypatch):
    source = folder({})
    monkeypatch.setattr(remote, "_fetch", lambda uri, target: shutil.copytree(source, target / "m"))
    assert (
        read("https://user:hunter2@host/m?token=abc", downloads=alone / "d").uri
        == "https://************@host/m?token=***"
    )


def test_a_local_folder_is_read_without_mlflow(fixture_models):
    code = (
        "import sys; from envbuild.model import read; read(sys.argv[1]);"
        "heavy = 'mlflow packaging requests rich docker multiprocessing'\n"
        "print([m for m in heavy.split() if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(fixture_models / "diabetes")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
