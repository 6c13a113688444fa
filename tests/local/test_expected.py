"""What the model itself answers, from whatever example it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doubling import cache_folder, write_model

from envbuild import api
from envbuild.local.on_host import EXPECTED, read_expected
from envbuild.local.process import run_code
from envbuild.options import Options

pytestmark = [pytest.mark.network, pytest.mark.slow]
TABLE = {"columns": ["a"], "data": [[1.5], [-2.0]]}


@pytest.fixture
def expected(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is expected of a model without the named files and lines, and with these variables."""

    def find(*gone: str, given: tuple[tuple[str, str], ...] = ()) -> Any:
        folder = write_model(tmp_path / "model")
        mlmodel = folder / "MLmodel"
        for name in gone:
            (folder / name).unlink(missing_ok=True)
            lines = mlmodel.read_text().splitlines(keepends=True)
            mlmodel.write_text("".join(line for line in lines if name not in line))
        options = Options(server="envbuild", env=given, cache=cache_folder(tmp_path_factory), ignore=("EB0",))
        done = run_code(api.setup(api.load(folder, options=options), options=options), EXPECTED, seconds=120)
        return read_expected(done.stdout, done.stderr, done.returncode)

    return find


def test_from_the_example_as_a_server_gets_it(expected: Any) -> None:
    found = expected()
    assert found == {
        "script": False,
        "columns": [{"name": "a", "type": "double", "required": True}],
        "tensor": "",
        "source": "serving_input_example.json",
        "request": {"dataframe_split": TABLE},
        "predictions": [3.0, -4.0],
        "tolerance": 1e-9,
        "repeatable": True,
    }


def test_from_the_example_as_older_versions_wrote_it(expected: Any) -> None:
    found = expected("serving_input_example.json")
    assert (found["source"], found["request"]) == ("input_example.json", {"dataframe_split": TABLE})
    assert found["predictions"] == [3.0, -4.0]


def test_from_the_signature_where_there_is_no_example(expected: Any) -> None:
    found = expected(
        "serving_input_example.json",
        "input_example.json",
        "saved_input_example_info",
        "pandas_orient",
        "type: dataframe",
    )
    assert (found["source"], found["predictions"]) == ("the signature", [0.0])
    assert found["request"] == {"dataframe_split": {"columns": ["a"], "data": [[0]]}}


def test_nothing_can_be_made_without_both(expected: Any) -> None:
    gone = ("saved_input_example_info", "pandas_orient", "type: dataframe", "signature:", "  inputs:")
    found = expected("serving_input_example.json", "input_example.json", *gone)
    assert (found["source"], found["why"]) == ("", "it has neither an input example nor a signature")


def test_a_script_of_one_s_own_is_told_and_a_model_that_is_not_there_too(expected: Any) -> None:
    assert expected(given=(("AZUREML_ENTRY_SCRIPT", "score.py"),)) == {"script": True}


def test_a_model_that_cannot_be_loaded_is_an_error_in_one_line(expected: Any) -> None:
    found = expected(given=(("AZUREML_MODEL_DIR", "/nowhere"),))
    assert found["error"].startswith("LookupError: there is no MLmodel in /nowhere/model, /nowhere and")
