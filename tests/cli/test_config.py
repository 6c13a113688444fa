"""The configuration file: where it is found, what it may say, and who has the last word."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from envbuild.cli.group import command_line

Call = Callable[..., int]


@pytest.fixture
def project(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a model in `models/m` that lacks the server's packages, and the person in its root."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    shutil.copytree(models / "forest", root / "models" / "m")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def lint(call: Call, capsys: pytest.CaptureFixture[str]) -> Callable[..., set[str]]:
    """The codes that `envbuild lint` finds, with these options."""

    def run(*args: object) -> set[str]:
        assert call("lint", *args, "--json") in (0, 1), capsys.readouterr().err
        found: Any = json.loads(capsys.readouterr().out)
        findings = found["findings"] if isinstance(found, dict) else found
        return {finding["code"] for finding in findings}

    return run


@pytest.fixture
def refused(call: Call, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What stderr says of a command line that is refused."""

    def run(*args: object) -> str:
        assert call(*args) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        return captured.err

    return run


def test_the_fixture_has_something_to_find(project: Path, lint: Callable[..., set[str]]) -> None:
    assert {"EB301", "EB302"} <= lint("models/m")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("envbuild.toml", 'server = "envbuild"\n'),
        ("envbuild.toml", '[lint]\nserver = "envbuild"\n'),
        ("pyproject.toml", '[tool.envbuild]\nserver = "envbuild"\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.envbuild.lint]\nserver = "envbuild"\n'),
        ("pyproject.toml", '[ tool . "envbuild" ]\r\nserver = "envbuild"\r\n'),
        ("pyproject.toml", 'tool.envbuild.server = "envbuild"\n'),
        ("pyproject.toml", 'tool = { envbuild = { server = "envbuild" } }\n'),
        ("pyproject.toml", '[tool]\nenvbuild.server = "envbuild"\n'),
    ],
)
def test_a_file_sets_the_default_of_an_option(
    project: Path, lint: Callable[..., set[str]], name: str, text: str
) -> None:
    (project / name).write_bytes(text.encode())
    assert "EB301" not in lint("models/m")


def test_the_command_line_comes_first(project: Path, lint: Callable[..., set[str]]) -> None:
    (project / "envbuild.toml").write_text('server = "envbuild"\n')
    assert "EB301" in lint("models/m", "--server", "azureml")


def test_a_table_of_the_command_comes_before_the_top(project: Path, lint: Callable[..., set[str]]) -> None:
    (project / "envbuild.toml").write_text(
        'server = "azureml"\n[lint]\nserver = "envbuild"\n[image]\nserver = "mlflow"\n'
    )
    assert "EB301" not in lint("models/m")


def test_keys_have_dashes_or_underscores_and_lists_may_be_one_text(
    project: Path, lint: Callable[..., set[str]]
) -> None:
    (project / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (project / "envbuild.toml").write_text('ignore = "EB301"\nscoring_script = "score.py"\n')
    found = lint("models/m")
    assert "EB301" not in found
    (project / "envbuild.toml").write_text('ignore = ["EB301", "EB302"]\n"scoring-script" = "score.py"\n')
    assert lint("models/m").isdisjoint({"EB301", "EB302"})


def test_a_switch_of_the_file_is_taken_back_on_the_command_line(project: Path, call: Call) -> None:
    (project / "envbuild.toml").write_text("[lint]\nfix = true\n")
    before = (project / "models/m/conda.yaml").read_bytes()
    call("lint", "models/m", "--no-fix", "-q")
    assert (project / "models/m/conda.yaml").read_bytes() == before
    call("lint", "models/m", "-q")
    assert (project / "models/m/conda.yaml").read_bytes() != before


def test_no_fix_takes_back_the_unsafe_ones_of_a_file_too(project: Path, call: Call) -> None:
    (project / "envbuild.toml").write_text("[lint]\nunsafe-fixes = true\n")
    before = (project / "models/m/conda.yaml").read_bytes()
    call("lint", "models/m", "--no-fix", "-q")
    assert (project / "models/m/conda.yaml").read_bytes() == before
    call("lint", "models/m", "-q")
    assert (project / "models/m/conda.yaml").read_bytes() != before


def test_a_format_that_is_typed_comes_before_the_file(
    project: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    def first(*args: str) -> str:
        assert call("lint", "models/m", "--select", "EB301", *args) == 1
        return capsys.readouterr().out.splitlines()[0]

    (project / "envbuild.toml").write_text("[lint]\njson = true\n")
    assert first() == "{"
    assert first("--output-format", "concise").startswith("models/m/conda.yaml:12:5: EB301 ")
    assert first("--no-json").startswith("EB301 ")
    (project / "envbuild.toml").write_text('[lint]\noutput-format = "concise"\n')
    assert first("--json") == "{"
    assert first("--output-format", "text").startswith("EB301 ")


def test_a_dash_in_a_file_is_stdout(project: Path, lint: Callable[..., set[str]]) -> None:
    (project / "envbuild.toml").write_text('[lint]\noutput-file = "-"\n')
    assert "EB301" in lint("models/m")
    assert not (project / "-").exists()


@pytest.mark.parametrize("option", ["python", "index-url"])
def test_an_empty_text_is_no_value(project: Path, refused: Callable[..., str], option: str) -> None:
    (project / "envbuild.toml").write_text(f'{option} = ""\n')
    assert f"--{option} " in refused("plan", "models/m")


@pytest.mark.parametrize("words", [(), ("--no-config",)])
def test_a_working_directory_that_was_deleted_is_told(
    project: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    for model in (project / "models/m", "models/m"):
        assert refused("lint", model, *words).startswith("error: the working directory was deleted\nhint: ")


@pytest.mark.parametrize("where", ["", "services", "services/one"])
def test_it_is_searched_from_the_working_directory_up_to_the_repository(
    project: Path, lint: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (project / "services" / "one").mkdir(parents=True)
    (project / "envbuild.toml").write_text('server = "envbuild"\n')
    monkeypatch.chdir(project / where)
    assert "EB301" not in lint(project / "models/m")


def test_the_nearest_file_counts_alone(
    project: Path, lint: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "near").mkdir()
    (project / "envbuild.toml").write_text('server = "envbuild"\n')
    (project / "near" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(project / "near")
    assert "EB301" not in lint(project / "models/m")  # a pyproject.toml of others does not count
    (project / "near" / "pyproject.toml").write_text("[tool.envbuild]\nignore = 'EB302'\n")
    assert "EB301" in lint(project / "models/m")
    (project / "near" / "envbuild.toml").write_text("ignore = 'EB301'\n")
    assert "EB302" in lint(project / "models/m")


def test_nothing_above_the_repository_is_read(
    project: Path, lint: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.parent / "envbuild.toml").write_text('server = "envbuild"\n')
    assert "EB301" in lint("models/m")


def test_without_a_repository_the_working_directory_alone_is_looked_at(
    project: Path, lint: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".git").rmdir()
    (project / "below").mkdir()
    (project / "envbuild.toml").write_text('server = "envbuild"\n')
    assert "EB301" not in lint("models/m")
    monkeypatch.chdir(project / "below")
    assert "EB301" in lint(project / "models/m")


@pytest.mark.parametrize("name", ["envbuild.toml", "pyproject.toml"])
@pytest.mark.parametrize("where", ["models/m", "models/m/code", "models/m/code/deep"])
def test_a_model_never_configures_its_own_build(
    project: Path, lint: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    """Nor what lies in its folder, nor a repository that it brings along."""
    (project / "models/m/code/deep/.git").mkdir(parents=True)
    for folder in ("models/m", "models/m/code", "models/m/code/deep"):
        (project / folder / name).write_text(
            '[tool.envbuild]\nserver = "envbuild"\n' if name[0] == "p" else 'server = "envbuild"\n'
        )
    monkeypatch.chdir(project / where)
    assert "EB301" in lint(project / "models/m")
    # What lies outside of the model is still found from there.
    (project / "envbuild.toml").write_text("ignore = ['EB301']\n")
    assert "EB301" not in lint(project / "models/m")


def test_a_link_into_a_model_is_no_way_around(project: Path, lint: Callable[..., set[str]]) -> None:
    (project / "models/m/envbuild.toml").write_text('server = "envbuild"\n')
    (project / "envbuild.toml").symlink_to("models/m/envbuild.toml")
    assert "EB301" in lint("models/m")


def test_a_file_in_a_model_cannot_be_named_either(project: Path, refused: Callable[..., str]) -> None:
    (project / "models/m/own.toml").write_text('server = "envbuild"\n')
    said = refused("lint", "models/m", "--config", "models/m/own.toml")
    assert said.startswith("error: --config models/m/own.toml: it lies inside a model folder")


def test_a_named_file_takes_the_place_of_the_search(project: Path, lint: Callable[..., set[str]]) -> None:
    (project / "envbuild.toml").write_text("ignore = 'EB301'\n")
    (project / "other.toml").write_text("ignore = 'EB302'\n")
    found = lint("models/m", "--config", "other.toml")
    assert "EB301" in found
    assert "EB302" not in found


def test_a_file_can_be_left_out(project: Path, lint: Callable[..., set[str]], refused: Callable[..., str]) -> None:
    (project / "envbuild.toml").write_text("ignore = 'EB301'\n")
    assert "EB301" in lint("models/m", "--no-config")
    for words in (("--no-config", "--config", "envbuild.toml"), ("--config", "envbuild.toml", "--no-config")):
        assert "exclude each other" in refused("lint", "models/m", *words)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('server = "envbuild"\nservr = "x"\n', ("envbuild.toml:2: ", "'servr'", "did you mean server?")),
        ('[lnt]\nserver = "x"\n', ("envbuild.toml:1: ", "'lnt'", "did you mean lint?")),
        (
            '[lint]\nserver = "envbuild"\n\nstrct = true\n',
            ("envbuild.toml:4: ", "`envbuild lint` has no option 'strct'"),
        ),
        ("[lint]\nbytecode = 'on'\n", ("envbuild.toml:2: ", "`envbuild lint` has no option 'bytecode'")),
        ("x = [\n  '# server',\n]\nserver = 3\n", ("envbuild.toml:1: ", "'x'")),
        ("server = 3\n", ("envbuild.toml:1: server is a number, not a text in quotes", 'write server = "3"')),
        ("\n\npython = 3.10\n", ("envbuild.toml:3: python is a number", 'write python = "3.10"')),
        ("'python'=3.10# 3.11\n", ("envbuild.toml:1: python is a number", 'write python = "3.10"')),
        ("[lint]\r\npython = +3.10 \r\n", ("envbuild.toml:2: python is a number", 'write python = "+3.10"')),
        ("lint = {python = 3.10, ignore = 'x'}\n", ("envbuild.toml:1: ", 'write python = "3.10"')),
        ("lint = {python = 3.10, target = {python = 3.11}}", ("envbuild.toml:1: ", 'write python = "..."')),
        ("ignore = 301\n", ("envbuild.toml:1: ignore is a number, not a text in quotes or a list",)),
        ('ignore = ["EB301",\n  302]\n', ("envbuild.toml:1: ignore has a number in its list", "each item in quotes")),
        ("server = true\n", ("envbuild.toml:1: server is true or false", 'write server = "..."')),
        (
            "scoring-script = '~nobody99/x.py'\n",
            ("envbuild.toml:1: scoring-script: there is no home folder ~nobody99",),
        ),
        ("\nbase = 'oci:~nobody99/x'\n", ("envbuild.toml:2: base: there is no home folder ~nobody99",)),
        ('[lint]\noutput-file = "a\\u0000b"\n', ("envbuild.toml:2: output-file holds a null character",)),
        ('ignore = ["EB301",\n  "\\u0000"]\n', ("envbuild.toml:1: ignore holds a null character",)),
        ("fix = 'yes'\n", ("envbuild.toml:1: fix is a text, not true or false", "write fix = true")),
        ("as-of = ''\n", ("envbuild.toml:1: as-of: it is empty",)),
        ("\nplatform = ' '\n", ("envbuild.toml:2: platform: it is empty",)),
        ("scoring-script = ''\n", ("envbuild.toml:1: scoring-script is empty, and a path is wanted",)),
        ("server = 'nginx'\n", ("envbuild.toml:1: server: 'nginx' is not one of",)),
        ("server = ['envbuild']\n", ("envbuild.toml:1: server is a list, not a text in quotes",)),
        ("server = 1979-05-27\n", ("envbuild.toml:1: server is a date or a time",)),
        ("scoring-script = 'a.py'\nscoring_script = 'b.py'\n", ("envbuild.toml:2: ", "are the same")),
        ("scoring-script = 'none.py'\n", ("envbuild.toml:1: scoring-script: file", "none.py' does not exist")),
        ("lint = true\n", ("envbuild.toml:1: lint is the name of a command", "write [lint]")),
        ("[[lint]]\nfix = true\n", ("envbuild.toml:1: lint is the name of a command, and a list of", "write [lint]")),
        ("server = \n", ("envbuild.toml:1: not TOML: ",)),
        ("a = 1\na = 2\n", ("envbuild.toml:2: not TOML: ",)),
        ("x = " + "[" * 5000, ("envbuild.toml: not TOML: it nests too deeply",)),
        ("server = 'a\x00b'\n", ("envbuild.toml:1: not TOML: ",)),
        ("\ufeffserver = 'envbuild'\n", ("envbuild.toml:1: not TOML: ",)),
        (b"server = 'envbuild'\n# \xff\n", ("envbuild.toml:2: not UTF-8 text",)),
        (b"#" * (2 << 20), ("envbuild.toml: larger than",)),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    project: Path, refused: Callable[..., str], text: str | bytes, says: tuple[str, ...]
) -> None:
    (project / "envbuild.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    said = refused("lint", "models/m")
    assert [part for part in says if part not in said] == []
    assert said.count("\n") <= 3


def test_the_line_is_that_of_the_shared_file(project: Path, refused: Callable[..., str]) -> None:
    (project / "pyproject.toml").write_text(
        '[project]\nname = "servr"\n[tool.other]\nservr = 1\ntext = """\nservr = 2\n"""\n[tool.envbuild]\nservr = 3\n'
    )
    assert "pyproject.toml:9: " in refused("lint", "models/m")
    (project / "pyproject.toml").write_text("[tool]\nenvbuild = 1\n")
    assert "pyproject.toml:2: tool.envbuild is not a table" in refused("lint", "models/m")


_OTHERS = {
    "longer keys": "".join(f"[tool.other.t{number}]\nselct_x = {number}\n\n" for number in range(1_500)),
    "the same key": "".join(f"[tool.other.t{number}]\nselct = {number}\n\n" for number in range(1_500)),
    "a text": '[tool.other]\ntext = """\n' + "selct = 1\n" * 4_500 + '"""\n',
    "a list of tables": "[tool.other]\nlist = [\n" + '  {selct = "x"},\n' * 4_500 + "]\n",
}


@pytest.mark.parametrize("others", _OTHERS)
@pytest.mark.parametrize("behind", [False, True])
def test_the_line_in_a_long_file_is_told_within_a_second(
    project: Path, refused: Callable[..., str], others: str, behind: bool
) -> None:
    own = "[tool.envbuild]\nselct = 1\n"
    text = own + _OTHERS[others] if behind else _OTHERS[others] + own
    (project / "pyproject.toml").write_text(text)
    line = 2 if behind else text.count("\n")
    begun = time.process_time()
    said = refused("lint", "models/m")
    assert time.process_time() - begun < 1
    assert said.startswith(f"error: pyproject.toml:{line}: there is no option or command 'selct'\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# servr = 1\nservr = 2\n", 2),
        ("x-y = 'servr = 1'\n\nservr = 2\n", 3),
        ('text = """a \\"""\nservr = 1\n""""\n\'servr\' = 2\n', 4),
        ("text = '''\nservr = 1''''\n\"servr\" = 2\n", 3),
        ("image = {env = {servr = '1'}}\nservr = [\n 'servr'\n]\n", 2),
        ("[image]\nservr = 1\n[servr]\nservr = 1\n", 3),
        ("[image.env]\na = '1'\n[servr.below]\n", 3),
        ("servr.below = 1\n", 1),
        ("x = [\n '[', # [\n {servr = 1},\n [\"]\"]]\nservr = 2\n", 5),
        ("lint = {fix = true, servr = 1}", 1),
    ],
)
def test_the_line_of_a_key_is_told_from_what_looks_like_it(tmp_path: Path, text: str, line: int) -> None:
    from envbuild.config import find

    (tmp_path / "envbuild.toml").write_text(text)
    found = find(tmp_path)
    assert found is not None
    keys = ("lint", "servr") if text.startswith("lint") else ("servr",)
    assert found.place(*keys).endswith(f"envbuild.toml:{line}")


@pytest.mark.parametrize("name", ["none.toml", "models", "pyproject.toml"])
def test_a_named_file_that_says_nothing_is_refused(project: Path, refused: Callable[..., str], name: str) -> None:
    (project / "pyproject.toml").write_text("[tool.other]\n")
    assert f"--config {name}: " in refused("lint", "models/m", "--config", name)


def test_paths_are_relative_to_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "below").mkdir()
    (project / "below" / "score.py").write_text("")
    (project / "below" / "envbuild.toml").write_text(
        'scoring-script = "score.py"\nbase = "oci:bases/one"\n[image]\nsecret = ["id=x,src=secrets/x"]\n'
        'output = "oci-archive=out/a=b.tar"\nenvironment = "score.py"\n'
    )
    monkeypatch.chdir(project / "below")
    values = defaults_of("image")
    assert values["scoring_script"] == str(project / "below" / "score.py")
    assert values["environment"] == str(project / "below" / "score.py")
    assert values["base"] == f"oci:{project}/below/bases/one"
    assert values["secret"] == [f"id=x,src={project}/below/secrets/x"]
    assert values["output"] == f"oci-archive={project}/below/out/a=b.tar"


def test_what_is_no_path_stays_as_it_is(project: Path) -> None:
    (project / "envbuild.toml").write_text(
        'base = "python:3.12-slim"\n[image]\noutput = "docker"\nenv = {A = "1", B = "x=y"}\n'
    )
    values = defaults_of("image")
    assert (values["base"], values["output"], values["env"]) == ("python:3.12-slim", "docker", ["A=1", "B=x=y"])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('env = {A = "1", B = 2}', 'B is a number, not a text in quotes\nhint: write B = "2"'),
        ('env = {A = "\\u0000"}', "A holds a null character"),
        ("label = [1]", "label has a number in its list"),
    ],
)
def test_a_value_in_a_table_of_pairs_is_told_by_its_name(
    project: Path, refused: Callable[..., str], table: str, says: str
) -> None:
    (project / "envbuild.toml").write_text(f"[plan]\n{table}\n")
    assert refused("plan", "models/m").startswith(f"error: envbuild.toml:2: {says}")


@pytest.mark.parametrize("name", ["image", "lint", "lock", "plan", "dockerfile"])
def test_every_command_on_the_road_reads_it(project: Path, name: str) -> None:
    (project / "envbuild.toml").write_text('server = "envbuild"\nbytecode = "on"\n')
    values = defaults_of(name)
    assert values["server"] == "envbuild"
    assert ("bytecode" in values) is (name not in ("lint", "lock"))


def defaults_of(name: str) -> dict[str, Any]:
    """What the file of the working directory says to a command."""
    from envbuild.cli.config import defaults
    from envbuild.config import find

    group = click.Context(command_line)
    command = command_line.get_command(group, name)
    found = find(Path.cwd())
    assert command is not None
    assert found is not None
    context = click.Context(command, parent=group, info_name=name)
    return defaults(found, command, context, lambda other: command_line.get_command(group, other))


def test_what_is_built_says_what_a_file_had_a_part_in(
    project: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "envbuild.toml").write_text('python = "3.11.7"\nfull-mlflow = true\n')
    assert call("plan", "models/m") == 2
    err = capsys.readouterr().err
    assert "note: envbuild.toml sets full-mlflow, python\n" in err
    assert "envbuild.toml sets full-mlflow, python" in err.split("hint: ")[1]
    assert call("plan", "models/m", "--python", "3", "--no-full-mlflow") == 2
    assert "envbuild.toml" not in capsys.readouterr().err


def test_completion_does_not_read_it(project: Path, process: Callable[..., tuple[int, str, str]]) -> None:
    (project / "envbuild.toml").write_text("not toml")
    words = {"_ENVBUILD_COMPLETE": "bash_complete", "COMP_WORDS": "envbuild lint --conf", "COMP_CWORD": "2"}
    code, out, err = process(env=words)
    assert (code, err) == (0, "")
    assert "--config" in out


def test_looking_for_a_file_that_is_not_there_loads_no_parser(project: Path, start: Callable[..., Any]) -> None:
    (project / "pyproject.toml").write_text("[tool.envbuilder]\nx = 1\n[project]\nname = 'envbuild'\n")
    import subprocess
    import sys

    code = (
        "import sys; from envbuild.cli.main import run\n"
        "run(['lint', 'models/m', '--json'])\n"
        "print([m for m in sys.modules if m in ('tomllib', 'tomli')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")
