from __future__ import annotations

import pytest

from envbuild.linter import run
from envbuild.linter.fixes import apply
from envbuild.linter.types import Choice, Target
from envbuild.model import read
from envbuild.servers import PROFILES

MLMODEL = 'flavors:\n  python_function:\n    loader_module: m\n%s\nsignature:\n  inputs: \'[{"type": "double"}]\'\n'


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    data: a\\b.json  # why", "    data: a/b.json  # why"),
        ("    data: 'a\\b.json'", "    data: 'a/b.json'"),
        ('    data: "a\\\\b.json"', '    data: "a/b.json"'),
        ('    data:   ".\\\\a\\\\b.json" # x', '    data:   "./a/b.json" # x'),
        ("    model_code_path: C:\\Users\\me\\it's m.py", "    model_code_path: C:/Users/me/it's m.py"),
        ("    model_code_path: 'C:\\it''s m.py'", "    model_code_path: 'C:/it''s m.py'"),
        ("    artifacts: {x: {path: a\\b.json, uri: C:\\x}}", "    artifacts: {x: {path: a/b.json, uri: C:\\x}}"),
    ],
)
def test_a_path_is_written_with_slashes_and_nothing_else_changes(folder, before, after, ending):
    text = (MLMODEL % before).replace("\n", ending)
    root = folder({"MLmodel": text, "a/b.json": "{}", "it's m.py": "x"})

    def find():
        return run(read(root), Target(server=PROFILES["azureml"]), Choice(select=("EB109",)))

    assert apply(read(root), find()) == ["MLmodel"]
    assert (root / "MLmodel").read_bytes().decode() == (MLMODEL % after).replace("\n", ending)
    assert find() == []
