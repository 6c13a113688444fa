"""How MLflow's own server is started, and that it answers and ends; the older editions run in tests/road."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from envbuild.runtime import mlflow
from envbuild.runtime.errors import StartError

SLEEPER = """
import time


class Sleeper:
    def predict(self, frame):
        time.sleep(60)
        return [0]


def _load_pyfunc(path):
    return Sleeper()
"""


@pytest.fixture
def there(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").touch()
    return {"AZUREML_MODEL_DIR": str(tmp_path), "MLFLOW_MODEL_FOLDER": "model"}


def test_mlflow_is_told_where_the_model_is(there, tmp_path):
    serving = mlflow.prepare(there)
    assert there["__pyfunc_model_path__"] == str(tmp_path / "model")
    assert serving == mlflow.Serving(host="0.0.0.0", port=8080, workers=1, timeout=60, grace=30)


def test_what_is_set_holds(there):
    given = {
        "PORT": "9000",
        "MLFLOW_MODELS_WORKERS": "3",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "120",
        "ENVBUILD_GRACE_SECONDS": "5",
    }
    serving = mlflow.prepare({**there, **given})
    assert serving == mlflow.Serving(host="0.0.0.0", port=9000, workers=3, timeout=120, grace=5)
    options = "--workers 3 --timeout 120 --graceful-timeout 5"
    assert mlflow.own_options(serving, "--threads 2") == f"--bind 0.0.0.0:9000 {options}"
    inside = mlflow.prepare({**there, **given, "ENVBUILD_HOST": "::1"})
    assert mlflow.own_options(inside, "") == f"--bind [::1]:9000 {options}"


@pytest.mark.parametrize(
    "given", ["--bind unix:/tmp/s", "--threads 2 --bind=1.2.3.4:80", "-b 1.2.3.4:80", "-b1.2.3.4:80"]
)
def test_gunicorn_listens_on_what_is_given_alone(there, given):
    """gunicorn listens on all that it is told."""
    assert "--bind" not in mlflow.own_options(mlflow.prepare(there), given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_MODELS_WORKERS", "0"),
        ("MLFLOW_MODELS_WORKERS", "many"),
        ("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "1m"),
        ("SERVING_MODEL_CONFIG", "[1]"),
        ("PORT", "http"),
        ("ENVBUILD_HOST", "localhost"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(there, name, value):
    with pytest.raises(StartError, match=name):
        mlflow.prepare({**there, name: value})


def test_without_a_model_it_says_where_it_looked(tmp_path):
    with pytest.raises(StartError, match="no MLmodel"):
        mlflow.prepare({"AZUREML_MODEL_DIR": str(tmp_path)})


def test_the_installed_mlflow_tells_which_application_it_has(tmp_path):
    folder = tmp_path / "pyfunc" / "scoring_server"
    folder.mkdir(parents=True)
    (folder / "wsgi.py").touch()
    assert not mlflow.is_asgi(tmp_path)
    (folder / "app.py").touch()
    assert mlflow.is_asgi(tmp_path)


def test_it_takes_no_other_word(capsys):
    assert mlflow.main(["train"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.network
def test_mlflows_server_answers_as_the_model_does(start, model, example):
    body, expected = example("diabetes")
    server = start("envbuild_runtime.mlflow", ("serve",), **model("diabetes")).wait_until_up(path="/ping")
    reply = server.post("/invocations", body)
    assert reply.status == 200, reply.text
    assert reply.json["predictions"] == pytest.approx(expected)
    assert server.get("/version").text == "3.17.2"
    assert server.get("/").status == 404
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 10


@pytest.mark.slow
@pytest.mark.network
def test_several_workers_answer_and_end_together(start, model, example):
    body, expected = example("diabetes")
    server = start("envbuild_runtime.mlflow", MLFLOW_MODELS_WORKERS="2", **model("diabetes"))
    server.wait_until_up(path="/ping")
    assert server.post("/invocations", body).json["predictions"] == pytest.approx(expected)
    end = time.monotonic() + 60
    while server.log.count("Application startup complete") < 2:
        assert time.monotonic() < end, server.log
        time.sleep(0.1)
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.network
def test_a_model_that_cannot_be_loaded_ends_the_process(start, tmp_path):
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: not_there\n")
    server = start("envbuild_runtime.mlflow", AZUREML_MODEL_DIR=str(tmp_path))
    assert server.popen.wait(120) == 3
    assert "the model could not be loaded" in server.log
    assert "not_there" in server.log


@pytest.mark.slow
@pytest.mark.network
def test_a_prediction_that_never_ends_does_not_keep_the_process(start, tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "sleeper.py").write_text(SLEEPER)
    flavor = "{loader_module: sleeper, code: code, python_version: 3.11.7}"
    (tmp_path / "MLmodel").write_text(f"flavors:\n  python_function: {flavor}\n")
    variables = {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "1", "ENVBUILD_GRACE_SECONDS": "1"}
    server = start("envbuild_runtime.mlflow", AZUREML_MODEL_DIR=str(tmp_path), **variables)
    server.wait_until_up(path="/ping")
    assert server.post("/invocations", {"inputs": [1]}).status == 504
    started = time.monotonic()
    server.popen.send_signal(signal.SIGTERM)
    assert server.popen.wait(30) == 0
    assert time.monotonic() - started < 15
