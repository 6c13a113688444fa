"""Whatever lies in the files, reading ends in a Model with problems, never in an exception."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envbuild.linter import run
from envbuild.linter.render import FORMATS, Report, render
from envbuild.linter.types import Target
from envbuild.model import read
from envbuild.servers import PROFILES

WORDS = st.sampled_from(
    [
        *("flavors", "python_function", "loader_module", "env", "conda.yaml", "signature", "inputs", "dependencies"),
        *("pip", "python", "python=3.10", "numpy==1.0", "- ", "  ", "\n", ": ", "[", "]", "{", "}", "'", '"', "#", "|"),
        *("&a ", "*a", "<<", "---", "\t", "\r\n", "\\\n", "-r ", "-c ", "requirements.txt", "MLmodel", "../x"),
        *(
            "\ufeff",
            "null",
            "~",
            "3.10",
            "1e999",
            "0b1",
            "0x",
            "1_000",
            "!!str ",
            "!x ",
            "\x85",
            "\u2028",
            "é",
            "--hash=x",
            ";",
        ),
        *('\'[{"type": "tensor"}]\'', '[{"name": 1, "type": "long"}]', "metadata", "artifacts", "resources", "code"),
    ]
)
CONTENT = st.binary(max_size=200) | st.lists(WORDS, max_size=30).map(lambda words: "".join(words).encode())
GOOD = b"flavors: {python_function: {loader_module: mlflow.sklearn}}\n"


def look(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        model = read(folder)
        for server in PROFILES.values():
            findings = run(model, Target(server=server))
            for problem in model.problems:
                assert problem.code in {f.code for f in findings} or "EB001" in {p.code for p in model.problems}
            report = Report.of(model, findings)
            for form in FORMATS:
                render(report, form).encode()


COMMON = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(CONTENT)
def test_any_mlmodel(content):
    look({"MLmodel": content, "requirements.txt": b"numpy\n"})


@COMMON
@given(CONTENT)
def test_any_structured_mlmodel(content):
    look({"MLmodel": GOOD + content})


@COMMON
@given(CONTENT, CONTENT)
def test_any_conda_yaml(content, requirements):
    look({"MLmodel": GOOD, "conda.yaml": content, "requirements.txt": requirements})


@COMMON
@given(CONTENT)
def test_any_pip_list(content):
    look({"MLmodel": GOOD, "conda.yaml": b"dependencies:\n- python=3.11\n- pip:\n  - " + content})


@COMMON
@given(CONTENT)
def test_any_python_env(content):
    look({"MLmodel": GOOD, "python_env.yaml": content, "requirements.txt": b"numpy\n"})


@COMMON
@given(CONTENT)
def test_any_requirements_txt(content):
    look({"MLmodel": GOOD, "requirements.txt": content})


@pytest.mark.parametrize("name", ["MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"])
@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 100,
        b"\x00" * 100,
        b"[" * 300_000,
        b"- - - -" * 10_000,
        b"a: " * 100_000,
        b"-r requirements.txt\n" * 1000,
    ],
)
def test_hostile_content(name, content):
    look({"MLmodel": GOOD, name: content})
