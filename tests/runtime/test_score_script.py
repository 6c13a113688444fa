"""The scoring script of `--server azureml`, called as Azure ML's server calls it, without the server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"

CALL = """
import json, logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
import envbuild_runtime.mlflow_score_script as script
script.init()
for body in json.loads(sys.argv[1]):
    answer = script.run(**body)
    if hasattr(answer, "status_code"):
        answer = [answer.status_code, json.loads(answer.get_data())]
    # As the server writes it.
    print(json.dumps(answer, allow_nan=False))
print("monitoring" if "azureml.ai.monitoring" in sys.modules else "no monitoring")
"""

COLLECTOR = """
class Collector:
    def __init__(self, *, name):
        {made}
        self.name = name

    def collect(self, data, correlation_context=None):
        {collects}
        print("collected", self.name, data.shape, correlation_context, flush=True)
        return f"after {{self.name}}"
"""


@pytest.fixture
def ask(runtime_python, site, tmp_path):
    """Call the script for a fixture model with bodies; return what it prints, line by line, and its log."""

    def run(model, *bodies, packages=None, **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AZUREML_MODEL_DIR": str(MODELS),
            "MLFLOW_MODEL_FOLDER": model,
            "PYTHONPATH": os.pathsep.join([*([str(packages)] if packages else []), str(site)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        }
        command = [runtime_python, "-c", CALL, json.dumps(bodies)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), done.stderr

    return run


@pytest.fixture
def collector(tmp_path):
    """Write a package azureml.ai.monitoring whose collector does as it is told."""

    def write(made="pass", collects="pass"):
        folder = tmp_path / "packages" / "azureml" / "ai" / "monitoring"
        folder.mkdir(parents=True)
        for package in (folder.parent, folder.parents[1]):
            (package / "__init__.py").touch()
        (folder / "__init__.py").write_text(COLLECTOR.format(made=made, collects=collects))
        return tmp_path / "packages"

    return write


BODY = {"input_data": {"columns": ["x"], "data": [[1], [2]]}}


def test_a_request_that_does_not_fit_is_400_with_the_reason(ask):
    lines, _ = ask(
        "params",
        BODY,
        {**BODY, "params": None},
        {"input_data": {"columns": ["x"], "data": [[1], ["s3cr3t"]]}},
        {"input_data": {"columns": ["y"], "data": [[1]]}},
        {**BODY, "params": {"exponent": "s3cr3t"}},
        {**BODY, "params": ["s3cr3t"]},
        {"input_data": "s3cr3t"},
    )
    answers = [json.loads(line) for line in lines[:-1]]
    assert answers[:2] == [[1.0, 4.0], [1.0, 4.0]]
    assert [status for status, _ in answers[2:]] == [400] * 5
    assert [body["message"] for _, body in answers[2:]] == [
        "column 'x', row 1: expected a number (double), got a string that is no number",
        "input_data: missing column 'x'; the model takes 'x'",
        "param 'exponent': expected a number (double), got a string that is no number",
        "'params' has to be an object, got a list",
        "column 'x', row 0: expected a number (double), got a string that is no number",
    ]


def test_monitoring_is_not_imported_unless_it_is_switched_on(ask):
    for variables in ({}, {"AZUREML_MDC_ENABLED": "false"}):
        lines, log = ask("params", BODY, **variables)
        assert lines[-1] == "no monitoring"
        assert "collect" not in log


@pytest.mark.parametrize("variables", [{"AZUREML_MDC_ENABLED": "True"}, {"AZUREML_MDC_CONFIG_PATH": "/config.json"}])
def test_inputs_and_outputs_are_collected_where_it_is(ask, collector, variables):
    lines, _ = ask("params", BODY, packages=collector(), **variables)
    assert lines == [
        "collected model_inputs (2, 1) None",
        # Azure ML joins the two by the context that inputs gave.
        "collected model_outputs (2, 1) after model_inputs",
        "[1.0, 4.0]",
        "monitoring",
    ]


def test_one_collection_may_be_switched_on_alone(ask, collector):
    packages = collector(made="assert name == 'model_outputs', 'collection model_inputs is not enabled'")
    lines, log = ask("params", BODY, packages=packages, AZUREML_MDC_ENABLED="true")
    assert lines == ["collected model_outputs (2, 1) None", "[1.0, 4.0]", "monitoring"]
    assert "model_inputs is not collected: collection model_inputs is not enabled" in log


@pytest.mark.parametrize("part", ["made", "collects"])
def test_a_collector_that_fails_fails_no_request(ask, collector, part):
    packages = collector(**{part: "raise RuntimeError('no space left')"})
    lines, log = ask("params", BODY, packages=packages, AZUREML_MDC_ENABLED="true")
    assert lines == ["[1.0, 4.0]", "monitoring"]
    assert "no space left" in log


def test_an_image_without_the_collector_answers_too(ask, tmp_path):
    folder = tmp_path / "packages" / "azureml"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    lines, log = ask("params", BODY, packages=tmp_path / "packages", AZUREML_MDC_ENABLED="true")
    assert lines == ["[1.0, 4.0]", "no monitoring"]
    assert "Model data is not collected: No module named 'azureml.ai'" in log


def test_azure_mls_own_collector_is_given_the_table(ask):
    """AZUREML_MDC_LOCAL_CAPTURE: it keeps what it collects, and sends nothing."""
    lines, log = ask("params", BODY, AZUREML_MDC_ENABLED="true", AZUREML_MDC_LOCAL_CAPTURE="true")
    assert lines[-2:] == ["[1.0, 4.0]", "monitoring"]
    assert "not collected" not in log
    assert "Error collecting" not in log
