from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from dataclasses import replace

import pytest

from envbuild.errors import ModelError, StorageError
from envbuild.linter import run
from envbuild.linter.editing import removed, respecified
from envbuild.linter.fixes import apply, preview
from envbuild.linter.textedits import edited
from envbuild.linter.types import Choice, Edit, Finding, Target
from envbuild.model import read
from envbuild.servers import PROFILES

TARGET = Target(server=PROFILES["azureml"])
# What adds lines, and what changes one: other rules' fixes would be written along.
LISTED = ("EB204", "EB301", "EB302")
SERVER, MONITORING = (p.requirement for p in PROFILES["azureml"].packages if p.listed)


def fix(root, ignore=()):
    model = read(root)
    return apply(model, run(model, TARGET, Choice(select=LISTED, ignore=tuple(ignore))))


def conda(*lines, ending="\n", last=True):
    return ending.join(lines) + (ending if last else "")


CASES = {
    "as MLflow writes it": (
        [
            "channels:",
            "- conda-forge",
            "dependencies:",
            "- python=3.11.7",
            "- pip<=23",
            "- pip:",
            "  - mlflow  # a",
            '  - "numpy==1.0"',
            "name: e",
        ],
        8,
        ["  - " + SERVER, "  - " + MONITORING],
    ),
    "comments behind the list": (
        ["dependencies:", "  - python=3.11", "  - pip:", "      - mlflow", "      # the end", "", "# bye"],
        4,
        ["      - " + SERVER, "      - " + MONITORING],
    ),
    "wide dashes": (["dependencies:", "-   pip:", "    -   mlflow"], 3, ["    -   " + SERVER, "    -   " + MONITORING]),
    "the pip list is not last": (
        ["dependencies:", "- pip:", "  - mlflow", "- numpy"],
        3,
        ["  - " + SERVER, "  - " + MONITORING],
    ),
    "an empty pip list": (["dependencies:", "- pip:  # none", "- numpy"], 2, ["  - " + SERVER, "  - " + MONITORING]),
    "no pip list": (
        ["dependencies:", "- python=3.11", "name: x"],
        2,
        ["- pip", "- pip:", "  - " + SERVER, "  - " + MONITORING],
    ),
    "no pip list, but pip": (
        ["dependencies:", "  - pip=23", "name: x"],
        2,
        ["  - pip:", "    - " + SERVER, "    - " + MONITORING],
    ),
    "pip-tools is not pip": (
        ["dependencies:", "- pip-tools"],
        2,
        ["- pip", "- pip:", "  - " + SERVER, "  - " + MONITORING],
    ),
    "no dependencies": (
        ["name: x  # c", "channels: []"],
        2,
        ["dependencies:", "- pip", "- pip:", "  - " + SERVER, "  - " + MONITORING],
    ),
    "empty dependencies": (["dependencies:", "name: x"], 1, ["- pip", "- pip:", "  - " + SERVER, "  - " + MONITORING]),
    "a folded item": (
        ["dependencies:", "- pip:", "  - >-", "    mlflow", "name: x"],
        4,
        ["  - " + SERVER, "  - " + MONITORING],
    ),
    "an anchor elsewhere": (["x: &l", "- mlflow", "dependencies:", "- pip: *l"], 2, ["- " + SERVER, "- " + MONITORING]),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("case", CASES)
def test_both_packages_are_written_once_each_and_all_else_stays(folder, case, ending, last, mark):
    lines, after, new = CASES[case]
    root = folder({"conda.yaml": mark + conda(*lines, ending=ending, last=last)})
    assert fix(root) == ["conda.yaml"]
    wanted = mark + conda(*lines[:after], *new, *lines[after:], ending=ending, last=last)
    assert (root / "conda.yaml").read_bytes().decode() == wanted
    model = read(root)
    assert [r.name for r in model.environment.pip][-2:] == ["azureml-inference-server-http", "azureml-ai-monitoring"]
    assert fix(root) == []
    assert (root / "conda.yaml").read_bytes().decode() == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "dependencies: [python=3.11, pip, {pip: [mlflow, 'a==1']}]\n",
            "dependencies: [python=3.11, pip, {pip: [mlflow, 'a==1', S, M]}]\n",
        ),
        ("dependencies:\n- pip: [mlflow, ]  # c\n", "dependencies:\n- pip: [mlflow, S, M, ]  # c\n"),
        (
            "dependencies:\n- pip: [\n    mlflow, # x\n    a==1 # y\n  ]\n",
            "dependencies:\n- pip: [\n    mlflow, # x\n    a==1, S, M # y\n  ]\n",
        ),
        ("dependencies:\n- pip: []\n", "dependencies:\n- pip: [S, M, ]\n"),
    ],
)
def test_lists_in_brackets_are_extended(folder, before, after):
    root = folder({"conda.yaml": before})
    assert fix(root) == ["conda.yaml"]
    assert (root / "conda.yaml").read_text() == after.replace("S", SERVER).replace("M", MONITORING)
    assert fix(root) == []


@pytest.mark.parametrize(
    "text", ["dependencies: [python=3.11]\n", "{name: x}\n", "dependencies: []\n", "{dependencies: [{pip: }]}\n"]
)
def test_what_cannot_be_written_safely_is_refused_with_the_way_out(folder, text):
    root = folder({"conda.yaml": text, "requirements.txt": "mlflow\n"})
    found = [f for f in run(read(root), TARGET) if f.code in ("EB301", "EB302")]
    assert len(found) == 2
    assert all(not f.edits and "by hand (--fix is refused: " in f.help and "--inject" in f.help for f in found)
    assert fix(root) == []
    assert (root / "conda.yaml").read_text() == text
    assert all("to conda.yaml and requirements.txt:2 by hand (--fix is refused: conda.yaml: " in f.help for f in found)
    assert (root / "requirements.txt").read_text() == "mlflow\n"


def test_a_last_line_that_goes_on_into_nothing_stays_the_last(folder):
    root = folder({"conda.yaml": None, "requirements.txt": "mlflow\nscipy \\\n"})
    (found, _) = [f for f in run(read(root), TARGET) if f.code in ("EB301", "EB302")]
    assert "at requirements.txt:1" in found.help
    assert fix(root) == ["requirements.txt"]
    assert (root / "requirements.txt").read_text() == f"{SERVER}\n{MONITORING}\nmlflow\nscipy \\\n"
    assert fix(root) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mlflow\n", "mlflow\nS\nM\n"),
        ("mlflow", "mlflow\nS\nM"),
        ("", "S\nM\n"),
        (
            "mlflow\r\nnumpy \\\r\n ==1\r\n# end\r\n",
            "mlflow\r\nnumpy \\\r\n ==1\r\nS\r\nM\r\n# end\r\n",
        ),
        ("mlflow \\", "S\nM\nmlflow \\"),
        ("# only\n", "S\nM\n# only\n"),
        ("\ufeffmlflow\n\n\n", "\ufeffmlflow\nS\nM\n\n\n"),
        ("azureml_ai.monitoring==1 # c\n", "azureml_ai.monitoring==1 # c\nS\n"),
    ],
)
def test_requirements_txt_is_kept_in_step(folder, before, after):
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0]), "requirements.txt": before})
    assert fix(root) == ["conda.yaml", "requirements.txt"]
    assert (root / "requirements.txt").read_bytes().decode() == after.replace("S", SERVER).replace("M", MONITORING)
    assert fix(root) == []


def test_a_requirements_file_that_conda_yaml_includes_is_not_written_twice(folder):
    root = folder({"conda.yaml": "dependencies:\n- pip:\n  - -r requirements.txt\n", "requirements.txt": "mlflow\n"})
    assert fix(root) == ["conda.yaml"]
    names = [r.name for r in read(root).environment.pip]
    assert names == ["mlflow", "azureml-inference-server-http", "azureml-ai-monitoring"]


def test_where_requirements_txt_counts_it_alone_is_written(folder):
    root = folder({"conda.yaml": None, "requirements.txt": "mlflow\n"})
    assert fix(root) == ["requirements.txt"]
    assert fix(root) == []


def test_python_env_yaml_is_fixed_where_its_requirements_lie(folder):
    env = "python: '3.11'\ndependencies:\n- -r requirements.txt\n"
    root = folder({"conda.yaml": None, "python_env.yaml": env, "requirements.txt": "mlflow\n"})
    assert fix(root) == ["requirements.txt"]
    assert (root / "python_env.yaml").read_text() == env
    root = folder({"conda.yaml": None, "python_env.yaml": "python: 3.10\ndependencies:\n- mlflow\n"}, name="other")
    assert fix(root) == ["python_env.yaml"]
    assert (root / "python_env.yaml").read_text() == (
        f'python: "3.10"\ndependencies:\n- mlflow\n- {SERVER}\n- {MONITORING}\n'
    )


def test_only_what_the_findings_say_is_written(folder):
    root = folder({"conda.yaml": "dependencies:\n- python=3.11\n- pip: []\n"})
    assert fix(root, ignore=["EB301"]) == ["conda.yaml"]
    assert SERVER not in (root / "conda.yaml").read_text()


def test_the_mode_and_a_link_are_kept(folder):
    root = folder({"conda.yaml": None, "env/c.yaml": conda(*CASES["wide dashes"][0])})
    (root / "env/c.yaml").chmod(0o640)
    (root / "conda.yaml").symlink_to("env/c.yaml")
    assert fix(root) == ["conda.yaml"]
    assert (root / "conda.yaml").is_symlink()
    assert stat.S_IMODE((root / "env/c.yaml").stat().st_mode) == 0o640
    assert sorted(p.name for p in root.iterdir()) == ["MLmodel", "conda.yaml", "env", "input_example.json", "model.pkl"]


def test_a_file_whose_name_is_as_long_as_a_name_can_be_is_fixed(folder):
    name = "c" * 250 + ".yaml"
    root = folder({"conda.yaml": None, name: conda(*CASES["wide dashes"][0])})
    (root / "conda.yaml").symlink_to(name)
    assert fix(root) == ["conda.yaml"]
    assert SERVER in (root / name).read_text()


def test_a_file_that_changed_since_is_not_touched(folder):
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0]), "requirements.txt": "mlflow\n"})
    model = read(root)
    findings = run(model, TARGET)
    (root / "requirements.txt").write_text("mlflow\npandas\n")
    before = (root / "conda.yaml").read_bytes()
    with pytest.raises(ModelError, match=r"requirements\.txt changed since it was read"):
        apply(model, findings)
    assert (root / "conda.yaml").read_bytes() == before
    (root / "requirements.txt").unlink()
    with pytest.raises(ModelError, match=r"requirements\.txt changed"):
        apply(model, findings)


def test_a_downloaded_model_is_refused(folder):
    model = replace(read(folder({"conda.yaml": "dependencies: []\n"})), uri="models:/m/1")
    with pytest.raises(ModelError, match="--fix is refused: the model was downloaded from models:/m/1"):
        apply(model, [])
    with pytest.raises(ModelError, match="--diff is refused: the model was downloaded from models:/m/1"):
        preview(model, [])


def test_a_fixed_file_stays_with_its_owner(folder):
    if os.geteuid() != 0:
        pytest.skip("only root may give a file to somebody else")
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0])})
    os.chown(root / "conda.yaml", 4321, 8765)
    (root / "conda.yaml").chmod(0o640)
    assert fix(root) == ["conda.yaml"]
    found = (root / "conda.yaml").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4321, 8765, 0o640)


def test_who_may_give_no_file_away_fixes_it_all_the_same(folder, monkeypatch):
    def denied(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", denied)
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0])})
    (root / "conda.yaml").chmod(0o640)
    assert fix(root) == ["conda.yaml"]
    assert stat.S_IMODE((root / "conda.yaml").stat().st_mode) == 0o640


def test_two_names_of_one_file_are_refused_in_a_preview_too(folder):
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0])})
    (root / "requirements.txt").symlink_to("conda.yaml")
    model = read(root)
    with pytest.raises(ModelError, match=r"conda\.yaml and requirements\.txt are one file"):
        preview(model, run(model, TARGET, Choice(select=LISTED)))


def test_an_edit_that_would_lose_a_requirement_is_refused(folder):
    root = folder()
    before = (root / "conda.yaml").read_text()
    harm = Finding(
        code="X",
        name="x",
        severity="error",
        message="",
        edits=(Edit(file="conda.yaml", line=5, text="  # gone", action="replace"),),
    )
    with pytest.raises(ModelError, match=r"cannot change conda\.yaml safely"):
        apply(read(root), [harm])
    broken = replace(harm, edits=(Edit(file="conda.yaml", line=5, text="\t- [", action="insert"),))
    with pytest.raises(ModelError, match=r"cannot change conda\.yaml safely"):
        apply(read(root), [broken])
    assert (root / "conda.yaml").read_text() == before


def test_a_folder_that_cannot_be_written_is_a_storage_error(folder, monkeypatch):
    root = folder({"conda.yaml": conda(*CASES["wide dashes"][0])})
    before = (root / "conda.yaml").read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match=r"cannot write conda\.yaml: No space left"):
        fix(root)
    assert (root / "conda.yaml").read_bytes() == before
    assert not list(root.glob(".*"))


def test_equal_edits_are_made_once_and_others_in_their_order():
    edits = [Edit(file="f.txt", line=1, text=t) for t in ("x", "y", "x")]
    assert edited("a\nb\n", edits, "f.txt") == "a\nx\ny\nb\n"


def test_edits_of_the_same_words_are_refused():
    edits = [Edit(file="f", line=1, text=t, action="replace") for t in ("a = 1", "a = 2")]
    with pytest.raises(ModelError, match="two fixes change the same words in f:1"):
        edited("a = 0\n", edits, "f")


def test_a_line_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match="no line 3"):
        edited("a\n", [Edit(file="f", line=3, text="x")], "f")


def finding(*edits, safe=True, code="X"):
    return Finding(code=code, name="x", severity="error", message="", edits=edits, safe=safe)


def line(root, number, text, drops=(), file="conda.yaml", action="replace"):
    return Edit(file=file, line=number, text=text, action=action, drops=tuple(drops))


def test_what_could_change_the_answers_is_left_unless_asked_for(folder):
    root = folder()
    pin = finding(line(root, 5, "  - mlflow==3.0.0", ["mlflow==3.17.2"]), safe=False)
    assert preview(read(root), [pin]) == ""
    assert apply(read(root), [pin]) == []
    assert apply(read(root), [pin], unsafe=True) == ["conda.yaml"]
    assert "  - mlflow==3.0.0\n" in (root / "conda.yaml").read_text()


def test_a_preview_is_a_diff_of_what_would_be_written(folder):
    root = folder({"requirements.txt": "mlflow==3.17.2\r\nnumpy"})
    pin = finding(line(root, 2, "numpy<2", ["numpy"], "requirements.txt"))
    model = read(root)
    wanted = (
        "--- a/requirements.txt\n+++ b/requirements.txt\n@@ -1,2 +1,2 @@\n mlflow==3.17.2\r\n"
        "-numpy\n\\ No newline at end of file\n+numpy<2\n\\ No newline at end of file\n"
    )
    assert preview(model, [pin]) == wanted
    assert (root / "requirements.txt").read_text() == "mlflow==3.17.2\nnumpy"
    assert apply(model, [pin]) == ["requirements.txt"]
    assert preview(read(root), []) == ""


def test_a_preview_shows_no_credentials(folder):
    text = "--extra-index-url https://me:geheim@pypi.example/simple\nmlflow\n"
    root = folder({"conda.yaml": None, "requirements.txt": text})
    shown = preview(read(root), run(read(root), TARGET))
    assert "+" + MONITORING in shown
    assert "geheim" not in shown
    apply(read(root), run(read(root), TARGET))
    assert (root / "requirements.txt").read_text().startswith(text)


def test_a_file_whose_lines_carry_hashes_gets_none_without(folder):
    text = "mlflow==3.17.2 --hash=sha256:" + "a" * 64 + "\n"
    root = folder({"conda.yaml": None, "requirements.txt": text})
    found = [f for f in run(read(root), TARGET) if f.code in ("EB301", "EB302")]
    assert all(not f.edits and "hashes" in f.help for f in found)
    assert respecified(read(root), "mlflow", "<3") == ()
    assert fix(root) == []
    assert (root / "requirements.txt").read_text() == text


NUMPY = "dependencies:\n- python=3.11.7\n- pip<=23.2.1\n- pip:\n  - mlflow==3.17.2\n  - numpy  # keep\n  - pandas\n"


def pin(root, name, specifier, **more):
    return finding(*respecified(read(root), name, specifier), **more)


def test_of_two_fixes_of_the_same_words_the_first_is_made_and_the_other_left(folder):
    root = folder({"conda.yaml": NUMPY})
    first, second, third = (pin(root, n, s) for n, s in (("numpy", "<2"), ("numpy", "==1.26.4"), ("pandas", "<3")))
    assert apply(read(root), [first, second, third]) == ["conda.yaml"]
    text = (root / "conda.yaml").read_text()
    assert text == NUMPY.replace("numpy ", "numpy<2 ").replace("pandas", "pandas<3")
    assert apply(read(root), [pin(root, "numpy", "==1.26.4")]) == ["conda.yaml"]
    assert (root / "conda.yaml").read_text() == text.replace("numpy<2", "numpy==1.26.4")


def test_what_is_left_is_made_in_a_further_round_and_then_nothing_is_left(folder):
    root = folder({"conda.yaml": NUMPY})

    def again(model):
        """A rule that wants a bound, and one that wants a pin where there is a bound."""
        wanted = {"numpy": "<2"} if "numpy<" not in model.texts["conda.yaml"] else {"pandas": "<3"}
        return [finding(*respecified(model, n, s)) for n, s in wanted.items()]

    assert preview(read(root), again(read(root)), again=again).count("\n+ ") == 2
    assert apply(read(root), again(read(root)), again=again) == ["conda.yaml"]
    text = (root / "conda.yaml").read_text()
    assert text == NUMPY.replace("numpy ", "numpy<2 ").replace("pandas", "pandas<3")
    assert apply(read(root), again(read(root)), again=again) == []
    assert (root / "conda.yaml").read_text() == text


def test_fixes_that_undo_each_other_end_and_a_second_run_changes_nothing(folder):
    root = folder({"conda.yaml": NUMPY})

    def again(model):
        now = "numpy<2" in model.texts["conda.yaml"]
        return [finding(*respecified(model, "numpy", "==1.26.4" if now else "<2"))]

    apply(read(root), again(read(root)), again=again)
    text = (root / "conda.yaml").read_text()
    assert "numpy" in text
    assert apply(read(root), again(read(root)), again=again) == []
    assert (root / "conda.yaml").read_text() == text


def test_one_package_is_not_added_twice_by_two_fixes(folder):
    root = folder({"conda.yaml": NUMPY, "requirements.txt": "mlflow==3.17.2\n"})
    model = read(root)
    both = [finding(*respecified(model, "scipy", s)) for s in ("<2", ">=1")]
    assert apply(model, both) == ["conda.yaml", "requirements.txt"]
    assert (root / "conda.yaml").read_text() == NUMPY + "  - scipy<2\n"
    assert (root / "requirements.txt").read_text() == "mlflow==3.17.2\nscipy<2\n"


def test_several_fixes_of_one_line_in_brackets_are_made_together(folder):
    root = folder({"conda.yaml": "dependencies: [python=3.11.7, pip, {pip: [mlflow==1, 'numpy', pandas ]}]  # c\n"})
    model = read(root)
    fixes = [finding(*respecified(model, n, s)) for n, s in (("numpy", "<2"), ("pandas", ">=1,<3"), ("scipy", "<2"))]
    apply(model, fixes)
    wanted = "dependencies: [python=3.11.7, pip, {pip: [mlflow==1, 'numpy<2', \"pandas>=1,<3\", scipy<2 ]}]  # c\n"
    assert (root / "conda.yaml").read_text() == wanted


def test_a_list_does_not_become_empty(folder):
    text = "dependencies:\n- python=3.11.7\n- pip:\n  - a\n  - b\n"
    root = folder({"conda.yaml": text})
    model = read(root)
    fixes = [finding(removed(model, requirement)) for requirement in model.environment.pip]
    apply(model, fixes)
    assert (root / "conda.yaml").read_text() == text.replace("  - a\n", "")
    only = finding(line(root, 4, "", ["b"], action="delete"))
    with pytest.raises(ModelError, match="nothing was written"):
        apply(read(root), [only])
    assert (root / "conda.yaml").read_text() == text.replace("  - a\n", "")


def test_the_last_line_goes_and_the_file_still_has_no_newline_at_its_end(folder):
    root = folder({"conda.yaml": None, "requirements.txt": "a\r\nb"})
    model = read(root)
    apply(model, [finding(removed(model, model.environment.pip[1]))])
    assert (root / "requirements.txt").read_bytes() == b"a"


def test_a_line_that_one_fix_deletes_is_not_changed_by_another(folder):
    root = folder({"conda.yaml": NUMPY})
    model = read(root)
    gone = finding(removed(model, model.environment.pip[1]))
    assert apply(model, [gone, pin(root, "numpy", "<2")]) == ["conda.yaml"]
    assert (root / "conda.yaml").read_text() == NUMPY.replace("  - numpy  # keep\n", "")


def test_a_fix_that_would_lose_something_is_left_and_the_others_are_made(folder):
    root = folder({"conda.yaml": NUMPY, "requirements.txt": "mlflow==3.17.2\nnumpy\n"})
    harm = [
        finding(line(root, 6, "  # gone", action="replace")),
        finding(line(root, 2, "numpy <", ["numpy"], "requirements.txt")),
        finding(line(root, 1, "", action="delete", file="requirements.txt")),
        finding(line(root, 3, "- pip:", action="replace")),
        finding(line(root, 2, "- numpy", action="replace")),
    ]
    assert apply(read(root), [*harm, pin(root, "pandas", "<3")]) == ["conda.yaml"]
    assert (root / "conda.yaml").read_text() == NUMPY.replace("pandas", "pandas<3")
    assert (root / "requirements.txt").read_text() == "mlflow==3.17.2\nnumpy\n"
    for one in harm:
        with pytest.raises(ModelError, match="nothing was written"):
            apply(read(root), [one])


def test_of_mlmodel_only_the_value_on_the_edited_line_may_become_another(folder):
    root = folder()
    before = (root / "MLmodel").read_text()
    number = before.splitlines().index("    model_path: model.pkl") + 1
    good = finding(line(root, number, "    model_path: other.pkl", file="MLmodel"))
    for text in (
        "    model_path: [",
        "    model_path: &a model.pkl",
        "  model_path: model.pkl",
        "    other: model.pkl",
    ):
        changed = text == "    model_path: &a model.pkl"
        bad = finding(line(root, number, text, file="MLmodel"))
        if changed:
            assert apply(read(root), [bad]) == ["MLmodel"]
            (root / "MLmodel").write_text(before)
            continue
        with pytest.raises(ModelError, match="cannot change MLmodel safely"):
            apply(read(root), [bad])
    assert apply(read(root), [good]) == ["MLmodel"]
    assert (root / "MLmodel").read_text() == before.replace("model.pkl", "other.pkl")


def test_all_files_are_written_or_none(folder, monkeypatch):
    root = folder({"conda.yaml": NUMPY, "requirements.txt": "mlflow==3.17.2\nnumpy\n"})
    before = {path: path.read_bytes() for path in root.iterdir()}
    really = os.replace

    def full(source, target):
        if target.name == "requirements.txt":
            raise OSError(28, "No space left on device")
        really(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match=r"cannot write requirements\.txt: No space left"):
        apply(read(root), [pin(root, "numpy", "<2")])
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_two_names_of_one_file_are_refused(folder):
    root = folder({"conda.yaml": "dependencies:\n- python=3.11.7\n- pip:\n  - -r deps.txt\n", "deps.txt": "numpy\n"})
    (root / "requirements.txt").symlink_to("deps.txt")
    with pytest.raises(ModelError, match=r"deps\.txt and requirements\.txt are one file"):
        apply(read(root), [pin(root, "numpy", "<2")])
    assert (root / "deps.txt").read_text() == "numpy\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_of_pip_that_mlflow_writes_is_kept(folder, ending):
    root = folder({"conda.yaml": NUMPY.replace("\n", ending), "requirements.txt": "mlflow==3.17.2\n"})
    model = read(root)
    apply(model, run(model, TARGET), unsafe=True, again=lambda now: run(now, TARGET))
    text = (root / "conda.yaml").read_bytes().decode()
    assert f"- pip<=23.2.1{ending}" in text
    assert SERVER in text
    gone = finding(line(root, 3, "", action="delete"))
    with pytest.raises(ModelError, match="nothing was written"):
        apply(read(root), [gone])


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch here")
def test_patch_makes_of_a_preview_what_fix_writes(folder, tmp_path):
    files = {"conda.yaml": NUMPY, "requirements.txt": "mlflow==3.17.2\nnumpy"}
    root, other = folder(files), folder(files, name="other")
    model = read(root)
    found = run(model, TARGET)
    shown = preview(model, found)
    assert (root / "conda.yaml").read_text() == NUMPY
    apply(model, found)
    subprocess.run(["patch", "-p1", "-d", other], input=shown.encode(), check=True, stdout=subprocess.DEVNULL)
    for file in files:
        assert (other / file).read_bytes() == (root / file).read_bytes()


def test_a_thousand_fixes_that_all_clash_take_no_time(folder):
    lines = "".join(f"  - package-{n}\n" for n in range(1000))
    root = folder({"conda.yaml": "dependencies:\n- python=3.11.7\n- pip:\n" + lines})
    model = read(root)
    fixes = [
        finding(
            line(root, 4 + n % 1000, f"  - package-{n % 1000}{'<2' if n < 1000 else '<1'}", [f"package-{n % 1000}"])
        )
        for n in range(2000)
    ]
    started = time.monotonic()
    assert apply(model, fixes) == ["conda.yaml"]
    assert time.monotonic() - started < 5
    assert (root / "conda.yaml").read_text().count("<2\n") == 1000
