"""Clients that others wrote, from their own packages, against containers."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from contextlib import ExitStack

import pytest
from containers import STRICT, running
from doubling import cache_folder
from environments import environment
from images import building

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def triton_python(tmp_path_factory):
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    return environment(parent, "triton", "3.11", "tritonclient[http]==2.73.0", "numpy==2.4.6")


@pytest.fixture(scope="module")
def azure_python(tmp_path_factory):
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    # It reads answers with what pandas 3 no longer takes.
    packages = ("azureml-mlflow==1.62.0.post6", "mlflow-skinny==3.15.0", "numpy==2.4.6", "pandas==2.3.3")
    return environment(parent, "azureml-mlflow", "3.11", *packages)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a client's lines in its own environment; return what it prints, as JSON."""
    home = tmp_path_factory.mktemp("home")

    def client(python, container, text):
        script = home / "client.py"
        script.write_text(f"PORT, nan = {container.port}, float('nan')\n" + textwrap.dedent(text))
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*", "MLFLOW_DISABLE_TELEMETRY": "true"}
        result = subprocess.run([python, script], capture_output=True, text=True, env=variables, timeout=120)
        assert result.returncode == 0, result.stderr + container.logs()
        return json.loads(result.stdout)

    return client


@pytest.fixture(scope="module")
def container(tmp_path_factory, fixture_models):
    """Give the container of a fixture model with `--server envbuild`; it is started once, and stopped in the end."""
    found = {}
    with ExitStack() as stack:
        build = stack.enter_context(building(cache_folder(tmp_path_factory)))

        def of(name, *options):
            if name not in found:
                tag = build(fixture_models / name, f"client-{name}", "--server", "envbuild")["tag"]
                found[name] = stack.enter_context(running(tag, options=(*STRICT, *options)))
            return found[name]

        yield of


@pytest.fixture(scope="module")
def pricing(container):
    return container("pyfunc-code", "--env", "ENVBUILD_MODEL_NAME=pricing")


@pytest.fixture(scope="module")
def diabetes(container):
    return container("diabetes")


def test_tritonclient_asks_for_health_and_metadata(run, triton_python, pricing):
    said = run(
        triton_python,
        pricing,
        """
        import json
        from tritonclient.http import InferenceServerClient

        client = InferenceServerClient(f"127.0.0.1:{PORT}")
        print(json.dumps([
            client.is_server_live(), client.is_server_ready(),
            client.is_model_ready("pricing"), client.is_model_ready("pricing", "1"), client.is_model_ready("other"),
            client.get_server_metadata(), client.get_model_metadata("pricing", "1"),
        ]))
        """,
    )
    assert said[:5] == [True, True, True, True, False]
    assert said[5]["name"] == "envbuild"
    assert said[6]["name"] == "pricing"
    assert [part["name"] for part in said[6]["outputs"]] == ["price", "note"]


def test_tritonclient_infers_from_columns_of_every_kind(run, triton_python, pricing, example):
    body, expected = example("pyfunc-code")
    table = body["dataframe_split"]
    columns = dict(zip(table["columns"], zip(*table["data"], strict=True), strict=True))
    said = run(
        triton_python,
        pricing,
        f"""
        import json
        import numpy as np
        from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

        columns = {columns!r}
        types = {{"sku": "object", "quantity": "int32", "ordered": "object", "gift": "bool", "discount": "float32"}}
        names = {{"object": "BYTES", "int32": "INT32", "bool": "BOOL", "float32": "FP32"}}
        inputs = []
        for name, values in columns.items():
            array = np.array(values, dtype=types[name])
            one = InferInput(name, list(array.shape), names[types[name]])
            one.set_data_from_numpy(array, binary_data=False)
            inputs.append(one)
        client = InferenceServerClient(f"127.0.0.1:{{PORT}}")
        outputs = [InferRequestedOutput("note", binary_data=False), InferRequestedOutput("price", binary_data=False)]
        some = client.infer("pricing", inputs, outputs=outputs, request_id="r1")
        # Without outputs the client asks for binary ones, which an answer in JSON is free not to give.
        every = client.infer("pricing", inputs)
        print(json.dumps([
            some.get_response()["id"], some.get_response()["model_version"],
            some.as_numpy("price").tolist(), str(some.as_numpy("price").dtype), some.as_numpy("note").tolist(),
            every.as_numpy("price").tolist(),
        ]))
        """,
    )
    assert said[:2] == ["r1", "1"]
    assert said[2] == said[5] == pytest.approx([row["price"] for row in expected], rel=1e-6)
    assert said[3] == "float64"
    assert said[4] == [row["note"] for row in expected]


def test_tritonclient_infers_from_one_matrix_and_is_told_what_is_wrong(run, triton_python, diabetes, example):
    body, expected = example("diabetes")
    said = run(
        triton_python,
        diabetes,
        f"""
        import json
        import numpy as np
        from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
        from tritonclient.utils import InferenceServerException

        def asked(array, name="model", binary=False):
            one = InferInput("x", list(array.shape), "FP64")
            one.set_data_from_numpy(array, binary_data=binary)
            try:
                return client.infer(name, [one], outputs=[InferRequestedOutput("output-0", binary_data=False)])
            except InferenceServerException as error:
                return [error.status(), error.message()]

        client = InferenceServerClient(f"127.0.0.1:{{PORT}}")
        array = np.array({body["dataframe_split"]["data"]!r})
        print(json.dumps([
            asked(array).as_numpy("output-0").tolist(), asked(array[:, 1:]), asked(array, "other"),
            asked(array, binary=True),
        ]))
        """,
    )
    assert said[0] == pytest.approx(expected)
    assert said[1][0] == "400"
    assert "9 unnamed columns, the model takes 10" in said[1][1]
    assert said[2][0] == "404"
    assert said[3][0] == "400"
    assert "binary_data=False" in said[3][1]


def test_mlflows_own_client_reads_answers_as_its_deployments_do(run, runtime_python, pricing, example):
    body, expected = example("pyfunc-code")
    said = run(
        runtime_python,
        pricing,
        f"""
        import json
        import pandas as pd
        from mlflow.pyfunc.scoring_server.client import ScoringServerClient

        table = {body["dataframe_split"]!r}
        frame = pd.DataFrame(table["data"], columns=table["columns"])
        frame["ordered"] = pd.to_datetime(frame["ordered"])
        client = ScoringServerClient("127.0.0.1", PORT)
        client.wait_server_ready()
        answer = client.invoke(frame)
        try:
            client.invoke(frame.drop(columns="sku"))
        except Exception as error:
            problem = str(error)
        print(json.dumps([
            client.get_version(), answer.get_predictions().to_dict("records"),
            answer.get_predictions("ndarray").tolist(), problem,
        ]))
        """,
    )
    assert said[0] == "3.17.2"
    assert [row["price"] for row in said[1]] == pytest.approx([row["price"] for row in expected])
    assert said[2] == expected
    assert "error code 400" in said[3]
    assert "'sku'" in said[3]


def test_mlflows_own_client_sends_arrays(run, runtime_python, container, example):
    body, expected = example("tensors")
    said = run(
        runtime_python,
        container("tensors"),
        f"""
        import json
        import numpy as np
        from mlflow.pyfunc.scoring_server.client import ScoringServerClient

        answer = ScoringServerClient("127.0.0.1", PORT).invoke(np.array({body["inputs"]!r}))
        print(json.dumps(answer.get_predictions("ndarray").tolist()))
        """,
    )
    assert said == expected


@pytest.mark.parametrize("deployment", [None, "blue"])
@pytest.mark.parametrize(("name", "made"), [("diabetes", "ndarray"), ("pricing", "DataFrame")])
def test_azureml_mlflow_predicts(run, azure_python, request, example, name, made, deployment):
    body, expected = example("pyfunc-code" if name == "pricing" else name)
    said = run(
        azure_python,
        request.getfixturevalue(name),
        f"""
        import json
        from types import SimpleNamespace
        import pandas as pd
        from azureml.mlflow.deploy.deployment_client import AzureMLDeploymentClient

        class Client(AzureMLDeploymentClient):
            "Where the endpoint is comes from Azure's control plane, which is not asked."

            def __init__(self):
                self._mir_client = SimpleNamespace(_list_keys=lambda name: SimpleNamespace(primary_key="key"))

            def _get_endpoint(self, name):
                uri = f"http://127.0.0.1:{{PORT}}"
                uris = {{"scoringUri": f"{{uri}}/score", "swaggerUri": f"{{uri}}/swagger.json"}}
                return {{"name": name, "properties": {{"authMode": "Key", **uris}}}}

        table = {body["dataframe_split"]!r}
        frame = pd.DataFrame(table["data"], columns=table["columns"])
        # The client's own JSON has no word for "not a number".
        frame = frame.astype(object).where(frame.notna(), None)
        result = Client().predict({deployment!r}, frame, endpoint="endpoint")
        value = result.to_dict("records") if hasattr(result, "to_dict") else result.tolist()
        print(json.dumps([type(result).__name__, value]))
        """,
    )
    assert said[0] == made
    if made == "ndarray":
        assert said[1] == pytest.approx(expected)
    else:
        assert [row["note"] for row in said[1]] == [row["note"] for row in expected]
        assert [row["price"] for row in said[1]] == pytest.approx([row["price"] for row in expected])
