from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from envbuild.linter.render import Checked, Report, Unread
from envbuild.linter.render.workflow import workflow
from envbuild.linter.types import Finding
from envbuild.model import read
from envbuild.model.types import Span

FINDING = Finding(
    code="EB301",
    name="server-missing",
    severity="error",
    message="100% missing:\nadd it",
    help="add a line",
    spans=(Span(file="conda.yaml", line=7, column=9, end_column=15),),
)


def test_findings_annotate_the_files_of_a_checkout(forest, tmp_path: Path) -> None:
    info = replace(FINDING, severity="info", spans=(), message="m", help="")
    base = str(tmp_path / "models" / "a,b")
    report = Report(results=(Checked(name="x", model=forest, findings=(FINDING, info), base=base),))
    assert workflow(report, {"GITHUB_WORKSPACE": str(tmp_path)}).splitlines() == [
        (
            "::error file=models/a%2Cb/conda.yaml,line=7,col=9,endColumn=14,title=EB301 server-missing"
            "::100%25 missing:%0Aadd it%0Aadd a line"
        ),
        "::notice title=EB301 server-missing::m",
    ]


def test_files_are_named_from_the_checkout_wherever_the_step_works(forest, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    report = Report(results=(Checked(name="m", model=forest, findings=(FINDING,), base="m"),))
    assert "file=sub/m/conda.yaml," in workflow(report, {"GITHUB_WORKSPACE": str(tmp_path)})
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    assert "file=sub/m/conda.yaml," in workflow(report, {"GITHUB_WORKSPACE": str(link)})


def test_a_model_that_could_not_be_read_is_an_annotation_too():
    report = Report(results=(Unread(name="m", message="gone", hint="look", exit_code=3),))
    assert workflow(report, {}) == "::error title=envbuild lint::m: gone%0Alook\n"


def test_no_text_can_become_a_command_of_its_own(odd):
    lines = workflow(odd("\n::add-mask::x\r\n::set-output name=a::b"), {}).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert "hunter2" not in workflow(odd(), {})


def test_what_is_no_file_is_no_place(forest):
    spans = (Span(file="--requirement", line=1, end_column=9), FINDING.spans[0])
    both, alone = replace(FINDING, spans=spans), replace(FINDING, spans=spans[:1])
    stdin = replace(FINDING, spans=(Span(file="<stdin>", line=4),))
    report = Report(results=(Checked(name="m", model=forest, findings=(both, alone, stdin), base="m"),))
    assert [line.partition("::100")[0] for line in workflow(report, {}).splitlines()] == [
        "::error file=m/conda.yaml,line=7,col=9,endColumn=14,title=EB301 server-missing",
        "::error title=EB301 server-missing",
        "::error title=EB301 server-missing",
    ]


def test_a_models_file_may_be_called_like_an_option(folder):
    model = read(folder({"--x": "", "<y>": ""}))
    finding = replace(FINDING, spans=(Span(file="--x"), Span(file="<y>")))
    report = Report(results=(Checked(name="m", model=model, findings=(finding,), base="m"),))
    assert workflow(report, {}).startswith("::error file=m/--x,line=1,")
