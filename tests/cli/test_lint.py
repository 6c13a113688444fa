"""`envbuild lint` as a person, a script and an editor call it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

Process = Callable[..., tuple[int, str, str]]
Start = Callable[..., "subprocess.Popen[str]"]
Lint = Callable[..., tuple[int, str, str]]
Call = Callable[..., int]
# The rules that every model straight from MLflow breaks, and no other.
THESE = ("--select", "EB301,EB302")


@pytest.fixture
def forest(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model without the packages of the Azure ML server, and beside it, in the working directory, one with them."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(models / "diabetes", tmp_path / "models" / "diabetes")
    return Path(shutil.copytree(models / "forest", tmp_path / "models" / "forest")).relative_to(tmp_path)


@pytest.fixture
def lint(call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Run `envbuild lint` in this process: its exit code, stdout and stderr."""

    def run(*args: object, env: dict[str, str] | None = None) -> tuple[int, str, str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = call("lint", *args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def codes(out: str) -> list[tuple[str, str]]:
    return [(finding["model"], finding["code"]) for finding in json.loads(out)["findings"]]


def test_several_models_are_one_report(lint: Lint, forest: Path) -> None:
    code, out, err = lint(*THESE, "models/diabetes", "models/forest")
    assert (code, err) == (1, "")
    assert " --> models/forest/conda.yaml:12:5\n" in out
    assert out.count("Found ") == 1
    assert out.endswith("\nFound 2 errors in 1 of 2 models ([*] 2 fixable with --fix).\n")
    assert lint(*THESE, "models/diabetes", forest, "--json")[1].count('"error": null') == 2


def test_no_finding_in_several_models_is_one_line(lint: Lint, forest: Path) -> None:
    shutil.copytree("models/diabetes", "models/b")
    code, out, err = lint(*THESE, "models/diabetes", "models/b")
    assert (code, out, err) == (0, "", "   Checked 2 models: no findings\n")


def test_a_model_named_twice_is_looked_at_once(lint: Lint, forest: Path) -> None:
    words = (forest, f"{forest}/", forest / "MLmodel", forest / "conda.yaml", forest.absolute())
    assert codes(lint(*THESE, *words, "--json")[1]) == [
        ("models/forest", "EB301"),
        ("models/forest", "EB302"),
    ]


@pytest.mark.parametrize("file", ["MLmodel", "conda.yaml", "metadata/MLmodel", "code/deep/x.py"])
def test_a_file_stands_for_its_model(lint: Lint, forest: Path, file: str) -> None:
    (forest / file).parent.mkdir(parents=True, exist_ok=True)
    (forest / file).touch()
    assert codes(lint(*THESE, forest / file, "--json")[1])[0] == ("models/forest", "EB301")


def test_a_file_stands_for_its_model_from_inside_too(lint: Lint, forest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(forest)
    assert " --> conda.yaml:12:5\n" in lint(*THESE, "conda.yaml")[1]
    (Path("code")).mkdir(exist_ok=True)
    Path("code/a.py").touch()
    monkeypatch.chdir("code")
    assert " --> ../conda.yaml:12:5\n" in lint(*THESE, "a.py")[1]


def test_a_file_of_no_model_is_told_and_the_others_are_linted(lint: Lint, forest: Path) -> None:
    Path("conda.yaml").write_text("dependencies: []\n")
    code, out, err = lint(*THESE, "conda.yaml", forest)
    assert code == 3
    assert "EB301" in out
    assert out.endswith("Found 2 errors ([*] 2 fixable with --fix); 1 model could not be read.\n")
    assert err == (
        "error: conda.yaml lies in no model folder: there is no MLmodel beside or above it\n"
        "hint: name a model folder; `envbuild lint - < conda.yaml` looks at a conda.yaml alone\n"
    )


def test_what_is_no_part_of_a_model_can_be_passed_over(lint: Lint, forest: Path) -> None:
    Path("requirements.txt").write_text("mlflow\n")
    assert lint("--only-models", "requirements.txt", "models") == (
        0,
        "",
        "   Checked 0 models: no findings\n",
    )
    words = ("requirements.txt", forest / "MLmodel", forest / "requirements.txt")
    code, out, err = lint(*THESE, "--only-models", *words, "--json")
    assert (code, err, len(codes(out))) == (1, "", 2)
    assert lint("--only-models", "nowhere")[0] == 3


@pytest.mark.parametrize("word", ["a" * 5000, "b/" * 3000, "", "models/forest/MLmodel/x", "\n"])
def test_what_cannot_be_a_path_is_a_model_that_is_not_there(lint: Lint, forest: Path, word: str) -> None:
    for skip in ((), ("--only-models",)):
        code, out, err = lint(*skip, word)
        assert (code, out) == (3, "")
        assert err.startswith("error: ")
        assert "hint: " in err


@pytest.mark.parametrize("only", [(), ("--only-models",)])
def test_a_file_beside_the_working_directory_is_not_part_of_the_model_there(
    lint: Lint, forest: Path, monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...]
) -> None:
    Path("loose").mkdir()
    Path("loose/file.txt").touch()
    before = (forest / "conda.yaml").read_bytes()
    monkeypatch.chdir(forest)
    code, out, err = lint(*only, "../../loose/file.txt", "--fix")
    assert (code, out) == (0 if only else 3, "")
    assert ("../../loose/file.txt lies in no model folder" in err) is not bool(only)
    assert Path("conda.yaml").read_bytes() == before
    assert codes(lint(*THESE, "../diabetes/../forest/conda.yaml", "--json")[1])[0] == (".", "EB301")


def test_behind_a_link_the_folder_above_is_that_of_what_it_leads_to(
    lint: Lint, forest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("there/inner").mkdir(parents=True)
    forest.rename("there/other")
    Path("link").symlink_to("there/inner")
    for word in ("link/../other", "link/../other/conda.yaml"):
        assert lint(*THESE, word, "--output-format", "concise")[1].startswith("there/other/conda.yaml:12:5: EB301 ")
    whole = Path("link/../other").absolute()
    shown = lint(*THESE, whole, "--output-format", "concise")[1].partition(":")[0]
    assert shown == str(Path("there/other/conda.yaml").absolute())
    # A link in the way stays where no `..` stands behind it, and so does one to a file that models share.
    Path("near").symlink_to("there")
    shutil.move("there/other/conda.yaml", "there/shared.yaml")
    Path("there/other/conda.yaml").symlink_to("../shared.yaml")
    assert codes(lint("--select", "EB301", "near/other/conda.yaml", "--json")[1]) == []
    assert json.loads(lint("near/other/conda.yaml", "--json")[1])["models"][0]["name"] == "near/other"


def test_an_empty_name_is_told_and_is_not_the_working_directory(
    lint: Lint, forest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(forest)
    code, out, err = lint(*THESE, "", ".", "--json")
    assert (code, len(codes(out))) == (3, 2)
    assert err.startswith("error: the name of a model is empty\nhint: ")


@pytest.mark.parametrize("name", ["model:1", "models:", "s3:x"])
def test_a_folder_with_a_colon_in_its_name_is_no_address(lint: Lint, forest: Path, name: str) -> None:
    forest.rename(name)
    assert lint(*THESE, name, "--fix")[0] == 0
    assert "azureml-ai-monitoring" in (Path(name) / "conda.yaml").read_text()
    assert lint(*THESE, f"{name}/MLmodel") == (0, "", f"   Checked {name}: no findings\n")


def test_errors_say_which_model_they_are_about(lint: Lint, forest: Path) -> None:
    for name in ("a", "folder", "models/a"):
        shutil.copytree(forest, name)
        os.mkfifo(f"{name}/x")
    code, _, err = lint("a", "folder", "models/a", "models/b", "b", "models/none/")
    assert code == 3
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [
        "error: a: x is a FIFO, which no image can hold",
        "error: folder: x is a FIFO, which no image can hold",
        "error: models/a: x is a FIFO, which no image can hold",
        "error: there is no model folder models/b",
        "error: there is no model folder b",
        "error: there is no model folder models/none",
    ]


def test_a_fix_that_is_refused_loses_no_findings(lint: Lint, forest: Path) -> None:
    same = Path(shutil.copytree(forest, "models/same"))
    (same / "requirements.txt").unlink()
    (same / "requirements.txt").symlink_to("conda.yaml")
    wanted = codes(lint(*THESE, same, "--json")[1])
    assert len(wanted) == 2
    before = (same / "conda.yaml").read_bytes()
    code, out, err = lint(*THESE, same, forest, "--fix", "--json")
    assert code == 3
    assert codes(out) == wanted
    first, second = json.loads(out)["models"]
    assert (first["findings"], first["error"]["exit_code"], second["error"]) == (2, 3, None)
    assert err.count("error: models/same: conda.yaml and requirements.txt are one file: nothing was fixed\n") == 1
    assert (same / "conda.yaml").read_bytes() == before
    assert "     Fixed models/forest/conda.yaml\n" in err
    code, out, _ = lint(*THESE, same, "--fix")
    assert (code, out.splitlines()[-1]) == (
        3,
        "Found 2 errors ([*] 2 fixable with --fix); --fix or --resolve failed for 1 model.",
    )
    assert 'name="--fix and --resolve can be carried out"' in lint(same, "--fix", "--output-format", "junit")[1]
    code, out, err = lint(*THESE, same, "--diff")
    assert (code, out) == (3, "")
    assert "are one file" in err


def test_an_unreadable_model_keeps_no_other_from_being_linted(lint: Lint, forest: Path) -> None:
    (Path("models") / "bad").mkdir()
    os.mkfifo("models/bad/MLmodel")
    code, out, err = lint(*THESE, "models/bad", "models/none", forest, "--json")
    assert code == 3
    assert err.startswith("error: models/bad: MLmodel is a FIFO")
    assert "error: there is no model folder models/none\n" in err
    document = json.loads(out)
    assert [model["name"] for model in document["models"]] == ["models/bad", "models/none", "models/forest"]
    assert [bool(model["error"]) for model in document["models"]] == [True, True, False]
    assert document["models"][1]["error"]["exit_code"] == 3
    assert len(document["findings"]) == 2


def test_a_conda_yaml_is_read_from_standard_input(start: Callable[..., subprocess.Popen[str]], forest: Path) -> None:
    def read(text: str, *args: object) -> tuple[int, str, str]:
        begun = start("lint", *args, stdin=subprocess.PIPE)
        out, err = begun.communicate(text, timeout=60)
        return begun.returncode, out, err

    code, out, err = read("dependencies:\n- python=3.11\n- pip:\n  - mlflow\n", *THESE, "-")
    assert (code, err) == (1, "")
    assert " --> <stdin>:4:5\n" in out
    assert "[*]" not in out
    assert out.endswith("Found 2 errors.\n")
    code, out, err = read("dependencies: [\n", "-", "--json")
    assert code == 1
    assert {finding["code"] for finding in json.loads(out)["findings"]} >= {"EB101"}
    assert not [finding for finding in json.loads(out)["findings"] if finding["code"].startswith("EB0")]
    code, out, err = read("dependencies:\n- pip:\n  - -r requirements.txt\n", "-")
    assert "<stdin>:3:" in out
    code, out, err = read("dependencies: []\n", *THESE, "-", forest, "--json")
    assert [model["name"] for model in json.loads(out)["models"]] == ["<stdin>", "models/forest"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\x00", b"- " * 5000, b"a: &a [*a]", b"x" * 1_100_000])
def test_any_bytes_on_standard_input_are_no_bug(forest: Path, content: bytes, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "envbuild", "lint", "-"],
        input=content,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
    )
    assert done.returncode in (0, 1)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("-", "--fix"), "--fix cannot change standard input"),
        (("-", "--unsafe-fixes"), "--unsafe-fixes cannot change standard input"),
        (("-", "--diff"), "--diff cannot change standard input"),
        (("-", "--select", "EB0"), "--select EB0 leaves no rule for standard input"),
        (("-", "models/forest", "--select", "EB013,EB014"), "--select EB013,EB014 leaves no rule for standard input"),
        (("models/none", "--select", "EB9999"), "there is no rule 'EB9999' to select"),
        (("models/none", "--ignore", "EB9999"), "there is no rule 'EB9999' to ignore"),
        (("models/none", "--requirement", "a b"), "--requirement 'a b' is not a requirement"),
        (("models/none", "--target", "azure", "--server", "mlflow"), "Azure ML's own image has the azureml server"),
        (("-", "--environment", "models/forest/conda.yaml"), "- and --environment exclude each other"),
        (("models/forest", "--diff", "--json"), "--diff has a format of its own"),
        (("models/forest", "--diff", "-o", "x"), "--diff has a format of its own"),
        (("models/forest", "--select", "EB9999"), "there is no rule 'EB9999' to select"),
        (("models/forest", "--platform", "windows/amd64"), "--platform windows/amd64: no image is made for it"),
        (("models/forest", "-o", "none/x"), "--output-file none/x: there is no folder none"),
        (("models/forest", "-o", "models"), "models"),
        (("models/forest", "-o", "a" * 256), "file name too long"),
        (("models/forest", "--base", ""), "--base: the name of an image is missing"),
        (("models/forest", "--no-fix", "--unsafe-fixes"), "--no-fix and --unsafe-fixes exclude each other"),
        (("models/forest", "--output-format", "xml"), "'xml' is not one of"),
        ((), "missing argument 'MODEL...'"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(lint: Lint, forest: Path, args: tuple[str, ...], says: str) -> None:
    code, out, err = lint(*args)
    assert (code, out) == (2, "")
    assert says in err.lower() or says in err
    assert "hint: " in err


def test_rules_are_chosen_by_code_beginning_and_name(lint: Lint, forest: Path) -> None:
    def chosen(*args: str) -> set[str]:
        return {code for _, code in codes(lint(forest, "--json", *args)[1])}

    assert chosen("--select", "EB301") == {"EB301"}
    assert chosen("--select", "EB3", "--ignore", "server-missing") == {"EB302"}
    assert chosen("--select", "EB301,monitoring-missing") == {"EB301", "EB302"}


def test_strict_takes_warnings_for_errors(lint: Lint, models: Path) -> None:
    words = ("--select", "EB013", models / "no-signature")
    assert lint(*words)[0] == 0
    code, out, _ = lint(*words, "--strict")
    assert code == 1
    assert "EB013 [error]" in out


def test_what_is_added_for_one_build_stands_in_no_file_and_disagrees_with_none(lint: Lint, forest: Path) -> None:
    """As docs/configuration.md has it: a requirement for everybody, and --strict."""
    added = ("--requirement", "orjson==3.11.4")
    assert lint("models/diabetes", *added, "--strict")[0] == 0
    text = Path("models/diabetes/requirements.txt").read_text()
    Path("models/diabetes/requirements.txt").write_text(text + "\nattrs==24.2.0\n")
    code, out, _ = lint("models/diabetes", *added, "--strict", "--select", "EB105", "--output-format", "github")
    assert code == 1
    assert "file=models/diabetes/requirements.txt,line=" in out
    assert "orjson" not in out
    bad = ("--requirement", "x @ git+https://host.example/x.git", "--select", "EB6")
    assert lint("models/diabetes", *bad, "--output-format", "github")[1].startswith(
        ("::error title=", "::warning title=")
    )
    located = lint("models/diabetes", *bad, "--output-format", "sarif")[1]
    assert '"uri": "--requirement"' not in located
    assert '"uri": "models/diabetes/MLmodel"' in located


def test_diff_shows_what_fix_writes_and_writes_nothing(lint: Lint, forest: Path, tmp_path: Path) -> None:
    shutil.copytree(forest, "models/b")
    before = (forest / "conda.yaml").read_bytes()
    code, diff, err = lint(*THESE, "--diff", forest, "models/b", "models/diabetes")
    assert (code, err) == (1, "")
    assert "--- a/models/forest/conda.yaml\n+++ b/models/forest/conda.yaml\n@@ " in diff
    assert (forest / "conda.yaml").read_bytes() == before
    assert lint(*THESE, "--fix", "--diff", forest, "models/b")[1] == diff
    assert (forest / "conda.yaml").read_bytes() == before
    subprocess.run(["patch", "-p1", "--quiet"], input=diff, text=True, check=True)
    patched = (forest / "conda.yaml").read_bytes()
    (forest / "conda.yaml").write_bytes(before)
    shutil.copy("models/b/requirements.txt", "patched.txt")
    shutil.rmtree(forest)
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "models" / "forest", forest)
    assert lint(*THESE, "--fix", forest)[0] == 0
    assert (forest / "conda.yaml").read_bytes() == patched
    assert (forest / "requirements.txt").read_bytes() == Path("patched.txt").read_bytes()
    assert lint(*THESE, "--diff", forest) == (0, "", "")


@pytest.fixture(params=["patch", "git"])
def take(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Apply a diff as a person would, in a folder, with one of the programs that do."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    command = {"patch": ["patch", "-p1", "--quiet", "--batch"], "git": ["git", "apply"]}[request.param]

    def run(diff: str, folder: str = ".") -> None:
        subprocess.run(command, input=os.fsencode(diff), cwd=folder, check=True)

    return run


ODD_NAMES = [
    "my model",
    "a  b\tc",
    'quo"te\\x',
    "line\nbreak",
    " x ",
    "ümläut",
    os.fsdecode(b"\xff z"),
    "a\u2028b",
    "-x",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_diff_is_taken_whatever_the_model_is_called(
    lint: Lint, forest: Path, take: Callable[..., None], name: str
) -> None:
    model = forest.rename(f"models/{name}")
    diff = lint(*THESE, "--diff", model)[1]
    assert diff.count("\n+++ ") == 2
    take(diff)
    assert lint(*THESE, "--diff", model) == (0, "", "")
    assert lint(*THESE, model)[0] == 0


def test_a_diff_of_models_elsewhere_is_seen_from_the_folder_that_holds_them(
    lint: Lint, forest: Path, take: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(forest, "models/b c")
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    code, diff, err = lint(*THESE, "--diff", "../models/forest")
    assert (code, diff.splitlines()[0]) == (1, "--- a/conda.yaml")
    assert err == ("note: the paths are as seen from ../models/forest: apply with `patch -p1 -d ../models/forest`\n")
    take(diff, "../models/forest")
    assert lint(*THESE, "--diff", "../models/forest") == (0, "", "")
    shutil.rmtree("../models/forest")
    shutil.copytree("../models/b c", "../models/forest")
    shutil.copytree("../models/b c", "here")
    for words, top in (
        (("../models/forest", "../models/b c"), "../models"),
        (("here", "../models/b c", "../models/forest"), ".."),
    ):
        code, diff, err = lint(*THESE, "--diff", *words)
        assert code == 1
        assert f"-d {top}`\n" in err
        assert lint(*THESE, "--diff", "-q", *words) == (1, diff, "")
    take(diff, "..")
    assert lint(*THESE, "--diff", "here", "../models/b c", "../models/forest") == (0, "", "")


def test_a_diff_names_the_files_that_links_lead_to(lint: Lint, forest: Path, take: Callable[..., None]) -> None:
    (forest / "env").mkdir()
    (forest / "conda.yaml").rename(forest / "env" / "c.yaml")
    (forest / "conda.yaml").symlink_to("env/c.yaml")
    Path("latest").symlink_to(forest)
    diff = lint(*THESE, "--diff", "latest")[1]
    assert "+++ b/models/forest/env/c.yaml\n" in diff
    take(diff)
    assert lint(*THESE, "latest")[0] == 0
    assert (forest / "conda.yaml").is_symlink()


def test_an_unreadable_model_hides_no_other_ones_diff(lint: Lint, forest: Path) -> None:
    wanted = lint(*THESE, "--diff", forest)[1]
    assert wanted
    code, diff, err = lint(*THESE, "--diff", "models/none", forest, "nowhere")
    assert (code, diff) == (3, wanted)
    assert err.startswith("error: there is no model folder models/none\nhint: ")
    assert "error: there is no model folder nowhere\n" in err


def test_a_diff_is_bytes_for_a_pipe_and_harmless_on_a_terminal(
    on_terminal: Callable[..., tuple[int, str]], forest: Path
) -> None:
    file = forest / "requirements.txt"
    line = "# é \x1b]0;title\x07 \u202e\r\n"
    file.write_bytes((file.read_text().strip().replace("\n", "\r\n") + "\r\n" + line).encode())
    words = ("-m", "envbuild", "lint", *THESE, "--diff", str(forest))
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, *words], capture_output=True, env=env, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"")
    assert f" {line}".encode() in done.stdout
    code, shown = on_terminal(*words)
    assert code == 1
    assert " # é \ufffd]0;title\ufffd \ufffd\r\n" in shown
    assert "\x1b]0" not in shown


def test_fix_names_the_files_of_every_model(lint: Lint, forest: Path) -> None:
    shutil.copytree(forest, "models/b")
    code, out, err = lint(*THESE, "--fix", forest, "models/b")
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "     Fixed models/forest/conda.yaml",
        "     Fixed models/forest/requirements.txt",
        "     Fixed models/b/conda.yaml",
        "     Fixed models/b/requirements.txt",
        "   Checked 2 models: no findings",
    ]


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github", "concise", "text"])
def test_a_report_goes_to_a_file_and_the_text_to_a_person(lint: Lint, forest: Path, form: str) -> None:
    code, out, _err = lint(*THESE, forest, "--output-format", form, "-o", "report")
    assert code == 1
    assert out == lint(*THESE, forest)[1]
    shown = lint(*THESE, forest, "--output-format", form)[1]
    assert Path("report").read_text() == shown
    assert shown
    assert lint(*THESE, forest, "--output-format", form, "-o", "report", "-q")[1] == ""


def test_a_report_is_written_of_nothing_too(lint: Lint, forest: Path) -> None:
    for form in ("json", "sarif", "junit"):
        assert lint(*THESE, "models/none", "--output-format", form, "-o", f"x.{form}")[0] == 3
        assert "models/none" in Path(f"x.{form}").read_text()
        assert lint(*THESE, "models/diabetes", "--output-format", form)[0] == 0


# Not /dev/stdout itself: a mistake would replace that of the machine, where root runs the tests. `link` is one like it.
@pytest.mark.parametrize("name", ["-", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_a_report_to_stdout_stands_there_alone(process: Process, forest: Path, name: str) -> None:
    Path("link").symlink_to("/proc/self/fd/1")
    before = sorted(Path().iterdir())
    code, out, err = process("lint", *THESE, forest, "--json", "-o", name)
    assert (code, err) == (1, "")
    assert len(codes(out)) == 2
    assert sorted(Path().iterdir()) == before
    assert Path("link").is_symlink()


def test_a_file_that_stdout_is_added_to_keeps_what_it_had(start: Start, forest: Path) -> None:
    Path("link").symlink_to("/proc/self/fd/1")
    with Path("log").open("a") as log:
        log.write("before\n")
        log.flush()
        start("lint", *THESE, forest, "--json", "-o", "link", stdout=log).wait(timeout=60)
    assert Path("link").is_symlink()
    before, _, out = Path("log").read_text().partition("\n")
    assert before == "before"
    assert len(codes(out)) == 2


def test_a_model_that_cannot_be_read_stands_in_the_file_for_people_too(lint: Lint, forest: Path) -> None:
    for form in ("text", "concise"):
        assert lint(*THESE, "models/none", "--output-format", form, "-o", "report")[0] == 3
        assert "error: there is no model folder models/none\n" in Path("report").read_text()
    assert lint(*THESE, "models/none", forest, "-o", "report")[0] == 3
    told = Path("report").read_text()
    error = "error: there is no model folder models/none\nhint: name the folder that holds MLmodel\n"
    assert told.startswith(f"{error}\nEB301 ")
    assert told.endswith("; 1 model could not be read.\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_programs_read_is_valid_in_every_locale(start: Start, forest: Path, encoding: str) -> None:
    name = "models/tëst 😀"
    forest.rename(name)

    def written(form: str) -> bytes:
        # Its bytes, not what a text stream makes of them.
        with Path("out").open("wb") as out:
            words = ("lint", *THESE, name, "--output-format", form)
            assert start(*words, env={"PYTHONIOENCODING": encoding}, stdout=out).wait(timeout=60) == 1
        return Path("out").read_bytes()

    assert json.loads(written("json").decode())["models"][0]["name"] == name
    (run,) = json.loads(written("sarif").decode())["runs"]
    (place, *_) = run["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "models/t%C3%ABst%20%F0%9F%98%80/conda.yaml"
    assert etree.fromstring(written("junit"))[0].get("name") == name


def test_a_device_is_written_to_and_not_replaced(lint: Lint, forest: Path) -> None:
    os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, text=True)
    assert lint(*THESE, forest, "--output-format", "json", "-o", "pipe")[0] == 1
    out, _ = reader.communicate(timeout=30)
    assert len(codes(out)) == 2
    assert Path("pipe").is_fifo()


def test_the_version_of_envbuild_stands_in_what_programs_read(lint: Lint, forest: Path) -> None:
    from envbuild import __version__

    assert json.loads(lint(forest, "--json")[1])["envbuild"] == __version__
    (run,) = json.loads(lint(forest, "--output-format", "sarif")[1])["runs"]
    assert run["tool"]["driver"]["semanticVersion"] == __version__


def test_json_is_one_format_by_two_names(lint: Lint, forest: Path) -> None:
    assert lint(forest, "--json") == lint(forest, "--output-format", "json")
    code, out, err = lint(forest, "--json", "--output-format", "sarif")
    assert (code, out) == (2, "")
    assert err.startswith("error: --json and --output-format exclude each other\nhint: ")


def test_text_in_a_workflow_is_annotated_and_cannot_give_commands(lint: Lint, forest: Path) -> None:
    text = (forest / "conda.yaml").read_text().replace("skops==0.16.0", "'skops ##[add-mask]x'")
    (forest / "conda.yaml").write_text(text)
    workflow = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(Path.cwd())}
    lines = lint("--select", "EB101,EB301", forest, env=workflow)[1].splitlines()
    stop = lines[0].removeprefix("::stop-commands::")
    assert len(stop) == 24
    end = lines.index(f"::{stop}::")
    assert any("##[add-mask]" in line for line in lines[:end])
    assert lines[end + 1 :]
    assert all(line.startswith("::error file=models/forest/conda.yaml,") for line in lines[end + 1 :])
    again = lint("--select", "EB101,EB301", forest, env=workflow)[1].splitlines()
    assert again[0] != lines[0]
    assert lint("models/diabetes", *THESE, env=workflow)[1] == ""


def test_a_model_whose_name_is_no_text_is_named_in_every_format(lint: Lint, forest: Path) -> None:
    odd = os.fsdecode(b"models/\xff\n::x")
    forest.rename(odd)
    for form in ("text", "concise", "json", "github", "sarif", "junit"):
        code, _out, err = lint(*THESE, odd, "--output-format", form, "-o", "report")
        assert (code, err) == (1, ""), form
        assert "EB301" in Path("report").read_bytes().decode()
    assert json.loads(lint(*THESE, odd, "--json")[1])["models"][0]["name"] == odd


def test_azure_is_a_target(lint: Lint, forest: Path) -> None:
    code, out, _ = lint(*THESE, "--target", "azure", forest)
    assert code == 1
    assert "EB301" in out
    assert lint("--target", "sagemaker", forest)[0] == 2


@pytest.mark.parametrize(
    "name", ["x\n::error title=pwn::hello", "::add-mask::x", "x ##[add-mask]y", "x\r\n ::debug::y"]
)
def test_the_name_of_a_models_file_is_no_line_and_no_command_on_stderr(lint: Lint, forest: Path, name: str) -> None:
    (forest / name).symlink_to("/etc/hostname")
    for debug in ("", "1"):
        code, _, err = lint(forest, env={"GITHUB_ACTIONS": "true", "ENVBUILD_DEBUG": debug})
        assert code == 3
        assert "is a symbolic link that leads out" in err
        assert not [line for line in err.splitlines() if line.lstrip().startswith("::") or "##[" in line]
        first, hint, *rest = lint(forest, env={"ENVBUILD_DEBUG": debug})[2].split("\n")
        assert first.startswith("error: ")
        assert hint.startswith("hint: ")
        assert bool("".join(rest)) is bool(debug)


def test_what_a_resolver_says_keeps_its_lines_and_gives_no_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from envbuild.cli.failures import report
    from envbuild.errors import ResolveError

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert (
        report(ResolveError("no set:\n  Because a\nasked for by\n::error::x\n  ::debug::y", hint="a\n::error::z")) == 4
    )
    assert capsys.readouterr().err == (
        "error: no set:\n  Because a\n  asked for by\n  \\x3a:error::x\n  \\x3a:debug::y\n"
        "hint: a\n      \\x3a:error::z\n"
    )
