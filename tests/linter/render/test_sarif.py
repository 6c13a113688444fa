from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft7Validator

from envbuild.linter import run
from envbuild.linter.fixes import apply
from envbuild.linter.render import Checked, Report, Unread
from envbuild.linter.render.sarif import sarif
from envbuild.linter.types import Choice, Edit, Finding, Target
from envbuild.model import read
from envbuild.model.standalone import read_alone
from envbuild.model.types import Span
from envbuild.servers import PROFILES

TARGET = Target(server=PROFILES["azureml"])
SERVER_RULES = Choice(select=("EB301", "EB302"))
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text())


def checked(log):
    """The one run of the log, which the official schema takes."""
    log = json.loads(json.dumps(log))
    Draft7Validator(SCHEMA).validate(log)
    return log["runs"][0]


def results(report, environ=None):
    return checked(sarif(report, environ or {}))["results"]


def test_sarif_follows_the_official_schema(forest, found, odd):
    for report in (Report.of(forest, found), Report.of(forest, ()), Report(results=()), odd()):
        checked(sarif(report, {}))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["tool"]["driver"].pop("name"),
        lambda r: r["results"][0].update(level="info"),
        lambda r: r["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda r: r["results"][0].update(anything=1),
    ],
)
def test_the_schema_tells_what_is_wrong(forest, found, change):
    log = sarif(Report.of(forest, found), {})
    change(log["runs"][0])
    assert not Draft7Validator(SCHEMA).is_valid(log)


def test_a_result_names_every_place_from_the_checkout(forest, found, tmp_path):
    base = str(tmp_path / "models" / "a b")
    report = Report(results=(Checked(name="x", model=forest, findings=found, base=base),))
    run_ = checked(sarif(report, {"GITHUB_WORKSPACE": str(tmp_path)}))
    first = run_["results"][0]
    assert (first["ruleId"], first["level"]) == ("EB301", "error")
    places = [location["physicalLocation"] for location in first["locations"]]
    assert [p["artifactLocation"] for p in places] == [
        {"uri": "models/a%20b/conda.yaml", "uriBaseId": "SRCROOT"},
        {"uri": "models/a%20b/requirements.txt", "uriBaseId": "SRCROOT"},
    ]
    assert places[0]["region"] == {"startLine": 12, "startColumn": 5, "endLine": 12, "endColumn": 18}
    root = run_["originalUriBaseIds"]["SRCROOT"]["uri"]
    assert urlsplit(root).scheme == "file"
    assert unquote(urlsplit(root).path) == f"{tmp_path}/"


def test_a_file_outside_of_the_checkout_has_a_whole_address(forest, found, tmp_path):
    report = Report(results=(Checked(name="x", model=forest, findings=found, base="/elsewhere/m"),))
    location = results(report, {"GITHUB_WORKSPACE": str(tmp_path)})[0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "file:///elsewhere/m/conda.yaml"}


def test_rules_carry_their_pages_and_results_point_to_them(forest, found):
    run_ = checked(sarif(Report.of(forest, (*found, *found)), {}))
    rules = run_["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["EB301", "EB302"]
    assert [rules[result["ruleIndex"]]["id"] for result in run_["results"]] == ["EB301", "EB302"] * 2
    for rule in rules:
        assert rule["shortDescription"]["text"].endswith(".")
        assert "**Use instead**: " in rule["help"]["markdown"]
        assert "Use instead: " in rule["help"]["text"]
        assert rule["defaultConfiguration"] == {"level": "error"}


def test_a_finding_of_no_place_is_shown_at_the_model(forest):
    finding = Finding(code="EB110", name="env-declaration-odd", severity="info", message="m")
    (result,) = results(Report(results=(Checked(name="x", model=forest, findings=(finding,), base="x"),)))
    assert result["level"] == "note"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "x/MLmodel"


def test_what_is_no_file_is_no_place(forest):
    spans = (Span(file="--requirement"), Span(file="requirements.txt", line=2))
    both = Finding(code="EB105", name="x", severity="error", message="m", spans=spans)
    found = (both, replace(both, spans=spans[:1]))
    report = Report(results=(Checked(name="x", model=forest, findings=found, base="x"),))
    places = [[p["physicalLocation"]["artifactLocation"] for p in r["locations"]] for r in results(report)]
    root = {"uriBaseId": "SRCROOT"}
    assert places == [[{"uri": "x/requirements.txt", **root}], [{"uri": "x/MLmodel", **root}]]


def test_standard_input_has_a_name_and_no_other_place():
    model = read_alone(b"dependencies:\n- pip:\n  - mlflow\n")
    (result,) = results(
        Report(
            results=(
                Checked(name="<stdin>", model=model, findings=tuple(run(model, TARGET, Choice(select=("EB301",))))),
            )
        )
    )
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "%3Cstdin%3E"}


def test_a_finding_is_known_again_where_its_line_moved(folder):
    def prints(text):
        model = read(folder({"conda.yaml": text, "requirements.txt": "mlflow\n"}))
        report = Report(results=(Checked(name="x", model=model, findings=tuple(run(model, TARGET, SERVER_RULES))),))
        return [tuple(result["partialFingerprints"].values()) for result in results(report)]

    before = prints("dependencies:\n- python=3.11\n- pip:\n  - mlflow\n")
    assert len(set(before)) == 2
    assert prints("# new\n\ndependencies:\n- python=3.11\n- pip:\n  - mlflow\n") == before
    assert prints("dependencies:\n- python=3.11\n- pip:\n  - mlflow==2\n") != before


def test_equal_findings_have_prints_of_their_own(forest, found):
    one = found[0]
    prints = [tuple(result["partialFingerprints"].values()) for result in results(Report.of(forest, (one, one)))]
    assert len(set(prints)) == 2


def replaced(text: str, changes) -> str:
    """What a viewer makes of a file: regions are replaced from the last to the first."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    for order, change in enumerate(changes):
        region = change["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        spans.append((start, order, end, change["insertedContent"]["text"]))
    out, position = "", 0
    for start, _, end, new in sorted(spans):
        assert start >= position
        out += text[position:start] + new
        position = end
    return out + text[position:]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_fix_gives_what_fix_writes(folder, ending, last):
    def file(*lines):
        return ending.join(lines) + (ending if last else "")

    conda = file("dependencies:", "- python=3.11", "- pip:", "  - mlflow")
    root = folder({"conda.yaml": conda, "requirements.txt": file("mlflow", "numpy")})
    model = read(root)
    found = tuple(run(model, TARGET, SERVER_RULES))
    changes: dict[str, list] = {}
    for result in results(Report(results=(Checked(name="", model=model, findings=found),))):
        for change in result["fixes"][0]["artifactChanges"]:
            changes.setdefault(change["artifactLocation"]["uri"], []).extend(change["replacements"])
    assert apply(model, found) == sorted(changes) == ["conda.yaml", "requirements.txt"]
    for name, of_file in changes.items():
        assert replaced(model.texts[name], of_file) == (root / name).read_bytes().decode()


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (Edit(file="requirements.txt", line=0, text="x"), "x\na\nb\nc\n"),
        (Edit(file="requirements.txt", line=1, text="x"), "a\nx\nb\nc\n"),
        (Edit(file="requirements.txt", line=3, text="x"), "a\nb\nc\nx\n"),
        (Edit(file="requirements.txt", line=2, text="x", action="replace"), "a\nx\nc\n"),
        (Edit(file="requirements.txt", line=2, action="delete"), "a\nc\n"),
        (Edit(file="requirements.txt", line=3, action="delete"), "a\nb\n"),
    ],
)
def test_every_kind_of_edit_is_a_replacement(forest, edit, after):
    model = replace(forest, texts={"requirements.txt": "a\nb\nc\n"})
    finding = Finding(code="EB301", name="x", severity="error", message="m", edits=(edit,))
    (result,) = results(Report.of(model, (finding,)))
    (change,) = result["fixes"][0]["artifactChanges"]
    assert replaced("a\nb\nc\n", change["replacements"]) == after


def test_a_model_that_could_not_be_read_is_told(forest, found):
    lost = Unread(name="gone", message="there is no model folder gone", hint="name another", exit_code=3)
    run_ = checked(sarif(Report(results=(*Report.of(forest, found).results, lost)), {}))
    assert run_["invocations"][0]["executionSuccessful"] is False
    notes = run_["invocations"][0]["toolExecutionNotifications"]
    assert notes[0]["message"]["text"] == "gone: there is no model folder gone. name another."
    assert checked(sarif(Report.of(forest, found), {}))["invocations"] == [{"executionSuccessful": True}]


def test_a_region_is_never_turned_around(forest):
    span = Span(file="conda.yaml", line=2, column=9, end_column=1)
    finding = Finding(code="EB301", name="x", severity="error", message="m", spans=(span,))
    region = results(Report.of(forest, (finding,)))[0]["locations"][0]["physicalLocation"]["region"]
    assert region["endColumn"] == region["startColumn"] == 9


def test_no_credential_is_written(odd):
    text = json.dumps(sarif(odd(), {}))
    assert "hunter2" not in text
    assert "s3cret" not in text
