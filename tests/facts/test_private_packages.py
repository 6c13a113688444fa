"""Each row is found by its name as people write it, and weighed by whether anybody could install it."""

from __future__ import annotations

import pytest
from lintcases import Case, conda, findings, write
from packaging.utils import is_normalized_name

from envbuild.facts import load_json

ROWS = load_json("private_packages.json")["packages"]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_stops_a_build_where_nobody_outside_could_install_it(name, tmp_path):
    row = ROWS[name]
    assert is_normalized_name(name)
    case = Case(files={"conda.yaml": conda(name.replace("-", "_").upper() + "==1.0")})
    (found,) = (f for f in findings(case, write(case, tmp_path / "model")) if f.code == "EB604")
    assert found.severity == ("warning" if row["public"] else "error")
    assert row["platform"] in found.message
    assert [f"{span.file}:{span.line}" for span in found.spans] == ["conda.yaml:5"]
    # Whoever takes a name on the public index is no part of the platform.
    assert not (row["public"] and row.get("taken"))
