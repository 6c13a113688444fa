from __future__ import annotations

import pytest

from envbuild.errors import UsageError
from envbuild.oci.reference import as_references, parse_reference


@pytest.mark.parametrize(
    ("text", "familiar", "canonical"),
    [
        ("diabetes", "diabetes:latest", "docker.io/library/diabetes:latest"),
        ("diabetes:2", "diabetes:2", "docker.io/library/diabetes:2"),
        ("team/diabetes", "team/diabetes:latest", "docker.io/team/diabetes:latest"),
        ("docker.io/diabetes", "diabetes:latest", "docker.io/library/diabetes:latest"),
        ("index.docker.io/library/diabetes", "diabetes:latest", "docker.io/library/diabetes:latest"),
        ("localhost/x:1", "localhost/x:1", "localhost/x:1"),
        ("host:5000/a/b/c:V_1.2-x", "host:5000/a/b/c:V_1.2-x", "host:5000/a/b/c:V_1.2-x"),
        ("host:5000/a", "host:5000/a:latest", "host:5000/a:latest"),
        ("registry.example/a__b/c--d:1", "registry.example/a__b/c--d:1", "registry.example/a__b/c--d:1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
        ("docker.io/library/a/b", "library/a/b:latest", "docker.io/library/a/b:latest"),
    ],
)
def test_a_reference_has_a_short_and_a_full_form(text: str, familiar: str, canonical: str) -> None:
    reference = parse_reference(text)

    assert reference.familiar == familiar
    assert reference.canonical == canonical
    assert parse_reference(canonical) == reference
    assert parse_reference(familiar) == reference


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "Diabetes", "a:", ":1", "a b", "a:b:c", "-a", "a..b", "a/", "/a", "a//b", "a:-x", "a:ü", "a\n"],
        *["a:" + "t" * 129, "x@sha256:" + "0" * 64, "f" * 64, "host:port/a", "../a", "a" * 250, "http://host/a"],
        "-h.x/a",
    ],
)
def test_anything_else_is_a_usage_error_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)

    assert repr(text) in caught.value.message
    assert caught.value.hint


def test_upper_case_gets_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference("My Model")

    assert "my-model" in caught.value.hint


def test_references_pass_through() -> None:
    reference = parse_reference("a:1")

    assert as_references([reference, "a:1"]) == [reference, reference]
