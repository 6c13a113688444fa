"""What the envbuild server brings for the scoring scripts that ask for it, and for no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tinyroad import Road

from envbuild.bringing import server_for
from envbuild.options import Options
from envbuild.servers import PROFILES, brought, for_script
from envbuild.servers.files import RUNTIME

OWN = PROFILES["envbuild"]
PLAIN = "def init(): pass\ndef run(data): return data\n"
CASES = {
    "": (),
    "import numpy\n": (),
    "import inference_schema_tools\n": (),
    "from inference_schema.schema_decorators import input_schema\n": ("inference-schema",),
    "def f():\n    import inference_schema\n": ("inference-schema",),
    "from azureml_inference_server_http.api.aml_request import rawhttp\n": ("werkzeug",),
    "from azureml.contrib.services.aml_response import AMLResponse\n": ("werkzeug",),
    "from azureml.contrib import services\n": ("werkzeug",),
    "from azureml.ai.monitoring import Collector\n": (),
    "import azureml.contrib.services.aml_request, inference_schema\n": ("inference-schema", "werkzeug"),
}


@pytest.mark.parametrize(("text", "names"), CASES.items())
def test_a_script_brings_what_it_imports(text: str, names: tuple[str, ...], tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text(text + PLAIN)
    server = server_for(OWN, Options(scoring_script=script))
    assert tuple(package.name for package in brought(server)) == names
    assert server.packages[: len(OWN.packages)] == OWN.packages


def test_a_helper_in_the_code_folder_counts(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("import helper\n" + PLAIN)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "helper.py").write_text("from azureml.contrib.services.aml_response import AMLResponse\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.py").write_text("import inference_schema\n")
    alone = Options(scoring_script=tmp_path / "score.py")
    assert brought(server_for(OWN, alone)) == ()
    folder = Options(scoring_script=tmp_path / "score.py", code=tmp_path)
    assert [package.name for package in brought(server_for(OWN, folder))] == ["werkzeug"]


def test_without_a_script_the_server_is_itself() -> None:
    assert server_for(OWN, Options()) is OWN
    assert for_script(PROFILES["azureml"], ["inference_schema"]) is PROFILES["azureml"]


def test_every_stand_in_is_a_module_of_the_runtime() -> None:
    text = (RUNTIME / "worker" / "shims.py").read_text(encoding="utf-8")
    assert OWN.shims
    for module in OWN.shims:
        assert f'"{module}": (' in text
        assert any(module.startswith(f"{top}.") for package in OWN.optional for top in package.when)
    for package in OWN.optional:
        assert Requirement(package.requirement).name == package.name
        assert package.why
        assert package.when


def planned(road: Road, *arguments: str) -> dict[str, object]:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off", "--json"]
    done = road.run("plan", str(road.model), *base, *arguments)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert isinstance(content, dict)
    return content


def wheels(plan: dict[str, object]) -> set[str]:
    layers: list[dict[str, object]] = plan["layers"]  # type: ignore[assignment]  # a JSON document
    return {package.partition("==")[0] for layer in layers for package in layer["packages"]}  # type: ignore[attr-defined]


def test_the_plan_has_them_and_says_why(road: Road) -> None:
    script = road.folder / "score.py"
    script.write_text("from azureml_inference_server_http.api.aml_request import rawhttp\n" + PLAIN)
    plan = planned(road, "--scoring-script", str(script))
    assert "werkzeug" in wheels(plan)
    assert "inference-schema" not in wheels(plan)
    (decision,) = [each for each in plan["decisions"] if each["value"] == "werkzeug"]  # type: ignore[attr-defined]
    assert decision["why"].startswith("the scoring script asks for it")

    script.write_text("import inference_schema\n" + PLAIN)
    plan = planned(road, "--scoring-script", str(script))
    assert {"inference-schema", "wrapt"} <= wheels(plan)
    assert "werkzeug" not in wheels(plan)

    assert not {"werkzeug", "inference-schema", "wrapt"} & wheels(planned(road))


def test_an_image_is_made_where_the_script_imports_what_the_server_stands_in_for(road: Road) -> None:
    conda = road.model / "conda.yaml"
    conda.write_text(conda.read_text() + "  - azureml-ai-monitoring==1.0.0\n")
    requirements = road.model / "requirements.txt"
    requirements.write_text(requirements.read_text() + "azureml-ai-monitoring==1.0.0\n")
    script = road.folder / "score.py"
    script.write_text(
        "from azureml.ai.monitoring import Collector\n"
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "from azureml_inference_server_http.api.aml_response import AMLResponse\n" + PLAIN
    )
    done = road.image("--scoring-script", str(script))
    assert done.returncode == 0, done.stderr

    script.write_text("import azureml.contrib.services\nfrom azureml.core import Workspace\n" + PLAIN)
    done = road.image("--scoring-script", str(script))
    assert done.returncode != 0
    assert "EB411" in done.stderr
    assert "azureml.core" in done.stderr
    assert "azureml.contrib" not in done.stderr.replace("import azureml.contrib.services", "")
