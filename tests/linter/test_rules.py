from __future__ import annotations

from pathlib import Path

import pytest
from cases.eb206 import HASHED
from lintcases import Case, findings, write

from envbuild.errors import UsageError
from envbuild.linter import RULES, run
from envbuild.linter.fixes import apply
from envbuild.linter.types import Choice, Target
from envbuild.model import read
from envbuild.model.script import parse_script
from envbuild.servers import PROFILES

PYFUNC = "flavors: {python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7%s}}\n"
LISTED = Choice(select=("EB301", "EB302"))
SIGNATURE = "signature: {inputs: '[%s]'}\n"


def codes(findings):
    return [(f.code, f.severity) for f in findings]


def of(findings, code):
    return [f for f in findings if f.code == code]


def mlmodel(extra="", more=""):
    example = "saved_input_example_info: {artifact_path: input_example.json}\n"
    return PYFUNC % extra + SIGNATURE % '{"type": "double"}' + example + more


def test_a_good_model_has_no_finding_on_any_server(lint):
    for server in PROFILES:
        assert lint(server=server) == []


def test_eb001_stands_alone(lint):
    (found,) = lint({"MLmodel": None, "conda.yaml": "a: [\n"})
    assert (found.code, found.severity, found.spans[0].file) == ("EB001", "error", "MLmodel")


def test_eb002_comes_with_what_is_known_of_the_environment(lint):
    found = lint({"MLmodel": "a: [\n", "conda.yaml": "dependencies:\n- python=3.11\n"})
    assert codes(found) == [("EB002", "error"), ("EB301", "error"), ("EB302", "error")]


def test_eb003_no_python_function(lint):
    (found,) = of(lint({"MLmodel": "flavors: {crate: {}, spark: {}}\n"}), "EB003")
    assert "crate, spark" in found.message
    (found,) = of(lint({"MLmodel": "flavors: {python_function: {env: conda.yaml}}\n"}), "EB003")
    assert "loader_module" in found.message


def test_eb004_other_models_inside(lint):
    (found,) = lint({"backup/MLmodel": "x", "metadata/MLmodel": "x"})
    assert (found.code, found.severity) == ("EB004", "warning")
    assert [s.file for s in found.spans] == ["backup/MLmodel"]


def test_eb010_spark_on_azure_alone(lint):
    spark = {"MLmodel": mlmodel().replace("mlflow.sklearn", "mlflow.spark")}
    assert codes(lint(spark, azure=True)) == [("EB010", "error")]
    assert lint(spark, server="envbuild") == []


@pytest.mark.parametrize(
    "field",
    [
        '{"name": "x", "type": "binary"}',
        '{"name": "x", "type": "array", "items": {"type": "binary"}}',
        '{"name": "x", "type": "map", "values": {"type": "array", "items": {"type": "binary"}}}',
        '{"name": "x", "type": "object", "properties": {"p": {"type": "binary"}}}',
    ],
)
def test_eb011_binary_columns_on_azure_alone(lint, field):
    text = mlmodel().replace('{"type": "double"}', field)
    (found,) = lint({"MLmodel": text}, azure=True)
    assert (found.code, found.severity, "x" in found.message) == ("EB011", "error", True)
    assert lint({"MLmodel": text}) == lint({"MLmodel": text}, server="envbuild") == []
    assert lint({"MLmodel": text}, azure=True, script=parse_script("score.py", b"")) == []


@pytest.mark.parametrize(
    ("shape", "bad"), [("[-1, 3]", False), ("[-1]", False), ("[2, -1]", True), ("[-1, -1, 3]", True), ("[]", False)]
)
def test_eb012_free_dimensions_on_azure_alone(lint, shape, bad):
    field = '{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": %s}}' % shape  # noqa: UP031
    text = mlmodel().replace('{"type": "double"}', field)
    assert codes(lint({"MLmodel": text}, azure=True)) == ([("EB012", "error")] if bad else [])
    assert lint({"MLmodel": text}) == lint({"MLmodel": text}, server="envbuild") == []


def test_eb013_no_signature(lint):
    assert codes(lint({"MLmodel": mlmodel().replace("signature:", "x:", 1)})) == [("EB013", "warning")]
    assert codes(lint({"MLmodel": mlmodel().replace("{inputs:", "{outputs:", 1)})) == [("EB013", "warning")]


def test_eb014_no_input_example(lint):
    assert codes(lint({"MLmodel": mlmodel().replace("saved_input", "x_saved")})) == [("EB014", "info")]
    (found,) = lint({"input_example.json": None})
    assert (found.code, "input_example.json" in found.message) == ("EB014", True)


def test_eb015_external_resources(lint):
    more = "env_vars: [B_KEY, A_KEY]\nresources: {api_version: '1'}\nauth_policy: {system_auth_policy: {}}\n"
    artifacts = ", artifacts: {a: {path: artifacts/a, uri: x}, b: {uri: 'hf:/x'}}"
    found = lint({"MLmodel": mlmodel(artifacts, more), "artifacts/a/x": ""})
    assert codes(found) == [("EB015", "warning")] * 4
    assert "A_KEY, B_KEY" in found[0].message
    assert found[3].message.endswith(": b")
    (file,) = lint({"environment_variables.txt": "# names\nA\n"})
    assert (file.code, file.spans[0].file) == ("EB015", "environment_variables.txt")


@pytest.mark.parametrize(
    ("extra", "files", "missing"),
    [
        (", code: code", {}, "code"),
        (", code: code", {"code/a.py": ""}, ""),
        (", code: null, data: ''", {}, ""),
        (", data: data/model", {"data/model": ""}, ""),
        (", data: ./data", {"data/model": ""}, ""),
        (", data: data", {}, "data"),
        (", python_model: python_model.pkl", {}, "python_model.pkl"),
        (", model_code_path: /home/me/project/agent.py", {"agent.py": ""}, ""),
        (", model_code_path: /home/me/project/agent.py", {}, "agent.py"),
        (", model_code_path: 'C:\\me\\agent.py'", {"agent.py": ""}, ""),
        (", model_path: ../model.pkl", {}, "../model.pkl"),
    ],
)
def test_eb016_named_files_are_there(lint, extra, files, missing):
    found = lint({"MLmodel": mlmodel(extra), **files})
    assert codes(found) == ([("EB016", "error")] if missing else [])
    if missing:
        assert repr(missing) in found[0].message
        assert found[0].spans[0].file == "MLmodel"


def test_eb016_says_when_a_file_was_left_out(lint):
    (found,) = lint({".envbuildignore": "*.pkl\n"})
    assert "left out (.envbuildignore: *.pkl)" in found.message


def test_eb016_external_artifacts(lint):
    (found,) = lint({"MLmodel": mlmodel(more="metadata: {mlflow.model.isExternal: true}\n")})
    assert (found.code, found.severity) == ("EB016", "error")


def test_eb101_hands_on_every_problem(lint):
    conda = CONDA_OF.replace("- pip:\n", "- pip:\n  - a b\n  - numpy=1\n") % ("", "")
    found = lint({"conda.yaml": conda})
    assert codes(found) == [("EB101", "error")] * 2
    assert [f.spans[0].line for f in found] == [4, 5]


def test_an_unreadable_environment_is_told_once(lint):
    for text in ("", "a: [\n", "dependencies:\n\t- x\n"):
        assert codes(lint({"conda.yaml": text})) == [("EB101", "error")]


CONDA_OF = "dependencies:\n- python=3.11\n%s- pip:\n  - azureml-inference-server-http\n  - azureml-ai-monitoring\n%s"


@pytest.mark.parametrize(
    ("conda", "pip", "message"),
    [
        ("", ["numpy==1.26", "numpy==2.0"], "no version of numpy satisfies both ==1.26 and ==2.0"),
        ("", ["numpy<2", "NumPy>=2"], "no version of numpy satisfies both <2 and >=2"),
        ("", ["numpy>=2,<1"], "no version of numpy satisfies <1,>=2"),
        ("- numpy=1.26.4\n", ["numpy==2.1.0"], "no version of numpy satisfies both ==1.26.4.* and ==2.1.0"),
        ("- numpy==1.26.4=py311_0\n", ["numpy>=2"], "no version of numpy satisfies both ==1.26.4 and >=2"),
        ("- numpy 1.26.* h1_0\n", ["numpy>=2"], "no version of numpy satisfies both ==1.26.* and >=2"),
        ("- numpy=1.26\n", ["numpy==1.26.4"], ""),
        ("- numpy=1|2\n", ["numpy==3"], ""),
        ("", ["numpy==1.26", "numpy==1.26"], ""),
        ("", ["numpy>=1", "numpy<2"], ""),
        ("", ["numpy", "numpy==2"], ""),
        ("", ["numpy==1; python_version<'3.10'", "numpy==2; python_version>='3.10'"], ""),
        ("", ["numpy==1; python_version>='3.10'", "numpy==2"], "no version of numpy satisfies both ==1 and ==2"),
        ("", ["numpy==1; sys_platform=='win32'", "numpy==2"], ""),
        ("", ["numpy==1; platform_machine=='arm64'", "numpy==2"], ""),
        ("", ["-c constraints.txt", "numpy==2"], "no version of numpy satisfies both ==2 and <2"),
        ("", ["-c constraints.txt", "scipy==2"], ""),
    ],
)
def test_eb102_pins_that_cannot_meet(lint, conda, pip, message):
    text = CONDA_OF % (conda, "".join(f'  - "{line}"\n' for line in pip))
    found = lint({"conda.yaml": text, "constraints.txt": "numpy<2\npandas<1\npandas>2\n"})
    assert [(f.code, f.message) for f in found] == ([("EB102", message)] if message else [])
    if message:
        assert len(found[0].spans) == (2 if "both" in message else 1)


def test_eb102_judges_markers_for_the_python_of_this_run(lint):
    text = CONDA_OF % ("", "  - a==1; python_version<'3.10'\n  - a==2\n")
    assert lint({"conda.yaml": text}) == []
    assert codes(lint({"conda.yaml": text}, python="3.9")) == [("EB102", "error")]


def test_eb110_no_environment_at_all(lint):
    (found,) = lint({"conda.yaml": None})
    assert (found.code, found.severity) == ("EB110", "error")
    assert "--environment FILE" in found.help


@pytest.mark.parametrize(
    ("declared", "hint"),
    [
        ("{conda: conda.yaml, virtualenv: null}", "write the name of a file: python_env.yaml"),
        ("{conda: null}", "write the name of a file: conda.yaml"),
        ("[conda.yaml]", "write the name of a file: conda.yaml"),
    ],
)
def test_eb110_names_the_file_that_belongs_there(lint, declared, hint):
    text = mlmodel().replace("python_function: {", f"python_function: {{env: {declared}, ")
    (found,) = lint({"MLmodel": text})
    assert (found.code, found.help) == ("EB110", hint)


@pytest.mark.parametrize(("line", "said"), [("- python>=3.9\n", "python>=3.9"), ("", "no file names")])
def test_eb202_no_python_version(lint, line, said):
    conda = CONDA_OF.replace("- python=3.11\n", line) % ("", "")
    text = mlmodel().replace("python_version: 3.11.7", "x: y")
    (found,) = lint({"MLmodel": text, "conda.yaml": conda})
    assert (found.code, found.severity, said in found.message) == ("EB202", "error", True)
    assert lint({"MLmodel": text, "conda.yaml": conda}, python="3.11") == []
    assert lint({"conda.yaml": conda}) == []


@pytest.mark.parametrize(
    ("lines", "pip", "after", "hint"),
    [
        ("scikit-learn=1.2.2", "scikit-learn", "scikit-learn==1.2.2", "writes its version into the pip list"),
        ("scikit-learn=1.2.2", "scikit-learn>=1", "scikit-learn>=1", "takes the line away: the pip list has it"),
        ("scikit-learn", "scikit-learn", "scikit-learn", "takes the line away: the pip list has it"),
        ("scikit-learn=1.2.2", "-r requirements.txt", "-r requirements.txt", "writes its version into the pip list"),
        ("tzdata=2023c=h04d1e81_0", "tzdata", "tzdata==2023.3.*", "writes its version into the pip list"),
    ],
)
def test_eb104_keeps_the_version_of_the_line_that_it_takes_away(tmp_path, lines, pip, after, hint):
    head = "dependencies:\n- python=3.11.7\n"
    files = {"conda.yaml": f"{head}- {lines}\n- pip:\n  - {pip}\n  - numpy\n", "requirements.txt": "scikit-learn\n"}
    root = write(Case(files=files), tmp_path / "model")
    (found,) = (f for f in findings(Case(), root) if f.code == "EB104")
    assert hint in found.help
    apply(read(root), [found], unsafe=True)
    assert (root / "conda.yaml").read_text() == f"{head}- pip:\n  - {after}\n  - numpy\n"
    assert read(root).environment.lists(lines.partition("=")[0])


def test_eb104_changes_nothing_where_another_file_has_another_version(lint):
    conda = "dependencies:\n- python=3.11.7\n- numpy=1.26.4\n- pip:\n  - numpy\n"
    (found,) = lint({"conda.yaml": conda, "requirements.txt": "numpy==2.1.0\n"}, select=["EB104"])
    assert found.edits == ()
    assert found.help == "write `numpy==1.26.4` into the pip list instead"


def test_eb206_leaves_a_line_with_hashes_alone(tmp_path):
    (found,) = (f for f in findings(HASHED, write(HASHED, tmp_path / "model")) if f.code == "EB206")
    assert found.edits == ()
    assert "66.1" in found.help
    assert "hashes" in found.help


def test_eb204_is_fixable_unless_the_version_is_in_doubt(lint):
    base = {"conda.yaml": None, "requirements.txt": "azureml-inference-server-http\nazureml-ai-monitoring\n"}
    end = "\ndependencies:\n- -r requirements.txt\n"
    (found,) = lint({**base, "python_env.yaml": "python: 3.10  # why" + end})
    assert (found.code, found.severity) == ("EB204", "error")
    assert found.edits[0].text == 'python: "3.10"  # why'
    (found,) = lint({**base, "python_env.yaml": "python: 3.1" + end})
    assert found.edits == ()
    # Quotes would make a part of the version of what stands before it.
    for odd in ("&p 3.10", "!!float 3.10", "!!float '3.10'", "3", "0x1F"):
        (found,) = lint({**base, "python_env.yaml": f"python: {odd}{end}"}, select=["EB204"])
        assert (found.code, found.edits) == ("EB204", ())
    assert lint({**base, "python_env.yaml": "python: 3.10.2" + end}) == []
    assert lint({**base, "python_env.yaml": "python: '3.10'" + end}) == []


SERVERLESS = "dependencies:\n- python=3.11\n- pip:\n  - mlflow\n%s"


def test_eb301_and_eb302_name_packages_places_and_three_ways_on(lint):
    server, monitoring = lint({"conda.yaml": SERVERLESS % "", "requirements.txt": "mlflow\n"})
    assert codes([server, monitoring]) == [("EB301", "error"), ("EB302", "error")]
    assert "azureml-inference-server-http" in server.message
    assert "azureml-ai-monitoring" in monitoring.message
    for finding in (server, monitoring):
        assert [(s.file, s.line) for s in finding.spans] == [("conda.yaml", 4), ("requirements.txt", 1)]
        assert "at conda.yaml:5 and requirements.txt:2" in finding.help
        assert all(way in finding.help for way in ("--fix", "--inject", "--server envbuild"))
        assert {e.file for e in finding.edits} == {"conda.yaml", "requirements.txt"}


def test_each_package_is_judged_by_itself(lint):
    conda = SERVERLESS % "  - azureml-inference-server-http==1.5.1\n"
    assert codes(lint({"conda.yaml": conda})) == [("EB302", "error")]
    assert codes(lint({"conda.yaml": SERVERLESS % "  - AzureML_AI.Monitoring\n"})) == [("EB301", "error")]


def test_a_package_that_another_would_bring_does_not_count(lint):
    text = SERVERLESS % "  - azureml-defaults\n  - azureml-mlflow\n"
    assert codes(lint({"conda.yaml": text})) == [("EB301", "error"), ("EB302", "error")]


def test_other_servers_bring_their_own(lint):
    assert lint({"conda.yaml": SERVERLESS % ""}, server="envbuild") == []


def test_inject_turns_both_into_notes(lint):
    found = lint({"conda.yaml": SERVERLESS % ""}, inject=True)
    assert codes(found) == [("EB301", "info"), ("EB302", "info")]
    assert all("--inject" in f.message and not f.edits for f in found)


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        ("import json, mlflow", "warning"),
        ("from azureml import core", "warning"),
        ("from azureml.ai import monitoring", "error"),
        ("def run(data):\n    from azureml.ai.monitoring.collector import Collector", "error"),
        ("import json as ;", "error"),
        (None, "error"),
    ],
)
def test_eb302_is_a_warning_for_a_script_that_does_not_monitor(lint, source, severity):
    script = parse_script("score.py", source.encode()) if source is not None else None
    found = lint({"conda.yaml": SERVERLESS % ""}, script=script)
    assert codes(found) == [("EB301", "error"), ("EB302", severity)]


def test_a_downloaded_model_is_not_offered_a_fix(folder):
    from dataclasses import replace

    model = replace(read(folder({"conda.yaml": SERVERLESS % ""})), uri="models:/m/1")
    found = run(model, Target(server=PROFILES["azureml"]), LISTED)
    assert codes(found) == [("EB301", "error"), ("EB302", "error")]
    assert all(not f.edits and "--fix is refused: the model was downloaded" in f.help for f in found)


def test_a_given_environment_is_not_offered_a_fix(folder, tmp_path):
    (tmp_path / "e.txt").write_text("mlflow\n")
    found = run(read(folder(), environment=tmp_path / "e.txt"), Target(server=PROFILES["azureml"]), LISTED)
    assert codes(found) == [("EB301", "error"), ("EB302", "error")]
    assert all(not f.edits and str(tmp_path / "e.txt") in f.help for f in found)


def test_the_forest_model_stops_with_both(fixture_models):
    found = run(read(fixture_models / "forest"), Target(server=PROFILES["azureml"]))
    assert codes(found) == [("EB301", "error"), ("EB302", "error")]


def test_rules_are_left_out_by_code_or_name(lint):
    files = {"conda.yaml": SERVERLESS % ""}
    assert codes(lint(files, ignore=["EB301"])) == [("EB302", "error")]
    assert codes(lint(files, ignore=["eb301", "monitoring-missing"])) == []
    with pytest.raises(UsageError, match="no rule 'EB999'"):
        lint(files, ignore=["EB999"])
    with pytest.raises(UsageError, match=r"EB001 .* cannot be ignored"):
        lint(files, ignore=["EB001"])


def test_every_rule_is_one_small_file_with_a_page():
    folder = Path(__file__).resolve().parents[2] / "envbuild" / "linter" / "rules"
    files = sorted(p.stem for p in folder.glob("eb*.py"))
    assert [f"{r.code.lower()}_{r.name.replace('-', '_')}" for r in RULES] == files
    for rule in RULES:
        page = type(rule).__doc__ or ""
        titles = ("What it does", "Why it breaks", "Example", "Use instead", "Source")
        sections = [page.find(f"*{title}*:") for title in titles]
        assert -1 not in sections, rule.code
        assert sections == sorted(sections), rule.code
        assert rule.severity in ("error", "warning", "info")


def test_a_rule_is_added_by_adding_one_file(monkeypatch, tmp_path, lint):
    from envbuild.linter import engine, rules

    (tmp_path / "eb999_new_thing.py").write_text(
        "from envbuild.linter.base import BaseRule\n"
        "class NewThing(BaseRule):\n"
        "    code = 'EB999'\n    name = 'new-thing'\n    severity = 'warning'\n"
        "    def check(self, model, target):\n        yield self.finding('new')\n"
    )
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    found = engine.discover()
    assert (found[-1].code, len(found)) == ("EB999", len(RULES) + 1)
    monkeypatch.setattr(engine, "RULES", found)
    assert codes(lint(select=["EB999"])) == [("EB999", "warning")]


def test_a_problem_that_no_rule_knows_is_not_lost(monkeypatch, lint):
    from envbuild.linter import engine

    monkeypatch.setattr(engine, "RULES", tuple(r for r in RULES if r.code != "EB101"))
    (found,) = lint({"conda.yaml": ""})
    assert (found.code, found.severity) == ("EB101", "error")
