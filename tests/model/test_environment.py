from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.model import read

CONDA = (
    "channels:\n- conda-forge\ndependencies:\n- python=3.11.7\n- pip<=23.2\n- libgomp\n"
    "- pip:\n  - mlflow==2.9.2\n  - 'numpy==1.0'\nname: e\n"
)


def test_conda_yaml_counts_before_all_others(model):
    found = model(
        {"conda.yaml": CONDA, "python_env.yaml": "python: '3.9'\n", "requirements.txt": "other\n"}
    ).environment
    assert (found.source, found.files) == ("conda.yaml", ("conda.yaml",))
    assert found.python.text == "3.11.7"
    assert found.python.minor == "3.11"
    assert [r.text for r in found.pip] == ["mlflow==2.9.2", "numpy==1.0"]
    assert [(d.name, d.text, d.span.line) for d in found.conda] == [("pip", "pip<=23.2", 5), ("libgomp", "libgomp", 6)]


def test_places_in_conda_yaml_are_those_of_the_text_without_quotes(model):
    found = model(
        {
            "conda.yaml": "dependencies: [python=3.10, {pip: [mlflow, \"numpy==1.0\", 'a>=1']}]\n",
        }
    ).environment
    assert [(r.text, r.span.column, r.span.end_column) for r in found.pip] == [
        ("mlflow", 36, 42),
        ("numpy==1.0", 45, 55),
        ("a>=1", 59, 63),
    ]
    assert (found.python.text, found.python.span.column) == ("3.10", 16)


def test_python_env_yaml_counts_with_the_files_it_names(model):
    found = model(
        {
            "python_env.yaml": "python: 3.11.7\nbuild_dependencies:\n- pip==23\n"
            "dependencies:\n- -r requirements.txt\n- extra\n",
            "requirements.txt": "mlflow\n-c constraints.txt\n",
            "constraints.txt": "numpy<2\n",
        }
    ).environment
    assert (found.source, found.python.text) == ("python_env.yaml", "3.11.7")
    assert [(r.name, r.span.file) for r in found.pip] == [("mlflow", "requirements.txt"), ("extra", "python_env.yaml")]
    assert [r.name for r in found.constraints] == ["numpy"]
    assert found.files == ("python_env.yaml", "requirements.txt", "constraints.txt")


def test_requirements_txt_counts_last_and_nothing_is_none(model):
    assert model({"requirements.txt": "mlflow\n"}).environment.source == "requirements.txt"


def test_no_environment_is_none_and_no_problem(model):
    found = model({})
    assert found.environment.source == "none"
    assert found.problems == ()


@pytest.mark.parametrize("env", ["{conda: env/c.yaml, virtualenv: python_env.yaml}", "env/c.yaml"])
def test_mlmodel_names_the_files_as_a_mapping_or_as_one_text(model, env):
    found = model(
        {
            "MLmodel": f"flavors: {{python_function: {{loader_module: m, env: {env}}}}}\n",
            "env/c.yaml": "dependencies:\n- pip:\n  - -r deps.txt\n  - -c ../deps.txt\n",
            "env/deps.txt": "mlflow\n-r more/deps.txt\n",
            "env/more/deps.txt": "numpy\n",
            "deps.txt": "pandas<3\n",
        }
    )
    assert found.environment.source == "conda.yaml"
    # As conda does, which has pip run in the folder of its file.
    assert found.environment.files == ("env/c.yaml", "env/deps.txt", "env/more/deps.txt", "deps.txt")
    assert [(r.name, r.span.file) for r in found.environment.pip] == [
        ("mlflow", "env/deps.txt"),
        ("numpy", "env/more/deps.txt"),
    ]
    assert [r.name for r in found.environment.constraints] == ["pandas"]
    assert found.problems == ()


def test_a_python_env_in_a_subfolder_names_files_of_the_model_as_mlflow_reads_it(model):
    found = model(
        {
            "MLmodel": "flavors: {python_function: {loader_module: m, env: {virtualenv: env/python_env.yaml}}}\n",
            "env/python_env.yaml": "python: '3.11'\ndependencies:\n- -r requirements.txt\n- -r beside.txt\n",
            "env/requirements.txt": "other\n",
            "env/beside.txt": "pandas\n",
            "requirements.txt": "mlflow\n",
        }
    )
    assert found.environment.files == ("env/python_env.yaml", "requirements.txt", "env/beside.txt")
    assert [r.name for r in found.environment.pip] == ["mlflow", "pandas"]


def test_empty_items_of_a_pip_list_are_passed_over(model):
    found = model({"conda.yaml": "dependencies:\n- pip:\n  - ''\n  - numpy\n  - ' '\n  - '# no'\n"})
    assert ([r.name for r in found.environment.pip], found.problems) == (["numpy"], ())


def test_an_item_that_pip_would_read_as_several_lines_is_a_problem(model):
    found = model({"conda.yaml": 'dependencies:\n- pip:\n  - "numpy\\fscipy"\n'})
    assert ["several lines" in p.message for p in found.problems] == [True]


def test_an_environment_file_outside_of_the_folder_is_a_problem(model, tmp_path):
    (tmp_path / "out.yaml").write_text(CONDA)
    found = model(
        {"MLmodel": "flavors: {python_function: {loader_module: m, env: ../out.yaml}}\n", "requirements.txt": "a\n"}
    )
    assert [p.code for p in found.problems] == ["EB101"]
    assert found.environment.source == "requirements.txt"


@pytest.mark.parametrize(
    ("spec", "text", "minor"),
    [
        ("python=3.11.7", "3.11.7", "3.11"),
        ("python==3.11.7", "3.11.7", "3.11"),
        ("python=3.11.7=h123_0", "3.11.7", "3.11"),
        ("python 3.10", "3.10", "3.10"),
        ("python 3.10.* h1_0", "3.10.*", "3.10"),
        ("conda-forge::python=3.12", "3.12", "3.12"),
        ("file:///srv/channel::python=3.12", "3.12", "3.12"),
        ("https://host:8443/mine::python 3.12.1 h1_0", "3.12.1", "3.12"),
        ("python>=3.9", ">=3.9", ""),
        ("python>=3.9,<3.12", ">=3.9,<3.12", ""),
        ("python>=3.9,<3.10", ">=3.9,<3.10", "3.9"),
        ("python >=3.9,<3.10 h1_0", ">=3.9,<3.10", "3.9"),
        ("python[version='3.10']", "3.10", "3.10"),
        ('python[build=h1, version="3.10.*"]', "3.10.*", "3.10"),
    ],
)
def test_python_is_read_from_a_match_spec(model, spec, text, minor):
    found = model({"conda.yaml": f"dependencies:\n- {spec}\n"}).environment.python
    assert (found.text, found.minor) == (text, minor)


def test_python_without_a_version_pins_nothing(model):
    assert model({"conda.yaml": "dependencies:\n- python\n"}).environment.python is None
    assert model({"conda.yaml": "dependencies:\n- python[build=h1]\n"}).environment.python is None


def test_an_unquoted_python_in_python_env_is_kept_as_written_and_told(model):
    found = model({"python_env.yaml": "python: 3.10\n"})
    assert found.environment.python.text == "3.10"
    (problem,) = found.problems
    assert (problem.code, problem.span.line, problem.span.column, problem.span.end_column) == ("EB204", 1, 9, 13)
    assert "3.1," in problem.message


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("", "is empty", 1),
        ("# only a comment\n", "is empty", 1),
        ("dependencies:\n\t- python\n", "tab", 2),
        ("dependencies:\n- a\ndependencies:\n- b\n", "comes twice", 3),
        ("dependencies: text\n", "not a list", 1),
        ("dependencies:\n- pip:\n  - [a]\n", "not a requirement", 3),
        ("dependencies:\n- pip: text\n", "not a list", 2),
        ("dependencies:\n- numpy: 1.0\n", "not a list that conda knows", 2),
        ("dependencies:\n- pip:\n  - numpy: 1.0\n", "not a requirement", 3),
        ("dependencies:\n- pip:\n  - |\n    a\n    b\n", "several lines", 3),
        ("dependencies:\n- python=3.9\n- python=3.10\n", "listed twice", 3),
        ("dependencies:\n-\n", "neither a conda package", 2),
        ("name: e\nchannels: conda-forge\n", "`channels` is not a list", 2),
        ("name: e\nchannels: {a: b}\n", "`channels` is not a list", 2),
        ("channels:\n- mine\n- {a: b}\n", "no channel", 3),
        ("channels: [mine, '']\n", "no channel", 1),
        ("channels:\n- mine\n-\n", "no channel", 3),
        ("dependencies:\n- http://[::1]/mine::gdal\n", "names no conda package", 2),
        ("- a\n", "keys and values", 1),
        ("a: [\n", "not YAML", 2),
    ],
)
def test_a_bad_conda_yaml_is_a_located_problem(model, text, says, line):
    found = model({"conda.yaml": text, "requirements.txt": "a\n"})
    assert found.environment.source == "conda.yaml"
    assert [p.code for p in found.problems] == ["EB107" if says == "comes twice" else "EB101"]
    assert says in found.problems[0].message
    assert (found.problems[0].span.file, found.problems[0].span.line) == ("conda.yaml", line)


def test_a_given_file_takes_the_place_of_the_models_own(folder, tmp_path, monkeypatch):
    root = folder({"conda.yaml": CONDA})
    (tmp_path / "mine.txt").write_text("numpy==2.0\n-r sub/more.txt\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.txt").write_text("pandas\n")
    monkeypatch.chdir(tmp_path)
    found = read(root, environment=Path("mine.txt")).environment
    assert (found.source, found.files) == ("given", ("mine.txt", "sub/more.txt"))
    absolute = read(root, environment=tmp_path / "mine.txt")
    assert [r.span.file for r in absolute.environment.pip] == [
        str(tmp_path / "mine.txt"),
        str(tmp_path / "sub/more.txt"),
    ]
    assert str(tmp_path / "mine.txt") in absolute.texts


def test_a_given_yaml_is_conda_or_python_env(folder, tmp_path):
    (tmp_path / "c.yaml").write_text(CONDA)
    (tmp_path / "p.yml").write_text("python: '3.12'\ndependencies:\n- a\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "c.yaml")
    assert read(folder({}), environment=tmp_path / "c.yaml").environment.python.minor == "3.11"
    assert read(folder({}), environment=tmp_path / "p.yml").environment.python.minor == "3.12"
    linked = read(folder({}), environment=tmp_path / "link.yaml").environment
    assert linked.pip[0].span.file == str(tmp_path / "link.yaml")


def test_a_given_file_that_is_not_there_is_a_usage_error(folder, tmp_path):
    with pytest.raises(UsageError, match=r"no environment file .*nope\.txt"):
        read(folder({}), environment=tmp_path / "nope.txt")


def test_a_problem_in_a_given_file_names_it_as_given(folder, tmp_path):
    (tmp_path / "c.yaml").write_text("dependencies:\n\t- a\n")
    (problem,) = read(folder({}), environment=tmp_path / "c.yaml").problems
    assert problem.span.file == str(tmp_path / "c.yaml")


def test_texts_hold_the_files_exactly(folder):
    content = b"\xef\xbb\xbfdependencies:\r\n- python=3.11"
    found = read(folder({"conda.yaml": content, "requirements.txt": "a\r\n"}))
    assert found.texts["conda.yaml"].encode() == content
    assert found.texts["requirements.txt"] == "a\r\n"


def test_channels_keep_their_order_and_places(model):
    channels = "channels:\n- conda-forge\n- 'defaults'  # why\n- [a]\n- https://host/t/x\n"
    found = model({"conda.yaml": channels + "dependencies:\n- defaults::numpy=1.26\n"}).environment
    assert [(c.text, c.span.line, c.span.column) for c in found.channels] == [
        ("conda-forge", 2, 3),
        ("defaults", 3, 4),
        ("", 4, 3),
        ("https://host/t/x", 5, 3),
    ]
    assert [d.name for d in found.conda] == ["numpy"]


@pytest.mark.parametrize("channels", ["channels:\n", "channels: []\n", ""])
def test_channels_may_be_left_out(model, channels):
    found = model({"conda.yaml": channels + "dependencies:\n- python=3.11\n"})
    assert (found.environment.channels, found.problems) == ((), ())


def test_a_line_may_name_its_channel_by_an_address(model):
    lines = ("file:///srv/ch::gdal=3.8", "https://host/a/b::Numpy>=1.26", "gdal[channel=file:///srv/ch]")
    found = model({"conda.yaml": "dependencies:\n" + "".join(f"- '{line}'\n" for line in lines)})
    assert found.problems == ()
    assert [dependency.name for dependency in found.environment.conda] == ["gdal", "numpy", "gdal"]
    python = model({"conda.yaml": "dependencies:\n- file:///srv/ch::python=3.12=h1\n"}).environment.python
    assert (python.channel, python.build) == ("file:///srv/ch", "h1")


@pytest.mark.parametrize("channels", ["mine", "{a: b}", "[{a: b}]", "['']"])
def test_channels_that_are_no_list_of_them_are_not_taken_for_none(model, channels):
    """Else another channel would be asked for the names of packages of one's own."""
    found = model({"conda.yaml": f"channels: {channels}\ndependencies:\n- gdal\n"}).environment
    assert [line.text for line in found.channels] == ["mine" if channels == "mine" else ""]
