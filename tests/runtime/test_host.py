"""ENVBUILD_HOST: each server listens on the address that it is told, and on no other."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time

import pytest

from envbuild.runtime import health
from envbuild.runtime.errors import StartError

pytestmark = pytest.mark.network
SERVERS = [
    pytest.param("envbuild_runtime", {}, id="envbuild"),
    pytest.param("envbuild_runtime.azureml", {}, id="azureml", marks=pytest.mark.slow),
    pytest.param("envbuild_runtime.mlflow", {}, id="mlflow", marks=pytest.mark.slow),
    pytest.param("envbuild_runtime.mlflow", {"MLFLOW_MODELS_WORKERS": "2"}, id="mlflow-2", marks=pytest.mark.slow),
]
ADDRESSES = ("127.0.0.1", "127.0.0.2", "::1")


def status(host, port, path="/"):
    """The answer's status; None where nobody listens."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


@pytest.fixture
def started(start, model, site):
    """Start a server on an address and wait until it is ready there."""

    def run(module, host, **variables):
        script = {"AML_APP_ROOT": str(site / "envbuild_runtime"), "AZUREML_ENTRY_SCRIPT": "mlflow_score_script.py"}
        more = script if module.endswith("azureml") else {}
        server = start(module, ENVBUILD_HOST=host, **more, **variables, **model("pyfunc-code"))
        path = "/ping" if module.endswith("mlflow") else "/"
        end = time.monotonic() + 120
        while status(health.near(host), server.port, path) != 200:
            assert server.popen.poll() is None, server.log
            assert time.monotonic() < end, server.log
            time.sleep(0.1)
        return server, path

    return run


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
@pytest.mark.parametrize(("module", "variables"), SERVERS)
def test_it_listens_there_alone(started, site, runtime_python, module, variables, host):
    server, path = started(module, host, **variables)
    found = {address for address in ADDRESSES if status(address, server.port, path) == 200}
    assert found == {host}
    check = [runtime_python, "-S", "-E", site / "envbuild_runtime" / "health.py", str(server.port), path]
    assert subprocess.run(check, env={**os.environ, "ENVBUILD_HOST": host}).returncode == 0
    assert subprocess.run(check, env={}, capture_output=True).returncode == 1
    assert server.stop() == 0


@pytest.mark.parametrize(("module", "variables"), SERVERS)
def test_all_addresses_of_both_kinds(started, module, variables):
    server, path = started(module, "::", **variables)
    assert [status(address, server.port, path) for address in ADDRESSES] == [200, 200, 200]


def test_what_lies_beside_listens_there_too(started):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server, _ = started("envbuild_runtime", "127.0.0.2", ENVBUILD_METRICS=str(port))
    assert (status("127.0.0.2", port, "/metrics"), status("127.0.0.1", port, "/metrics")) == (200, None)
    assert server.stop() == 0


@pytest.mark.parametrize(("module", "variables"), SERVERS[:3])
def test_no_address_is_an_error_that_names_the_variable(start, model, module, variables):
    server = start(module, ENVBUILD_HOST="localhost", **model("pyfunc-code"))
    assert server.popen.wait(60) == 3
    assert "ENVBUILD_HOST is 'localhost': an IP address is needed" in server.log
    assert "Traceback" not in server.log


def test_an_address_of_another_machine_is_told():
    pytest.importorskip("starlette")
    from envbuild.runtime.front.ports import bind

    with pytest.raises(StartError, match=r"ENVBUILD_HOST: 192\.0\.2\.1 cannot be listened on: "):
        bind(0, "PORT", "192.0.2.1")
