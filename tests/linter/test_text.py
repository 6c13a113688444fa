from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

from envbuild.linter import run
from envbuild.linter.text import render_json, render_text, summary
from envbuild.linter.types import Finding, Target
from envbuild.model import read
from envbuild.model.types import Span
from envbuild.servers import PROFILES

TARGET = Target(server=PROFILES["azureml"])
BAD = Finding(code="EB101", name="bad-requirement", severity="error", message="bad", help="mend it\nor not")


def test_a_finding_looks_like_a_good_compilers(folder):
    conda = "dependencies:\n- python=3.11\n- pip:\n  - mlflow\n  - azureml-ai-monitoring\n"
    root = folder({"conda.yaml": conda, "requirements.txt": "mlflow\n"})
    model = read(root)
    assert render_text(run(model, TARGET), model, color=False) == (
        "EB301 [error] azureml-inference-server-http is not among the model's requirements: "
        "the image would have nothing to start\n"
        " --> conda.yaml:5:5\n"
        "  |\n"
        "5 |   - azureml-ai-monitoring\n"
        "  |     ^^^^^^^^^^^^^^^^^^^^^\n"
        " --> requirements.txt:1:1\n"
        "  |\n"
        "1 | mlflow\n"
        "  | ^^^^^^\n"
        "help: one of three ways on:\n"
        f"      - --fix adds `{PROFILES['azureml'].packages[0].requirement}` at conda.yaml:6 and requirements.txt:2\n"
        "      - --inject adds it to this build alone, and leaves the model as it is\n"
        "      - --server envbuild or --server mlflow brings its own packages\n"
        "\n"
        "Found 1 error (1 fixable with --fix).\n"
    )


def shown(text, span, folder, name="requirements.txt"):
    model = replace(read(folder()), texts={name: text})
    return render_text([replace(BAD, spans=(replace(span, file=name),))], model, color=False).split("\n")


def test_line_numbers_are_aligned(folder):
    lines = shown("a\n" * 8 + "bad x\nz", Span(file="", line=9, column=5, end_column=6), folder)
    assert lines[1:5] == [" --> requirements.txt:9:5", "  |", "9 | bad x", "  |     ^"]
    lines = shown("a\n" * 9 + "bad x\nz", Span(file="", line=10, column=5, end_column=6), folder)
    assert lines[1:5] == ["  --> requirements.txt:10:5", "   |", "10 | bad x", "   |     ^"]


def test_carets_stand_under_wide_characters_and_tabs(folder):
    lines = shown("\u65e5\u672c x", Span(file="", column=4, end_column=5), folder)
    assert lines[4] == "  |      ^"
    lines = shown("\tx", Span(file="", column=2, end_column=3), folder)
    assert lines[3:5] == ["1 |  x", "  |  ^"]


def test_a_long_line_is_cut_around_the_place(folder):
    lines = shown("a" * 5000 + "HERE" + "b" * 5000, Span(file="", column=5001, end_column=5005), folder)
    assert len(lines[3]) < 120
    start = lines[4].index("^")
    assert lines[3][start : start + 4] == "HERE"
    assert lines[4].count("^") == 4


def test_a_place_at_the_end_or_outside_of_the_file_is_no_error(folder):
    assert "requirements.txt:1:4" in shown("abc", Span(file="", column=4, end_column=5), folder)[1]
    assert shown("abc", Span(file="", line=99), folder)[2] == "help: mend it"
    assert shown("abc", Span(file="", column=500, end_column=600), folder)[4].endswith("^")


def test_a_file_cannot_steer_the_terminal_or_show_a_password(folder):
    text = "\n".join(shown("a\x1b[31m\u202e https://user:hunter2@host/x", Span(file="", end_column=2), folder))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "hunter2" not in text
    model = read(folder())
    text = render_text([replace(BAD, message="\x1b]0;x\x07 https://u:hunter2@h")], model, color=False)
    assert "\x1b" not in text
    assert "hunter2" not in text
    assert "hunter2" not in json.dumps(render_json([replace(BAD, message="https://u:hunter2@h")]))


def test_color_changes_nothing_but_color(folder):
    import re

    model = read(folder({"conda.yaml": "dependencies:\n- pip:\n  - a b\n"}))
    findings = run(model, TARGET)
    colored = render_text(findings, model, color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_text(findings, model, color=False)


def test_the_summary_counts():
    warning, note = replace(BAD, severity="warning"), replace(BAD, severity="info")
    assert summary([BAD]) == "Found 1 error."
    assert summary([BAD, BAD, warning]) == "Found 2 errors and 1 warning."
    assert summary([BAD, warning, note, note]) == "Found 1 error, 1 warning and 2 notes."


def test_nothing_found_is_nothing_shown(folder):
    assert render_text([], read(folder()), color=False) == ""
    assert render_json([]) == []


def test_json_holds_all_of_a_finding(folder):
    model = read(folder({"conda.yaml": "dependencies:\n- python=3.11\n- pip:\n  - azureml-ai-monitoring\n"}))
    (found,) = render_json(run(model, TARGET))
    assert json.loads(json.dumps(found)) == found
    assert (found["code"], found["name"]) == ("EB301", "server-missing")
    assert (found["severity"], found["fixable"]) == ("error", True)
    assert found["spans"] == [{"file": "conda.yaml", "line": 4, "column": 5, "end_column": 26}]
    assert found["edits"][0]["file"] == "conda.yaml"
    assert found["edits"][0]["action"] == "insert"


def test_linting_a_plain_model_loads_nothing_heavy(folder):
    code = (
        "import sys; from envbuild.model import read; from envbuild.linter import run\n"
        "from envbuild.linter.types import Target; from envbuild.servers import PROFILES\n"
        "assert not run(read(sys.argv[1]), Target(server=PROFILES['azureml']))\n"
        "heavy = 'mlflow packaging requests rich docker multiprocessing click'\n"
        "print([m for m in heavy.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder())], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
