from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.model.script import ScoringScript, parse_script, read_scoring_script


def parsed(source: str) -> ScoringScript:
    return parse_script("score.py", source.encode())


def imports(source: str) -> dict[str, tuple[bool, bool]]:
    """Name -> (optional, certain)."""
    return {found.name: (found.optional, found.certain) for found in parsed(source).imports}


def test_where_an_import_stands_tells_whether_it_is_certain():
    found = imports(
        "import top\n"
        "class A:\n    import inclass\n"
        "def init():\n    import ininit\n"
        "def run(data):\n    import inrun\n    if data:\n        import inif\n"
        "def other():\n    import inother\n"
        "for x in y:\n    import infor\n"
        "with a as b:\n    import inwith\n"
    )
    certain = {name for name, (_, certain) in found.items() if certain}
    assert certain == {"top", "inclass", "ininit", "inrun", "inwith"}
    assert set(found) - certain == {"inif", "inother", "infor"}


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        ("try:\n    import x\nexcept ImportError:\n    pass\n", True),
        ("try:\n    import x\nexcept (ValueError, ModuleNotFoundError) as e:\n    pass\n", True),
        ("try:\n    import x\nexcept:\n    pass\n", True),
        ("try:\n    import x\nexcept Exception:\n    pass\n", True),
        ("try:\n    pass\nexcept ImportError:\n    import x\n", True),
        ("try:\n    import x\nexcept ValueError:\n    pass\n", False),
        ("try:\n    pass\nexcept ImportError:\n    pass\nfinally:\n    import x\n", False),
        ("try:\n    import y\nexcept ImportError:\n    pass\nelse:\n    import x\n", False),
        ("try:\n    try:\n        y()\n    finally:\n        import x\nexcept ImportError:\n    pass\n", True),
        ("import contextlib\nwith contextlib.suppress(ImportError, OSError):\n    import x\n", True),
        ("import contextlib\nwith contextlib.suppress(OSError):\n    import x\n", False),
        ("import x\n", False),
    ],
)
def test_an_import_is_optional_where_its_failure_is_caught(source, optional):
    assert imports(source)["x"][0] is optional


def test_what_type_checkers_alone_see_is_left_out():
    source = "import typing\nif typing.TYPE_CHECKING:\n    import unseen\nelse:\n    import seen\n"
    assert set(imports(source)) == {"typing", "seen"}


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("False", False),
        ("0", False),
        ("True", True),
        ("not TYPE_CHECKING", True),
        ("__name__ == '__main__'", False),
        ("'__main__' != __name__", True),
        ("TYPE_CHECKING or False", False),
        ("False and anything", False),
        ("not (anything and TYPE_CHECKING)", True),
    ],
)
def test_a_branch_that_no_server_takes_is_left_out(condition, taken):
    source = f"if {condition}:\n    import x\n    def run(data): ...\nelse:\n    import y\n    def init(): ...\n"
    script = parsed(source)
    assert [(i.name, i.certain) for i in script.imports] == [("x" if taken else "y", True)]
    assert script.bound - {"x", "y"} == {"run" if taken else "init"}
    assert script.function("run" if taken else "init")


@pytest.mark.parametrize(
    "condition", ["anything", "os.environ.get('X') or False", "__name__ == 'score'", "-x", "not " * 999 + "x"]
)
def test_a_condition_that_nobody_knows_leaves_both_branches(condition):
    found = imports(f"if {condition}:\n    import x\nelse:\n    import y\n")
    assert found == {"x": (False, False), "y": (False, False)}


@pytest.mark.parametrize(
    ("condition", "pythons"),
    [
        ("sys.version_info >= (3, 11)", ["3.11", "3.11.7", "3.12.0"]),
        ("(3, 11) <= sys.version_info", ["3.11", "3.11.7", "3.12.0"]),
        ("not sys.version_info < (3, 11)", ["3.11", "3.11.7", "3.12.0"]),
        ("version_info[:2] == (3, 11)", ["3.11", "3.11.7"]),
        ("sys.version_info[1] > 10", ["3.11", "3.11.7", "3.12.0"]),
        ("sys.version_info.minor != 11", ["3.10.4", "3.12.0"]),
        ("sys.version_info.major == 2", []),
        ("sys.version_info[0] >= 3", ["3.10.4", "3.11", "3.11.7", "3.12.0"]),
        ("sys.version_info > (3, 11, 7)", ["3.11.7", "3.12.0"]),
        ("sys.version_info < (3, 11, 7)", ["3.10.4"]),
    ],
)
def test_a_comparison_of_the_python_decides_where_it_is_known(condition, pythons):
    script = parsed(f"import sys\nif {condition}:\n    import x\nelse:\n    import y\n")
    for python in ("3.10.4", "3.11", "3.11.7", "3.12.0"):
        found = {i.name: i.certain for i in script.imports_on(python) if i.name != "sys"}
        # The patch version is what decides, and is not told.
        if python == "3.11" and "7" in condition:
            assert found == {"x": False, "y": False}
        else:
            assert found == {"x" if python in pythons else "y": True}
        if "." in python[2:]:
            info = (*map(int, python.split(".")), "final", 0)
            named = type("sys", (), {"version_info": _Info(info)})
            assert eval(condition, {"sys": named, "version_info": named.version_info}) is ("x" in found)
    assert {i.name: i.certain for i in script.imports_on("")} == {"sys": True, "x": False, "y": False}


class _Info(tuple):
    major, minor, micro = (property(lambda self, at=at: self[at]) for at in range(3))


@pytest.mark.parametrize(
    "condition",
    [
        "sys.version_info >= (3, x)",
        "sys.version_info[1] >= (3,)",
        "sys.version_info[1:] > (9,)",
        "a.version_info > (3,)",
    ],
)
def test_other_comparisons_of_versions_are_not_judged(condition):
    assert imports(f"if {condition}:\n    import x\n") == {"x": (False, False)}


def test_an_if_below_a_comparison_of_the_python_asks_for_both():
    source = "if sys.version_info >= (3, 9):\n    if sys.version_info < (3, 11):\n        import tomli\n"
    script = parsed(f"import sys\n{source}    elif platform:\n        import other\n")
    assert [[i.name for i in script.imports_on(python)] for python in ("3.8.1", "3.10.1", "3.11.1")] == [
        ["sys"],
        ["sys", "tomli"],
        ["sys", "other"],
    ]
    assert [i.certain for i in script.imports_on("3.10.1")] == [True, True]
    assert [i.certain for i in script.imports_on("3.11.1")] == [True, False]


def test_names_and_attributes():
    script = parsed("from azureml.ai import monitoring\nfrom . import near\nfrom ..far import x\nimport a.b as c\n")
    assert [i.name for i in script.imports] == ["azureml.ai", ".", "..far", "a.b"]
    assert script.imports_module("azureml.ai.monitoring")
    assert script.imports_module("azureml")
    assert not script.imports_module("azureml.ai.monitor")


def test_places_count_characters():
    script = parsed('é = "é"; import json\nif 1:\n\timport os\n')
    assert [(i.span.line, i.span.column, i.span.end_column) for i in script.imports] == [(1, 10, 21), (3, 2, 11)]
    (function,) = parsed("@wrapped\nasync  def run ( a ):\n    pass\n").functions
    assert (function.span.line, function.is_async, function.decorators) == (2, True, ("wrapped",))


@pytest.mark.parametrize(
    ("signature", "kinds"),
    [
        ("a, b=1", [("a", "usual", False), ("b", "usual", True)]),
        ("a, /, b", [("a", "positional-only", False), ("b", "usual", False)]),
        (
            "a=1, /, *, k, m=2",
            [("a", "positional-only", True), ("k", "keyword-only", False), ("m", "keyword-only", True)],
        ),
        ("*a, **k", [("a", "variable", True), ("k", "variable", True)]),
    ],
)
def test_parameters_agree_with_inspect(signature, kinds):
    import inspect

    source = f"def run({signature}): ...\n"
    function = parsed(source).function("run")
    assert function is not None
    assert [(p.name, p.kind, p.default) for p in function.parameters] == kinds
    space: dict[str, object] = {}
    exec(source, space)
    real = inspect.signature(space["run"]).parameters.values()
    named = {"usual": "POSITIONAL_OR_KEYWORD", "positional-only": "POSITIONAL_ONLY", "keyword-only": "KEYWORD_ONLY"}
    for parameter, wanted in zip(function.parameters, real, strict=True):
        assert wanted.kind.name in (named.get(parameter.kind), "VAR_POSITIONAL", "VAR_KEYWORD")


def test_a_function_that_is_defined_twice_or_under_a_condition_is_not_known():
    script = parsed("def run(a): ...\ndef run(b): ...\nif x:\n    def init(): ...\n")
    assert {"run", "init"} <= script.bound
    assert script.functions == ()


def test_names_in_functions_and_classes_are_not_at_the_top():
    script = parsed("class A:\n    def run(self): ...\ndef f():\n    init = 1\n")
    assert script.bound == {"A", "f"}
    assert not script.open


@pytest.mark.parametrize("source", ["from x import *\n", "exec(code)\n", "globals()['run'] = print\n"])
def test_a_script_may_get_names_that_nobody_sees(source):
    assert parsed(source).open


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (b"def run(:\n", (1, 9)),
        (b"x = 1\n  y = 2\n", (2, 1)),
        (b"\xff\xfe", (1, 1)),
        (b"# -*- coding: nothing -*-\n", (1, 1)),
        (b"a = '\x00'", (1, 1)),
        (b"(" * 1000, (1, 200)),
        (b"x" + b".y" * 100_000, (1, 1)),
    ],
)
def test_what_is_no_python_has_a_place(source, place):
    problem = parse_script("score.py", source).problem
    assert problem is not None and problem.span is not None
    line, column = place
    assert problem.span.line == line
    assert problem.span.column <= problem.span.end_column
    assert abs(problem.span.column - column) <= 2


def test_the_code_folder_and_the_folder_of_the_script_bring_modules(tmp_path: Path):
    inner = tmp_path / "deep"
    (tmp_path / "package").mkdir()
    inner.mkdir()
    for name in ("helper.py", "fast.cpython-311-x86_64-linux-gnu.so", "notes.txt", "not-a-name.py"):
        (tmp_path / name).write_text("")
    (inner / "score.py").write_text("import helper\n")
    (inner / "beside.py").write_text("")
    found = read_scoring_script(inner / "score.py", tmp_path)
    assert found.modules == {"score", "helper", "fast", "package", "deep", "beside"}
    assert read_scoring_script(inner / "score.py").modules == {"score"}
    assert found.file == str(inner / "score.py")


def test_a_script_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="is not a file"):
        read_scoring_script(tmp_path)
