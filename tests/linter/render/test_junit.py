from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from envbuild.linter.render import Checked, Report, render
from envbuild.linter.render.junit import junit
from envbuild.linter.types import Finding
from envbuild.model import read

SCHEMA = etree.XMLSchema(etree.parse(str(Path(__file__).parent / "schemas" / "junit-10.xsd")))
FOREST = read(Path(__file__).resolve().parents[3] / "fixtures" / "models" / "forest")


def parsed(text: str):
    tree = etree.fromstring(text.encode())
    SCHEMA.assertValid(tree)
    return tree


def test_junit_follows_the_schema(forest, found, odd):
    for report in (Report.of(forest, found), Report.of(forest, ()), Report(results=()), odd()):
        parsed(render(report, "junit"))


def test_the_schema_tells_what_is_wrong(forest, found):
    tree = etree.fromstring(render(Report.of(forest, found), "junit").encode())
    tree[0].attrib.pop("tests")
    assert not SCHEMA.validate(tree)


def test_a_suite_is_a_model_and_a_case_a_finding(odd):
    tree = parsed(render(odd("x"), "junit"))
    assert [suite.get("name") for suite in tree] == ["m/x", "models:/x", "clean"]
    assert [(s.get("tests"), s.get("failures"), s.get("errors")) for s in tree] == [
        ("3", "1", "0"),
        ("1", "0", "1"),
        ("1", "0", "0"),
    ]
    assert (tree.get("tests"), tree.get("failures"), tree.get("errors")) == ("5", "1", "1")
    case = tree[0][1]
    assert case.get("name") == "EB102 x m/x/conda.yaml:99:9"
    assert case.find("system-out").text.splitlines()[:2] == ["m/x/conda.yaml:99:9", "m/x/a b/x.yaml:3:2"]
    assert tree[2][0].get("name") == "no findings"


def test_only_what_fails_the_run_is_a_failure(odd):
    tree = parsed(render(odd("x"), "junit"))
    assert [case.find("failure") is not None for case in tree[0]] == [True, False, False]
    assert tree[0][0].find("failure").get("type") == "EB101"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_makes_a_document(text):
    finding = Finding(code="EB101", name="x", severity="error", message=text, help=text)
    report = Report(results=(Checked(name=text, model=FOREST, findings=(finding,), base="m"),))
    case = parsed(junit(report))[0][0]
    whole = all(c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c <= "\ufffd" or c > "\uffff" for c in text)
    if whole and "://" not in text and "=" not in text:
        assert case.get("classname") == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_characters_as_references_are_the_same_document(text):
    finding = Finding(code="EB101", name="x", severity="error", message=text, help=text)
    report = Report(results=(Checked(name=text, model=FOREST, findings=(finding,), base="m"),))
    escaped = render(report, "junit", only_ascii=True)
    assert escaped.isascii()
    assert etree.tostring(parsed(escaped)) == etree.tostring(parsed(render(report, "junit")))


def test_no_credential_is_written(odd):
    assert "hunter2" not in render(odd(), "junit")
    assert "s3cret" not in render(odd(), "junit")


@pytest.mark.parametrize("text", ["]]>", "<!--", "&lt;", "\r\n\t"])
def test_markup_stays_text(forest, text):
    finding = Finding(code="EB101", name="x", severity="error", message=text)
    tree = parsed(render(Report.of(forest, (finding,)), "junit"))
    assert tree[0][0].find("failure").get("message") == text
