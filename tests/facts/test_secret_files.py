"""Each row is found wherever it lies in the model, and its template beside it is not."""

from __future__ import annotations

import pytest
from lintcases import Case, findings, write

from envbuild.facts import load_json

TABLE = load_json("secret_files.json")
NAMES = {
    **{name.replace("*", "local"): what for name, what in TABLE["names"].items()},
    **{f"x{ending}": what for ending, what in TABLE["endings"].items()},
}


def found(files, root):
    case = Case(files=files)
    return [f for f in findings(case, write(case, root)) if f.code == "EB608"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_that_name_is_found_at_any_depth(name, tmp_path):
    for depth, path in enumerate((name, f"code/deep/{name}")):
        (finding,) = found({path: "x\n"}, tmp_path / str(depth))
        assert (finding.severity, [span.file for span in finding.spans]) == ("error", [path])
        assert NAMES[name] in finding.message


@pytest.mark.parametrize("name", NAMES)
def test_templates_and_empty_files_and_longer_names_are_not_meant(name, tmp_path):
    files = {f"{name}{ending}": "x\n" for ending in TABLE["examples"]}
    assert found({**files, name: "", f"my{name.replace('/', '-')}.txt": "x\n"}, tmp_path) == []
