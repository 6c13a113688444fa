from __future__ import annotations

import pytest
from lintcases import Case, conda, findings, write

from envbuild.linter.sources import MOST, placed, sources
from envbuild.linter.types import Target
from envbuild.model import read
from envbuild.servers import PROFILES

TARGET = Target(server=PROFILES["azureml"])


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("-e .", "editable", "."),
        ("-e./mylib", "editable", "./mylib"),
        ("--editable=git+https://h/r", "editable", "git+https://h/r"),
        ("git+https://h/r@main", "repository", "git+https://h/r@main"),
        ("mylib @ git+ssh://git@h/r", "repository", "git+ssh://git@h/r"),
        ("mylib@git+https://h/r", "repository", "git+https://h/r"),
        ("./x-1-py3-none-any.whl", "wheel path", "./x-1-py3-none-any.whl"),
        ("X-1-py3-none-any.WHL", "wheel path", "X-1-py3-none-any.WHL"),
        ("./x-1-py3-none-any.whl[a,b]", "wheel path", "./x-1-py3-none-any.whl"),
        ("./x-1-py3-none-any.whl ; python_version > '3'", "wheel path", "./x-1-py3-none-any.whl"),
        ("C:\\x-1-py3-none-any.whl", "wheel path", "C:\\x-1-py3-none-any.whl"),
        ("file:///x-1-py3-none-any.whl#sha256=0", "wheel path", "file:///x-1-py3-none-any.whl#sha256=0"),
        ("https://h/x-1-py3-none-any.whl?a=1", "wheel address", "https://h/x-1-py3-none-any.whl?a=1"),
        ("x @ https://h/x-1-py3-none-any.whl", "wheel address", "https://h/x-1-py3-none-any.whl"),
        ("https://h/x-1.tar.gz", "source address", "https://h/x-1.tar.gz"),
        ("./mylib", "source path", "./mylib"),
        ("mylib.zip", "source path", "mylib.zip"),
        ("--find-links ./wheels", None, ""),
        ("--pre", None, ""),
        ("numpy==1.26.4", None, ""),
    ],
)
def test_a_line_is_told_by_where_it_leads(text, kind, address, tmp_path):
    model = read(write(Case(files={"conda.yaml": conda(text)}), tmp_path / "model"))
    found = list(sources(model.environment))
    assert [(source.kind, source.address, source.span.line) for source in found] == (
        [(kind, address, 5)] if kind else []
    )


def test_the_same_text_in_a_file_that_does_not_count_is_a_place_of_it(tmp_path):
    files = {"conda.yaml": conda("./a", "./b"), "requirements.txt": "# c\n./b\n"}
    model = read(write(Case(files=files), tmp_path / "model"))
    found = {source.text: spans for source, spans in placed(model, TARGET, "source path")}
    assert {text: [f"{span.file}:{span.line}" for span in spans] for text, spans in found.items()} == {
        "./a": ["conda.yaml:5"],
        "./b": ["conda.yaml:6", "requirements.txt:2"],
    }
    assert list(placed(model, TARGET, "editable", "repository")) == []


@pytest.mark.parametrize(
    ("marker", "target", "counts"),
    [
        ("sys_platform == 'win32'", {}, False),
        ("python_version < '3.8'", {}, False),
        ("python_version < '3.8'", {"python": "3.7"}, True),
        ("platform_machine == 'aarch64'", {}, False),
        ("platform_machine == 'aarch64'", {"platform": "linux/arm64"}, True),
        ("python_version >= '3.8'", {}, True),
        ("platform_release >= '5'", {}, True),
    ],
)
@pytest.mark.parametrize("text", ["./a", "git+https://h/r", "a @ git+https://h/r", "./a-1-py3-none-any.whl"])
def test_what_a_marker_leaves_out_is_no_source_for_a_rule(text, marker, target, counts, tmp_path):
    model = read(write(Case(files={"conda.yaml": conda(f"{text} ; {marker}")}), tmp_path / "model"))
    kinds = ("source path", "repository", "wheel path")
    assert bool(list(placed(model, Target(server=PROFILES["azureml"], **target), *kinds))) is counts


def test_of_endless_sources_the_first_are_told(tmp_path):
    lines = [f"./{number}" for number in range(2000)]
    files = {"conda.yaml": conda(*lines), "requirements.txt": "./0\n" * 2000}
    model = read(write(Case(files=files), tmp_path / "model"))
    found = list(placed(model, TARGET, "source path"))
    assert [source.text for source, _ in found] == lines[:MOST]
    assert len(found[0][1]) == MOST + 1


@pytest.mark.parametrize(
    ("address", "wheel"),
    [
        ("code/my_lib-1.2-py3-none-any.whl", ("my-lib", "1.2")),
        ("C:\\a\\my_lib-1.2-1-py3-none-any.whl", ("my-lib", "1.2")),
        ("code/strange.whl", ("", "")),
    ],
)
def test_a_wheel_tells_its_name_and_version(address, wheel, tmp_path):
    model = read(write(Case(files={"conda.yaml": conda(address)}), tmp_path / "model"))
    assert [source.wheel for source in sources(model.environment)] == [wheel]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({"index_strategy": "unsafe-best-match", "own_indexes": True}, True),
        ({"index_strategy": "unsafe-best-match", "own_indexes": True, "azure": True}, False),
        ({"index_strategy": "unsafe-best-match"}, False),
        ({"own_indexes": True}, False),
    ],
)
def test_a_strategy_of_the_person_can_mix_the_indexes_up(target, found, tmp_path):
    case = Case(files={"conda.yaml": conda("mylib")}, target=target)
    messages = [f.message for f in findings(case, write(case, tmp_path / "model")) if f.code == "EB605"]
    assert [message.startswith("UV_INDEX_STRATEGY=unsafe-best-match") for message in messages] == [True] * found


def test_own_indexes_make_a_warning_of_what_they_may_hold(tmp_path):
    for own, severity in ((False, "error"), (True, "warning")):
        case = Case(files={"conda.yaml": conda("torch==2.1.0+cu118", "dbruntime")}, target={"own_indexes": own})
        found = {f.code: f.severity for f in findings(case, write(case, tmp_path / f"model-{own}"))}
        assert (found["EB503"], found["EB604"]) == (severity, severity)
