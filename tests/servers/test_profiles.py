from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement as Parsed

import envbuild
from envbuild.errors import UsageError
from envbuild.model.types import Environment, Requirement, Span
from envbuild.servers import PROFILES, choose_server

RUNTIME = Path(envbuild.__file__).parent / "runtime"
OWN = ("uvicorn", "httptools", "starlette", "orjson", "prometheus-client")


def environment(*names: str, source: str = "conda.yaml", marker: str = "") -> Environment:
    pip = tuple(
        Requirement(
            text=name, name=name, specifier="", extras=(), marker=marker, url="", span=Span(file=source, line=line)
        )
        for line, name in enumerate(names, 1)
    )
    return Environment(source=source, pip=pip)  # type: ignore[arg-type]  # a test passes any source


def test_auto_is_the_azure_server() -> None:
    for asked in (environment(), environment("azureml-inference-server-http"), environment(*OWN[:4])):
        server, why = choose_server("auto", asked)
        assert (server.name, why) == ("azureml", "the default")


def test_auto_is_the_own_server_where_conda_yaml_lists_all_its_packages() -> None:
    server, why = choose_server("auto", environment("mlflow", *OWN))
    assert server.name == "envbuild"
    for name in OWN:
        assert name in why


def test_a_list_in_another_file_does_not_count() -> None:
    assert choose_server("auto", environment(*OWN, source="requirements.txt"))[0].name == "azureml"


def test_a_list_for_another_system_does_not_count() -> None:
    assert choose_server("auto", environment(*OWN, marker="sys_platform == 'win32'"))[0].name == "azureml"
    assert choose_server("auto", environment(*OWN, marker="python_version < '3.8'"))[0].name == "envbuild"
    assert choose_server("auto", environment(*OWN, marker="sys_platform == 'linux'"))[0].name == "envbuild"
    for_arm = environment(*OWN, marker="platform_machine == 'aarch64'")
    assert choose_server("auto", for_arm, "linux/arm64")[0].name == "envbuild"
    assert choose_server("auto", for_arm, "linux/amd64")[0].name == "azureml"


def test_what_is_asked_for_is_taken() -> None:
    assert choose_server("envbuild", environment())[0] is PROFILES["envbuild"]
    assert choose_server("azureml", environment(*OWN))[0] is PROFILES["azureml"]


def test_an_unknown_server_is_a_usage_error_that_names_the_known() -> None:
    with pytest.raises(UsageError) as caught:
        choose_server("flask", environment())
    assert "'flask'" in caught.value.message
    assert "auto, azureml, envbuild" in caught.value.hint


def test_the_azure_server_wants_its_packages_listed() -> None:
    packages = {package.name: package for package in PROFILES["azureml"].packages}
    assert {name: (p.listed, p.code) for name, p in packages.items()} == {
        "azureml-inference-server-http": (True, "EB301"),
        "azureml-ai-monitoring": (True, "EB302"),
    }


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_requirements_and_constraints_are_well_formed(name: str) -> None:
    server = PROFILES[name]
    for package in server.packages:
        assert Parsed(package.requirement).name == package.name
        assert package.why
    for constraint in server.constraints:
        Parsed(constraint)
    assert server.ladder is any(package.name == "azureml-inference-server-http" for package in server.packages)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_file_of_the_runtime_lies_in_the_image(name: str) -> None:
    server = PROFILES[name]
    files = (path for path in RUNTIME.rglob("*") if path.is_file() and path.suffix != ".pyc")
    there = {path.relative_to(RUNTIME).as_posix() for path in files}
    assert {"front/page/page.html", "front/page/page.css", "front/page/page.js"} < there
    placed = {file.source: file.path for file in server.files}
    assert set(placed) == there - ({"mlflow_score_script.py"} if name != "azureml" else set())
    for source, path in placed.items():
        if source != "mlflow_score_script.py":
            assert path == f"{{site}}/envbuild_runtime/{source}"
    assert list(server.files) == sorted(server.files, key=lambda file: file.source)


def test_the_wheel_of_envbuild_ships_what_is_no_module(repository: Path) -> None:
    project = (repository / "pyproject.toml").read_text(encoding="utf-8")
    globs = re.findall(r'"([^"]+)"', next(line for line in project.splitlines() if line.startswith("envbuild = [")))
    for file in PROFILES["envbuild"].files:
        path = PurePosixPath("runtime", file.source)
        assert path.suffix == ".py" or any(path.match(glob) for glob in globs), path


def test_the_default_scoring_script_lies_at_the_application_root() -> None:
    server = PROFILES["azureml"]
    (script,) = [file for file in server.files if file.source == "mlflow_score_script.py"]
    assert "/" + script.path == f"{server.app_root}/{server.entry_script}"
    assert dict(server.environment) == {"AML_APP_ROOT": server.app_root, "AZUREML_ENTRY_SCRIPT": server.entry_script}


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_command_starts_a_module_that_is_laid_down(name: str) -> None:
    server = PROFILES[name]
    interpreter, option, module = server.command
    assert (interpreter, option) == ("/opt/envbuild/bin/python", "-m")
    sources = {file.source for file in server.files}
    path = module.replace(".", "/").removeprefix("envbuild_runtime").strip("/")
    assert (f"{path}.py" if path else "__main__.py") in sources


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_import_roots_are_modules_each_once(name: str) -> None:
    modules = PROFILES[name].modules
    assert len(set(modules)) == len(modules)
    assert all(part.isidentifier() for module in modules for part in module.split("."))
    assert not any(module.endswith((".html", ".css", ".js")) for module in modules)
    assert "mlflow.pyfunc" in modules
    assert "envbuild_runtime" in modules
    assert "envbuild_runtime.mlflow_score_script" not in modules
