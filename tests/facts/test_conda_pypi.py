"""Each row moves a conda line to the pip list: of a model folder, by the fix itself."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import pytest
from lintcases import Case, findings, write
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, is_normalized_name

from envbuild.facts import load_json
from envbuild.linter.fixes import apply
from envbuild.model import read
from envbuild.model.conda_native import native

TABLE = load_json("conda_pypi.json")
ROWS = {**TABLE["twins"], **{name: canonicalize_name(name) for name in TABLE["same"]}}


@pytest.mark.parametrize("name", TABLE["twins"])
def test_a_twin_has_another_name_on_pypi(name):
    assert is_normalized_name(TABLE["twins"][name])
    assert canonicalize_name(name) != TABLE["twins"][name] or name != canonicalize_name(name)
    assert name not in TABLE["same"]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_not_said_to_be_native_as_well_and_its_line_can_be_moved(name, tmp_path):
    assert native(name) is None
    head = "dependencies:\n- python=3.11.7\n- pip\n"
    root = write(Case(files={"conda.yaml": f"{head}- {name}=9.8.7\n- pip:\n  - anything\n"}), tmp_path / "model")
    (found,) = (f for f in findings(Case(), root) if f.code == "EB104")
    apply(read(root), [found], unsafe=True)
    after = read(root).environment
    assert [d.name for d in after.conda] == ["pip"]
    assert [r.text for r in after.pip] == ["anything", f"{ROWS[name]}==9.8.7"]
    assert Requirement(after.pip[-1].text).name == ROWS[name]


def installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize("name", [name for name in TABLE["same"] if installed(name)])
def test_a_name_that_is_the_same_is_the_distributions_own(name):
    assert canonicalize_name(distribution(name).metadata["Name"]) == canonicalize_name(name)
