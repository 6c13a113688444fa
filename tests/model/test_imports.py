from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.model import read
from envbuild.model.imports import model_imports
from envbuild.model.types import Pickle

TOPS = {"mlflow", "sqlalchemy", "matplotlib", "sklearn", "skops"}


@pytest.fixture
def make(tmp_path: Path):
    def write(files: dict[str, str], loader: str = "mlflow.pyfunc.model", more: str = "    code: code\n"):
        flavor = f"flavors:\n  python_function:\n    loader_module: {loader}\n{more}"
        for name, text in {"MLmodel": flavor, **files}.items():
            path = tmp_path / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read(tmp_path / "model")

    return write


def said(model, *pickles: Pickle, **more) -> dict[str, str]:
    return {one.name: one.where for one in model_imports(model, pickles, tops=TOPS, **more)}


def test_the_loader_and_the_pickles_are_named_by_their_files(make) -> None:
    pickle = Pickle(file="model.pkl", modules=frozenset({"sklearn.linear_model", "numpy"}))
    assert said(make({}, "mlflow.sklearn"), pickle) == {
        "mlflow.sklearn": "MLmodel",
        "sklearn.linear_model": "model.pkl",
    }


def test_a_skops_file_is_read_by_skops(make) -> None:
    assert said(make({}), Pickle(file="model.skops"))["skops"] == "model.skops"


def test_code_counts_as_far_as_a_pickle_or_the_loader_reaches_it(make) -> None:
    model = make(
        {
            "code/features/__init__.py": "from . import tables\n",
            "code/features/tables.py": "import os\nfrom ..base import x\n\ndef f():\n    import sqlalchemy.orm\n",
            "code/base.py": "x = 1\n",
            "code/train.py": "import matplotlib\n",
        }
    )
    reached = said(model, Pickle(file="m.pkl", modules=frozenset({"features.scaler"})))
    assert reached["sqlalchemy.orm"] == "code/features/tables.py:5"
    assert "matplotlib" not in reached
    assert "matplotlib" not in said(model)
    loaded = make({"code/train.py": "import matplotlib\n"}, "train")
    assert said(loaded)["matplotlib"] == "code/train.py:1"


def test_a_pickle_that_could_not_be_read_to_its_end_may_reach_all_code(make) -> None:
    model = make({"code/train.py": "import matplotlib\n"})
    assert said(model, Pickle(file="m.pkl", complete=False))["matplotlib"] == "code/train.py:1"


def test_an_import_whose_absence_is_caught_does_not_count(make) -> None:
    model = make({"code/own.py": "try:\n    import sqlalchemy\nexcept ImportError:\n    sqlalchemy = None\n"}, "own")
    assert said(model) == {}


def test_a_model_from_code_reaches_what_its_file_imports(make) -> None:
    more = "    model_code_path: /elsewhere/code/agent.py\n"
    model = make({"agent.py": "from mlflow.server import handlers\n"}, "mlflow.pyfunc.loaders.code_model", more)
    assert said(model)["mlflow.server.handlers"] == "agent.py:1"


def test_the_scoring_script_and_the_modules_beside_it_that_it_imports(make, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    script = folder / "score.py"
    script.write_text("import helper\n\ndef init(): ...\n")
    (folder / "helper.py").write_text("\nimport sqlalchemy\n")
    (folder / "other.py").write_text("import matplotlib\n")
    model = make({})
    found = said(model, script=script, code=folder)
    assert (found["sqlalchemy"], "matplotlib" in found) == ("helper.py:2", False)
    assert "sqlalchemy" not in said(model, script=script)


def test_a_file_that_is_no_python_says_nothing(make) -> None:
    assert said(make({"code/own.py": "import sqlalchemy\nthis is no python\n"}, "own")) == {}
