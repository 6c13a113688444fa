"""The composite action: what GitHub reads of it, and its steps run with bash as a runner runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "github-action.json").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
THESE = "--select 'EB301,EB302'"


@dataclass
class Runner:
    """What a runner gives to the steps of a composite action, and takes from them."""

    workspace: Path
    temp: Path
    inputs: dict[str, str]
    action: Path = ROOT
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    log: str = ""

    def value(self, text: str) -> str:
        """`text` with its expressions filled in; an unknown name is an error, as a typing mistake would be."""
        return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", lambda found: self.name(found[1]), text)

    def name(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        if kind == "inputs":
            return self.inputs[rest]
        if kind == "steps":
            step, _, output = rest.partition(".outputs.")
            return self.outputs[step].get(output, "")
        raise AssertionError(f"a name that this runner does not know, or that is another one in a container: {name}")

    def wanted(self, step: dict[str, Any]) -> bool:
        """Whether the condition of a step holds: names, texts, `==`, `!=` and `&&`."""
        parts = step.get("if", "").split(" && ") if "if" in step else []
        for part in parts:
            left, sign, right = part.split(" ")
            equal = self.name(left) == right.strip("'")
            if equal != {"==": True, "!=": False}[sign]:
                return False
        return True

    def run(self, step: dict[str, Any]) -> int:
        """Run one step; its outputs and what it adds to the path count from then on."""
        assert step["shell"] == "bash"
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        script = self.temp / "script.sh"
        script.write_text(self.value(step["run"]))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.workspace,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")},
                "PATH": os.pathsep.join([*self.path, "/usr/bin", "/bin"]),
                "GITHUB_ACTIONS": "true",
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_ACTION_PATH": str(self.action),
                "RUNNER_TEMP": str(self.temp),
                "CI": "true",
                **{name: str(file) for name, file in files.items()},
                **{name: self.value(value) for name, value in step.get("env", {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        self.log += done.stdout
        lines = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        self.outputs[step.get("id", step["name"])] = {name: value for name, _, value in lines}
        self.path = [*files["GITHUB_PATH"].read_text().split("\n")[:-1], *self.path]
        return done.returncode


@pytest.fixture
def runner(tmp_path: Path) -> Any:
    """A runner in a checkout with two models: one that the Azure ML server can serve, and one that it cannot."""
    workspace = tmp_path / "work space"
    for name in ("forest", "diabetes"):
        shutil.copytree(ROOT / "fixtures" / "models" / name, workspace / "models" / name)
    (tmp_path / "temp").mkdir()

    def make(**inputs: str) -> Runner:
        defaults = {name: given.get("default", "") for name, given in ACTION["inputs"].items()}
        names = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(names) <= set(defaults)
        return Runner(workspace=workspace, temp=tmp_path / "temp", inputs={**defaults, **names})

    return make


def installed(runner: Runner) -> Runner:
    """As after the step that installs envbuild, with the environment of these tests."""
    (runner.temp / "envbuild").symlink_to(sys.prefix)
    runner.path = [str(runner.temp / "envbuild" / "bin")]
    return runner


def test_the_action_is_what_github_takes() -> None:
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator(SCHEMA).validate(ACTION)
    broken = {**ACTION, "runs": {**ACTION["runs"], "steps": [{"name": "x", "run": "true"}]}}
    assert not Draft7Validator(SCHEMA).is_valid(broken)


def test_no_input_is_pasted_into_a_script() -> None:
    """An input inside of `run` would be a way to run a stranger's commands."""
    scripts = [step["run"] for step in STEPS.values() if "run" in step]
    assert len(scripts) == 3
    assert not [script for script in scripts if "${{" in script]


def test_findings_are_shown_annotated_and_left_as_sarif(runner: Any) -> None:
    run = installed(runner(models="models/*\n", args=THESE))
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"] == {"exit-code": "1", "sarif-file": "envbuild.sarif"}
    assert "EB301 [error]" in run.log
    assert re.search(r"^::error file=models/forest/conda\.yaml,line=12,col=5,.*title=EB301 ", run.log, re.MULTILINE)
    log = json.loads((run.workspace / "envbuild.sarif").read_text())["runs"][0]
    assert log["invocations"] == [{"executionSuccessful": True}]
    uris = {place["physicalLocation"]["artifactLocation"]["uri"] for r in log["results"] for place in r["locations"]}
    assert uris == {"models/forest/conda.yaml", "models/forest/requirements.txt"}
    assert run.wanted(STEPS["Upload the findings"])
    given = {name: run.value(value) for name, value in STEPS["Upload the findings"]["with"].items()}
    assert given == {"sarif_file": "envbuild.sarif", "category": "envbuild-lint"}
    assert run.run(STEPS["Tell how it went"]) == 1
    assert {name: run.value(output["value"]) for name, output in ACTION["outputs"].items()} == run.outputs["lint"]


def test_a_clean_model_ends_well_and_its_empty_report_is_uploaded(runner: Any) -> None:
    run = installed(runner(models="models/diabetes", args=THESE, sarif_file="out put.sarif"))
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"] == {"exit-code": "0", "sarif-file": "out put.sarif"}
    assert json.loads((run.workspace / "out put.sarif").read_text())["runs"][0]["results"] == []
    assert run.wanted(STEPS["Upload the findings"])
    assert run.run(STEPS["Tell how it went"]) == 0


@pytest.mark.parametrize(
    ("inputs", "code", "says"),
    [
        ({"models": "models/forest", "args": "--select EB9999"}, 2, "there is no rule 'EB9999'"),
        ({"models": "nothing/*"}, 2, "::error title=envbuild lint::no model matches nothing/*\n"),
        ({"models": " \r\n100%[a]\n"}, 2, "::error title=envbuild lint::no model matches 100%25[a]\n"),
        ({"models": " \r\n"}, 2, "::error title=envbuild lint::models names no model folder\n"),
    ],
)
def test_without_a_report_nothing_is_uploaded(runner: Any, inputs: dict[str, str], code: int, says: str) -> None:
    run = installed(runner(**inputs))
    (run.workspace / "envbuild.sarif").write_text("of an earlier run")
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"] == {"exit-code": str(code)}
    assert says.lower() in run.log.lower()
    assert not run.wanted(STEPS["Upload the findings"])
    assert run.run(STEPS["Tell how it went"]) == code


def test_the_upload_can_be_left_out(runner: Any) -> None:
    run = installed(runner(models="models/diabetes", args=THESE, upload_sarif="false"))
    assert run.run(STEPS["Lint"]) == 0
    assert not run.wanted(STEPS["Upload the findings"])


@pytest.mark.parametrize("models", ["models/forest ", "\tmodels/forest\r\n\r\n", "  models/f* \r\n", "models/forest"])
def test_blanks_and_line_ends_of_windows_are_no_part_of_a_name(runner: Any, models: str) -> None:
    run = installed(runner(models=models, args=THESE))
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"]["exit-code"] == "1"
    assert " --> models/forest/conda.yaml:12:5\n" in run.log


def test_a_name_may_hold_blanks_and_signs_of_a_pattern(runner: Any) -> None:
    run = installed(runner(models="models/a b [1]\nmodels/a b*", args=THESE))
    (run.workspace / "models" / "diabetes").rename(run.workspace / "models" / "a b [1]")
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"]["exit-code"] == "0"
    assert "Checked models/a b [1]: no findings" in run.log


@pytest.mark.parametrize(("other", "code"), [("models/diabetes", "2"), ("models/forest", "1")])
def test_a_pattern_that_matches_nothing_is_told_beside_the_findings(runner: Any, other: str, code: str) -> None:
    run = installed(runner(models=f"nothing/*\n{other}", args=THESE))
    assert run.run(STEPS["Lint"]) == 0
    assert "::error title=envbuild lint::no model matches nothing/*\n" in run.log
    assert run.outputs["lint"] == {"exit-code": code, "sarif-file": "envbuild.sarif"}


@pytest.mark.parametrize(
    "args", ["--json", "--strict --output-format=json", "-o x", "-ox", "--output-file x", "--strict --"]
)
def test_what_would_spoil_the_file_of_findings_is_refused(runner: Any, args: str) -> None:
    run = installed(runner(models="models/forest", args=args))
    assert run.run(STEPS["Lint"]) == 1
    name = args.removeprefix("--strict ").removesuffix("x").strip().partition("=")[0]
    assert f"::error title=envbuild lint::args must not hold {name}: " in run.log
    assert not (run.workspace / "envbuild.sarif").exists()


def test_a_configuration_of_json_leaves_the_file_sarif(runner: Any) -> None:
    run = installed(runner(models="models/forest", args=THESE))
    (run.workspace / "envbuild.toml").write_text("[lint]\njson = true\n")
    assert run.run(STEPS["Lint"]) == 0
    assert json.loads((run.workspace / "envbuild.sarif").read_text())["version"] == "2.1.0"


def test_options_are_split_as_a_shell_splits_them_and_never_run(runner: Any) -> None:
    script = "a b/$(touch hacked).py"
    run = installed(
        runner(models="models/diabetes\nmodels/$(touch hacked)", args=f"{THESE} --scoring-script '{script}'")
    )
    (run.workspace / "a b" / "$(touch hacked).py").parent.mkdir()
    (run.workspace / script).write_text("def init(): ...\ndef run(data): ...\n")
    assert run.run(STEPS["Lint"]) == 0
    assert "there is no model folder models/$(touch hacked)" in run.log
    assert not list(run.workspace.rglob("hacked"))
    assert run.outputs["lint"] == {"exit-code": "3", "sarif-file": "envbuild.sarif"}
    run.inputs["args"] = "--select 'EB301"
    assert run.run(STEPS["Lint"]) == 1
    assert "::error title=envbuild lint::args cannot be split into words: No closing quotation" in run.log


@pytest.mark.slow
@pytest.mark.network
def test_every_step_runs_after_an_installation(runner: Any) -> None:
    run = runner(models="models/forest", args=THESE, python=sys.executable)
    # An installation builds in its source: GitHub gives a checkout of its own.
    run.action = run.temp / "action"
    left_out = shutil.ignore_patterns(".*", "build", "fixtures", "tests", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, run.action, ignore=left_out)
    assert run.run(STEPS["Install envbuild"]) == 0, run.log
    assert run.path == [str(run.temp / "envbuild" / "bin")]
    assert run.run(STEPS["Lint"]) == 0
    assert run.outputs["lint"]["exit-code"] == "1"
    assert (run.temp / "envbuild" / "bin" / "envbuild").is_file()
    assert run.run(STEPS["Tell how it went"]) == 1
