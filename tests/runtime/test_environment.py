"""What needs no server: the codec in the models' environment, and how a process is prepared."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from envbuild.runtime import azureml, lazy, process, settings
from envbuild.runtime.errors import StartError

CODEC = Path(__file__).with_name("codec")


def run_codec_tests(python, site, cwd, extra, *arguments):
    """Run tests of the codec with another interpreter; `extra` is a folder of further packages."""
    command = [python, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, *arguments]
    # Nothing is written beside the fixture models.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (site, *extra))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.fixture(scope="session")
def beside(runtime_python):
    """Give a folder with packages that the models' environment has not, made once beside it."""
    uv = shutil.which("uv") or pytest.importorskip("uv").find_uv_bin()

    def make(*packages):
        folder = runtime_python.parents[1].with_name(f"{runtime_python.parents[1].name}-{packages[0]}")
        with FileLock(f"{folder}.lock"):
            if not (folder / "complete").exists():
                shutil.rmtree(folder, ignore_errors=True)
                command = [uv, "pip", "install", "-q", "--python", runtime_python, "--target", folder, *packages]
                subprocess.run(command, check=True)
                (folder / "complete").touch()
        return folder

    return make


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.proof
def test_the_codec_holds_in_the_models_environment(runtime_python, site, tmp_path, beside):
    without = f"{CODEC / 'test_parquet.py'}::test_an_image_without_pyarrow_says_so"
    files = sorted(path for path in CODEC.glob("test_*.py") if path.name != "test_parquet.py")
    run_codec_tests(runtime_python, site, tmp_path, [beside("hypothesis")], *files, without)


@pytest.mark.network
def test_the_codec_reads_parquet_where_pyarrow_is(runtime_python, site, tmp_path, beside):
    """pandas keeps strings in another way beside pyarrow, so columns of them are tried there too."""
    files = [CODEC / f"test_{name}.py" for name in ("parquet", "accepted", "tables", "csv")]
    run_codec_tests(runtime_python, site, tmp_path, [beside("pyarrow")], "-k", "not without_pyarrow", *files)


def test_a_process_gets_a_home_and_a_name_where_it_has_none(monkeypatch, tmp_path):
    import pwd

    def nobody(number):
        raise KeyError(number)

    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", *process.DEFAULTS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "path", [str(Path.cwd()), *sys.path])
    process.prepare()
    assert os.access(os.environ["HOME"], os.W_OK)
    assert os.environ["USER"] == os.environ["LOGNAME"] == f"user{os.getuid()}"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert sys.path[0] != str(Path.cwd())


def test_what_is_set_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USER", "someone")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    process.prepare()
    assert (os.environ["HOME"], os.environ["USER"]) == (str(tmp_path), "someone")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_the_model_is_found_by_the_variables_or_one_folder_up(tmp_path):
    folder = tmp_path / "1" / "model"
    folder.mkdir(parents=True)
    (folder / "MLmodel").touch()
    assert settings.model_folder({"AZUREML_MODEL_DIR": str(tmp_path / "1"), "MLFLOW_MODEL_FOLDER": "model"}) == folder
    assert settings.model_folder({"AZUREML_MODEL_DIR": str(tmp_path / "1")}) == folder
    assert settings.model_folder({"AZUREML_MODEL_DIR": str(folder)}) == folder
    with pytest.raises(StartError, match="no MLmodel"):
        settings.model_folder({"AZUREML_MODEL_DIR": str(tmp_path), "MLFLOW_MODEL_FOLDER": "2"})


def test_a_model_behind_a_link_is_found_where_it_lies(tmp_path, monkeypatch):
    """MLflow refuses a path that is a link, and the images' second place is one."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").touch()
    (tmp_path / "link").symlink_to("model")
    monkeypatch.setattr(settings, "FALLBACK_MODEL", str(tmp_path / "link"))
    assert settings.model_folder({"AZUREML_MODEL_DIR": str(tmp_path / "none")}) == tmp_path / "model"


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "0"), ("PORT", "65536"), ("PORT", "-1"), ("ENVBUILD_MAX_CONCURRENT", "many")]
)
def test_a_setting_that_is_no_number_is_named(name, value):
    with pytest.raises(StartError, match=name):
        settings.read_settings({name: value})


def test_settings_have_defaults():
    assert settings.read_settings({}) == settings.Settings(
        host="0.0.0.0", port=8080, concurrency=1, body_limit=100 << 20, grace=30
    )
    assert settings.read_settings({"PORT": " 9090 "}).port == 9090


def test_the_address_to_listen_on_is_one_of_either_kind():
    for address in ("127.0.0.1", "::1", "::", "fe80::1%eth0"):
        assert settings.read_settings({"ENVBUILD_HOST": f" {address} "}).host == address
    for wrong in ("localhost", "127.1", "[::1]", "::1 --reload", "127.0.0.1:80"):
        with pytest.raises(StartError, match=r"ENVBUILD_HOST is .* an IP address is needed"):
            settings.read_settings({"ENVBUILD_HOST": wrong})


def test_a_word_that_is_none_of_a_setting_s_own_is_named():
    assert [settings.read_settings({"ENVBUILD_LOG_PRINTS": word}).log_prints for word in ("", " On", "0", "off")] == [
        True,
        True,
        False,
        False,
    ]
    for name in ("ENVBUILD_LOG_PRINTS", "ENVBUILD_LOG_FORMAT", "ENVBUILD_COMPAT"):
        with pytest.raises(StartError, match=f"{name} is 'nope': one of"):
            settings.read_settings({name: "nope"})


def test_a_model_s_name_fits_into_a_path():
    assert settings.read_settings({"ENVBUILD_MODEL_NAME": "my model"}).model_name == "my model"
    with pytest.raises(StartError, match=r"ENVBUILD_MODEL_NAME is 'team/model': .* cannot hold a slash"):
        settings.read_settings({"ENVBUILD_MODEL_NAME": "team/model"})


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_model_configuration_has_to_be_a_json_object(text):
    assert settings.model_config({"SERVING_MODEL_CONFIG": '{"a": 1}'}) == {"a": 1}
    with pytest.raises(StartError, match="SERVING_MODEL_CONFIG"):
        settings.model_config({"SERVING_MODEL_CONFIG": text})


def test_azure_mls_server_gets_its_defaults_and_the_port(tmp_path, monkeypatch):
    monkeypatch.setattr(azureml, "_has_control_socket", lambda: True)
    monkeypatch.chdir(tmp_path)
    environment = {"AML_APP_ROOT": str(tmp_path), "PORT": "7000"}
    assert azureml.prepare(environment) == ["--entry_script", "mlflow_score_script.py", "--port", "7000"]
    assert environment["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models/model/1"
    assert "--no-control-socket" in environment["GUNICORN_CMD_ARGS"]
    with pytest.raises(StartError, match="cannot be entered"):
        azureml.prepare({"AML_APP_ROOT": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "x"), ("WORKER_COUNT", "two"), ("WORKER_COUNT", "0"), ("WORKER_TIMEOUT", "soon")]
)
def test_azure_mls_server_is_not_started_with_a_number_that_is_none(tmp_path, monkeypatch, name, value):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartError, match=f"{name} is '{value}': a whole number from"):
        azureml.prepare({"AML_APP_ROOT": str(tmp_path), name: value})


def test_azure_mls_server_is_given_the_numbers_that_are_set_and_no_empty_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(azureml, "_has_control_socket", lambda: True)
    monkeypatch.chdir(tmp_path)
    environment = {"AML_APP_ROOT": str(tmp_path), "WORKER_COUNT": " 2 ", "WORKER_TIMEOUT": ""}
    azureml.prepare(environment)
    assert environment["WORKER_COUNT"] == "2"
    assert "WORKER_TIMEOUT" not in environment


def test_azure_mls_server_is_not_debugged_without_a_debugger(tmp_path, monkeypatch):
    monkeypatch.setattr(azureml, "_has_control_socket", lambda: True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(azureml, "find_spec", lambda name: None)
    with pytest.raises(StartError, match="AZUREML_DEBUG_PORT is set, and debugpy is not in the image"):
        azureml.prepare({"AML_APP_ROOT": str(tmp_path), "AZUREML_DEBUG_PORT": "5678"})


def test_azure_mls_server_is_told_its_address_or_does_not_start():
    server = SimpleNamespace(DEFAULT_HOST="0.0.0.0")
    azureml.tell_host(server, "127.0.0.1")
    assert server.DEFAULT_HOST == "127.0.0.1"
    azureml.tell_host(server, "::1")
    assert server.DEFAULT_HOST == "[::1]"
    azureml.tell_host(SimpleNamespace(), "0.0.0.0")
    with pytest.raises(StartError, match="ENVBUILD_HOST"):
        azureml.tell_host(SimpleNamespace(), "127.0.0.1")


def test_gunicorn_options_that_are_given_stay(monkeypatch):
    monkeypatch.setattr(azureml, "_has_control_socket", lambda: True)
    given = "--worker-tmp-dir /data --control-socket /data/s --threads 4"
    assert azureml.gunicorn_options(given) == given


def test_no_module_is_lazy_that_could_not_be_imported(monkeypatch):
    """As with MLflow before 2.20: whoever looks at every module, as h2o does, would meet an ImportError."""
    finder = lazy.LazyFinder(["json.tool"])
    assert finder.find_spec("json.tool", json.__path__) is not None
    monkeypatch.setattr(lazy, "NEEDED", "a_package_that_is_not_here")
    assert finder.find_spec("json.tool", json.__path__) is None


def test_a_lazy_module_is_loaded_when_something_is_read_from_it(tmp_path, monkeypatch):
    (tmp_path / "waits.py").write_text("from pathlib import Path\nPath(__file__ + '.loaded').touch()\nanswer = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    lazy.install(["waits", "not_there"])
    waits = importlib.import_module("waits")
    assert not (tmp_path / "waits.py.loaded").exists()
    assert waits.answer == 42
    assert (tmp_path / "waits.py.loaded").exists()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("not_there")


@pytest.mark.parametrize(
    "name", ["errors", "process", "settings", "codec.signature", "health", "azureml", "mlflow", "__main__"]
)
def test_what_runs_before_the_libraries_needs_none_of_them(name):
    """These are imported before the environment is prepared, or by an interpreter without site-packages."""
    code = f"import sys; sys.path.insert(0, {str(Path(azureml.__file__).parents[1])!r}); import runtime.{name}"
    done = subprocess.run([sys.executable, "-S", "-E", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_is_collected_while_modules_are_imported_and_again_afterwards():
    import gc

    assert gc.isenabled()
    frozen = gc.get_freeze_count()
    try:
        with process.imports():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
        with pytest.raises(ImportError), process.imports():
            raise ImportError("no such module")
        assert gc.isenabled()
    finally:
        gc.unfreeze()
