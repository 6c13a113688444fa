from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

from envbuild.linter import run
from envbuild.linter.render import Checked, Report, Unread, render
from envbuild.linter.render.text import summary
from envbuild.linter.types import Choice, Edit, Finding, Target
from envbuild.model import read
from envbuild.model.types import Span
from envbuild.servers import PROFILES

TARGET = Target(server=PROFILES["azureml"])
THESE = Choice(select=("EB101", "EB301", "EB302"))
EDIT = Edit(file="conda.yaml", line=1, text="x")
BAD = Finding(code="EB101", name="bad-requirement", severity="error", message="bad", help="mend it\nor not")
LOST = Unread(name="gone", message="there is no model folder gone", hint="", exit_code=3)


def report(model, *findings, base="m"):
    return Report(results=(Checked(name=base, model=model, findings=findings, base=base),))


def test_a_finding_looks_like_a_good_compilers(folder):
    conda = "dependencies:\n- python=3.11\n- pip:\n  - mlflow\n  - azureml-ai-monitoring\n"
    root = folder({"conda.yaml": conda, "requirements.txt": "mlflow\n"})
    model = read(root)
    assert render(report(model, *run(model, TARGET, THESE), base="models/a"), "text") == (
        "EB301 [error] [*] azureml-inference-server-http is not among the model's requirements: "
        "the image would have nothing to start\n"
        " --> models/a/conda.yaml:5:5\n"
        "  |\n"
        "5 |   - azureml-ai-monitoring\n"
        "  |     ^^^^^^^^^^^^^^^^^^^^^\n"
        " --> models/a/requirements.txt:1:1\n"
        "  |\n"
        "1 | mlflow\n"
        "  | ^^^^^^\n"
        "help: one of three ways on:\n"
        f"      - --fix adds `{PROFILES['azureml'].packages[0].requirement}` at conda.yaml:6 and requirements.txt:2\n"
        "      - --inject adds it to this build alone, and leaves the model as it is\n"
        "      - --server envbuild or --server mlflow brings its own packages\n"
        "page: envbuild explain EB301\n"
        "\n"
        "Found 1 error ([*] 1 fixable with --fix).\n"
    )


def test_the_page_of_a_rule_is_named_once(folder):
    other = replace(BAD, code="EB102")
    pages = [line for line in render(report(read(folder()), BAD, BAD, other), "text").split("\n") if "page:" in line]
    assert pages == ["page: envbuild explain EB101", "page: envbuild explain EB102"]


def test_an_unsafe_fix_is_told_from_a_safe_one(folder):
    safe, unsafe = (replace(BAD, edits=(EDIT,), safe=safe) for safe in (True, False))
    lines = render(report(read(folder()), safe, unsafe, BAD), "text").split("\n")
    assert [line for line in lines if line.startswith(("EB", "fix:"))] == [
        "EB101 [error] [*] bad",
        "EB101 [error] bad",
        "fix:  --unsafe-fixes writes it, and the model may answer differently then",
        "EB101 [error] bad",
    ]


def test_a_finding_of_no_place_names_its_model(folder):
    assert " --> models/a\n" in render(report(read(folder()), BAD, base="models/a"), "text")
    assert " --> .\n" in render(report(read(folder()), BAD, base=""), "text")
    assert render(report(read(folder()), BAD, base="models/a"), "concise").startswith("models/a: EB101 [error] bad\n")


def test_of_a_file_without_lines_its_name_is_the_place(folder):
    spans = (Span(file="model.pkl"), Span(file="conda.yaml"), Span(file="MLmodel", line=2))
    lines = render(report(read(folder()), replace(BAD, spans=spans), base=""), "text").split("\n")
    assert [line for line in lines if "-->" in line] == [" --> model.pkl", " --> conda.yaml:1:1", " --> MLmodel:2:1"]


def test_who_shows_one_place_shows_one_with_lines(folder):
    spans = (Span(file="model.pkl"), Span(file="conda.yaml", line=2), Span(file="MLmodel", line=3))
    found = report(read(folder()), replace(BAD, spans=spans))
    assert render(found, "concise").startswith("m/conda.yaml:2:1: ")
    assert "file=m/conda.yaml,line=2," in render(found, "github")
    assert 'name="EB101 bad-requirement m/conda.yaml:2:1"' in render(found, "junit")
    uris = re.findall(r'"uri": "(m/.*)"', render(found, "sarif"))
    assert uris == ["m/conda.yaml", "m/MLmodel", "m/model.pkl"]


def test_concise_is_one_line_a_finding(folder):
    spans = (Span(file="conda.yaml", line=7, column=3, end_column=9), Span(file="requirements.txt"))
    found = report(
        read(folder()),
        replace(BAD, spans=spans, message="two\nlines", edits=(EDIT,)),
        replace(BAD, severity="info", spans=spans[1:], edits=(EDIT,), safe=False),
    )
    assert render(found, "concise") == (
        "m/conda.yaml:7:3: EB101 [error] [*] two\ufffdlines\n"
        "m/requirements.txt:1:1: EB101 [info] bad\n"
        "Found 1 error and 1 note ([*] 1 fixable with --fix, 1 more with --unsafe-fixes).\n"
    )


def test_files_are_named_as_the_working_directory_sees_them(folder):
    model = read(folder())
    given = replace(model, environment=replace(model.environment, source="given", files=("envs/c.yaml",)))
    checked = Checked(name="x", model=given, findings=(), base="models/x/", outside={"score.py": "x = 1\n"})
    assert checked.path("MLmodel") == "models/x/MLmodel"
    assert checked.path("envs/c.yaml") == "envs/c.yaml"
    assert checked.path("score.py") == "score.py"
    assert checked.path("--requirement") == "--requirement"
    assert replace(checked, base="").path("MLmodel") == "MLmodel"
    assert replace(checked, base="models:/m/1").path("MLmodel") == "models:/m/1/MLmodel"


def test_what_lies_outside_of_a_model_is_told_from_its_files(folder):
    model = read(folder())
    spans = (Span(file="../score.py"), Span(file="conda.yaml"), Span(file="model.pkl"), Span(file="MLmodel"))
    checked = Checked.of(model, [replace(BAD, spans=spans)])
    places = [checked.path(span.file) for span in spans]
    assert places == ["../score.py", *(f"{checked.base}/{name}" for name in ("conda.yaml", "model.pkl", "MLmodel"))]


def test_a_script_outside_of_the_model_has_its_line_shown(folder):
    finding = replace(BAD, spans=(Span(file="src/score.py", line=2, column=5, end_column=8),))
    checked = Checked(
        name="m", model=read(folder()), findings=(finding,), base="m", outside={"src/score.py": "\ndef run(): ...\n"}
    )
    lines = render(Report(results=(checked,)), "text").split("\n")
    assert lines[1:5] == [" --> src/score.py:2:5", "  |", "2 | def run(): ...", "  |     ^^^"]


def shown(text, span, folder, name="requirements.txt"):
    model = replace(read(folder()), texts={name: text})
    return render(report(model, replace(BAD, spans=(replace(span, file=name),)), base=""), "text").split("\n")


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
    for form in ("text", "concise"):
        text = render(report(model, replace(BAD, message="\x1b]0;x\x07 https://u:hunter2@h")), form)
        assert "\x1b" not in text
        assert "hunter2" not in text


def test_color_changes_nothing_but_color(folder):
    model = read(folder({"conda.yaml": "dependencies:\n- pip:\n  - a b\n"}))
    found = report(model, *run(model, TARGET, THESE))
    for form in ("text", "concise"):
        colored = render(found, form, color=True)
        assert "\x1b[1;31m" in colored
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(found, form)


def test_the_summary_counts(folder):
    model = read(folder())
    warning, note = replace(BAD, severity="warning"), replace(BAD, severity="info")
    assert summary(report(model, BAD)) == "Found 1 error."
    assert summary(report(model, BAD, BAD, warning)) == "Found 2 errors and 1 warning."
    assert summary(report(model, BAD, warning, note, note)) == "Found 1 error, 1 warning and 2 notes."
    unsafe = replace(BAD, edits=(EDIT,), safe=False)
    assert summary(report(model, unsafe, unsafe)) == "Found 2 errors (2 fixable with --unsafe-fixes)."
    three = Report(results=(*report(model, BAD, BAD).results, *report(model).results, LOST))
    assert summary(three) == "Found 2 errors in 1 of 2 models; 1 model could not be read."


def test_the_exit_code_tells_errors_from_an_incomplete_answer(folder):
    model = read(folder())
    assert report(model).exit_code == 0
    assert report(model, replace(BAD, severity="warning")).exit_code == 0
    assert report(model, BAD).exit_code == 1
    assert Report(results=(*report(model, BAD).results, LOST)).exit_code == 3


def test_nothing_found_is_nothing_shown(folder):
    model = read(folder())
    assert [render(report(model), form) for form in ("text", "concise", "github")] == ["", "", ""]


def test_linting_a_plain_model_loads_nothing_heavy(folder):
    code = (
        "import sys; from envbuild.model import read; from envbuild.linter import run\n"
        "from envbuild.linter.render import Report, render\n"
        "from envbuild.linter.types import Target; from envbuild.servers import PROFILES\n"
        "model = read(sys.argv[1]); render(Report.of(model, run(model, Target(server=PROFILES['azureml']))), 'text')\n"
        "heavy = 'mlflow requests rich docker multiprocessing click xml packaging'\n"
        "print([m for m in heavy.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder())], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
