from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from envbuild.linter.render import Report, render

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schema" / "lint.schema.json").read_text())


@pytest.fixture
def validator():
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


def test_json_follows_its_schema(validator, forest, found, odd):
    for report in (Report.of(forest, found), Report.of(forest, ()), Report(results=()), odd()):
        validator.validate(json.loads(json.dumps(json.loads(render(report, "json")))))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("counts"),
        lambda d: d.update(version=2),
        lambda d: d["findings"][0].update(severity="fatal"),
        lambda d: d["findings"][0].update(edits=[]),
        lambda d: d["findings"][0]["spans"][0].update(line=0),
        lambda d: d["models"][0].pop("error"),
    ],
)
def test_the_schema_tells_what_is_wrong(validator, forest, found, change):
    document = json.loads(render(Report.of(forest, found), "json"))
    change(document)
    assert not validator.is_valid(document)


def test_every_field_of_the_output_is_described(forest, found, odd):
    """What is written and not in the schema would be seen by nobody."""

    def undescribed(value, schema, path=""):
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if isinstance(value, list):
            return [name for item in value for name in undescribed(item, schema["items"], path + "[]")]
        if not isinstance(value, dict):
            return []
        known = schema.get("properties") or schema["oneOf"][1]["properties"]
        unknown = [f"{path}.{key}" for key in value if key not in known]
        return unknown + [
            name for key in value if key in known for name in undescribed(value[key], known[key], f"{path}.{key}")
        ]

    for report in (Report.of(forest, found), odd()):
        assert undescribed(json.loads(render(report, "json")), SCHEMA) == []


def test_json_holds_all_of_a_finding(forest, found):
    first = json.loads(render(Report.of(forest, found), "json"))["findings"][0]
    assert (first["code"], first["name"], first["severity"], first["fix"]) == (
        "EB301",
        "server-missing",
        "error",
        "safe",
    )
    assert first["spans"][0] == {
        "file": "conda.yaml",
        "path": f"{first['model']}/conda.yaml",
        "line": 12,
        "column": 5,
        "end_column": 18,
    }
    assert (first["edits"][0]["action"], first["edits"][0]["line"]) == ("insert", 12)


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_escapes_are_the_same_document(odd, form):
    escaped = render(odd(), form, only_ascii=True)
    assert escaped.isascii()
    assert json.loads(escaped) == json.loads(render(odd(), form).encode("utf-8", "backslashreplace"))


def test_no_credential_is_written(odd):
    text = render(odd(), "json")
    assert "hunter2" not in text
    assert "s3cret" not in text
