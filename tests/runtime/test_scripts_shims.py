"""The names of Azure ML's server without that server and without Flask, beside azureml-ai-monitoring and without it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from rawscript import CASES, NAMES, check, place

pytestmark = [pytest.mark.network, pytest.mark.slow]

ABSENT = ("azureml_inference_server_http", "flask")
EVERYTHING = """
from azureml.contrib.services.aml_request import AMLRequest as OldRequest, rawhttp as old
from azureml.contrib.services.aml_response import AMLResponse as OldResponse
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
import azureml, azureml.contrib.services, azureml_inference_server_http.api
assert (OldRequest, OldResponse, old) == (AMLRequest, AMLResponse, rawhttp)
try:
    import azureml_inference_server_http.server
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("there is no such part")
"""


def without(python: Path, folder: Path, *names: str) -> Path:
    """Make an environment of the same packages but those whose folders begin with `names`; return its interpreter."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (there,) = (python.parent.parent / "lib").glob("python3*/site-packages")
    (here,) = (folder / "lib").glob("python3*/site-packages")
    for entry in there.iterdir():
        if not entry.name.startswith(names):
            (here / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def runtime_python(runtime_python, tmp_path_factory):
    """The interpreter that `start` runs: one without the server."""
    return without(runtime_python, tmp_path_factory.mktemp("bare") / "venv", *ABSENT)


@pytest.fixture(scope="module", params=["api", "contrib"])
def served(request, start, tmp_path_factory):
    more = "from azureml.ai.monitoring import Collector\n" + EVERYTHING
    return start(**place(tmp_path_factory.mktemp("shims"), request.param, more=more)).wait_until_up()


def test_neither_the_server_nor_flask_is_there(runtime_python):
    for name in ABSENT:
        done = subprocess.run([runtime_python, "-c", f"import {name}"], capture_output=True, text=True)
        assert f"No module named '{name}'" in done.stderr


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_raw_request_is_answered_as_by_the_real_server(served, case):
    check(served.port, case)


def test_nothing_of_azureml_need_be_there(runtime_python, site, tmp_path):
    bare = without(runtime_python, tmp_path / "venv", "azureml")
    script = tmp_path / "all.py"
    script.write_text(
        f"from envbuild_runtime.worker import shims\nshims.install()\n{EVERYTHING}\n"
        "try:\n    import azureml.ai.monitoring\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run([bare, script], capture_output=True, text=True, env={"PYTHONPATH": str(site)})
    assert (done.returncode, done.stdout) == (0, "No module named 'azureml.ai'\n"), done.stderr


def test_a_server_that_is_installed_is_not_hidden(runtime_python, site, tmp_path):
    real = tmp_path / "azureml_inference_server_http" / "api"
    real.mkdir(parents=True)
    (real.parent / "__init__.py").write_text("")
    (real / "__init__.py").write_text("")
    (real / "aml_request.py").write_text("_rawHttpRequested = True\nREAL = 1\n")
    script = tmp_path / "asks.py"
    script.write_text(
        "from envbuild_runtime.worker import shims\nshims.install()\nassert not shims.wants_raw()\n"
        "from azureml_inference_server_http.api.aml_request import REAL\nassert shims.wants_raw()\n"
    )
    done = subprocess.run([runtime_python, script], capture_output=True, text=True, env={"PYTHONPATH": str(site)})
    assert done.returncode == 0, done.stderr


def test_a_script_without_these_names_needs_no_werkzeug(runtime_python, start, tmp_path):
    script = (
        "import sys\ndef init(): pass\ndef run(data): return [name for name in sys.modules if 'werkzeug' in name]\n"
    )
    server = start(**place(tmp_path, "api", script)).wait_until_up()
    assert server.post("/score", {}).json == []
