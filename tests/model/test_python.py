"""Which Python the image gets: the environment's own, MLmodel's where a range allows it, else one that it allows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envbuild.facts import load_json
from envbuild.model.python import python_wanted
from envbuild.model.python_range import allowed_minors, allows, only_minor

MINORS = [f"3.{minor}" for minor in range(6, 16)]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        *(("3.11.7", "3.11"), ("==3.11", "3.11"), ("3.10.*", "3.10"), ("3.12.0rc1", "3.12")),
        *((">=3.10,<3.11", "3.10"), (">= 3.10 , < 3.11", "3.10"), (">=3.10,<3.11.0a0", "3.10"), ("~=3.10.2", "3.10")),
        *((">3.9.5,<=3.9.18", "3.9"), (">=3.9,<3.11,!=3.10.*", "3.9"), ("3.10.4|3.10.6", "3.10"), ("=3.10*", "3.10")),
        *((">=3.10,<=3.11", ""), ("~=3.10", ""), ("3.10|3.11", ""), ("3.10.*|3.11.*", ""), ("3", ""), (">=3.9", "")),
        *((">=3.11,<3.11", ""), ("*", ""), ("", ""), ("latest", ""), ("<3", "2.7"), (">=4", ""), ("3.9,", "")),
        *(
            (",".join([">=3.10", "<3.11"] * 20), ""),
            ("9" * 5000, ""),
            ("3." + "9" * 5000, ""),
            ("(3.9|3.10),<3.10", ""),
        ),
    ],
)
def test_a_range_that_allows_one_minor_version_names_it(text: str, minor: str) -> None:
    assert only_minor(text) == minor


CLAUSE = st.builds(
    lambda operator, minor, patch: f"{operator}3.{minor}{patch}",
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(6, 15),
    st.sampled_from(["", ".0", ".3", ".4"]),
) | st.builds(
    lambda operator, minor, rest: f"{operator}3.{minor}{rest}",
    st.sampled_from(["==", "!="]),
    st.integers(6, 15),
    st.just(".*"),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(CLAUSE, min_size=1, max_size=4).map(",".join))
def test_ranges_are_those_of_pep_440(text: str) -> None:
    specifier = SpecifierSet(text)
    for minor in MINORS:
        patches = [patch for patch in (*range(8), 99) if specifier.contains(f"{minor}.{patch}")]
        assert allows(text, minor) == bool(patches)
        assert all(allows(text, f"{minor}.{patch}") == (patch in patches) for patch in range(8))


def test_what_is_no_range_leaves_nothing_out() -> None:
    assert allows("latest", "3.11")
    assert len(allowed_minors("^3.11$")) == len(allowed_minors("*"))


def wanted(model, spec, recorded="3.11.2"):
    python = f"    python_version: {recorded}\n" if recorded else ""
    found = python_wanted(
        model(
            {
                "MLmodel": f"flavors:\n  python_function:\n    loader_module: m\n{python}",
                "conda.yaml": f'dependencies:\n- "{spec}"\n- pip\n',
            }
        )
    )
    return found.version, found.source, found.note


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        *(("python=3.11.7", "3.11.7"), ("python=3.10", "3.10"), ("python>=3.10,<3.11", "3.10")),
        *(("python[version='3.10']", "3.10"), ("python[version='>=3.9,<3.10', build=h1]", "3.9")),
        *(("conda-forge::python[version=3.9.5]", "3.9.5"), ("python>=3.10,<3.11 h12_0_cpython", "3.10")),
        *(("python>=3.8[version='<3.10,>=3.9']", "3.9"), ("python=3.9.*=*_cpython", "3.9")),
    ],
)
def test_one_minor_version_counts_before_that_of_mlmodel(model, spec, version):
    assert wanted(model, spec) == (version, "conda.yaml:2", "")


@pytest.mark.parametrize(
    "spec", ["python>=3.9", "python", "python=3", "python<3.12", "python[build=h1]", "python>=3.9|<3", "python=latest"]
)
def test_of_a_range_that_allows_it_mlmodels_version_is_taken(model, spec):
    assert wanted(model, spec) == ("3.11.2", "MLmodel", "")


@pytest.mark.parametrize(
    ("spec", "recorded", "version", "why"),
    [
        ("python<3.11", "3.11.2", "3.10", "asks for Python <3.11, which 3.11.2 of MLmodel is not: 3.10 is taken"),
        ("python>=3.12", "3.11.2", "3.14", "asks for Python >=3.12, which 3.11.2 of MLmodel is not: 3.14 is taken"),
        # Its minor version is allowed: the pickles want that one, and the patch version is never chosen.
        ("python>=3.11.5", "3.11.2", "3.11", "asks for Python >=3.11.5, which 3.11.2 of MLmodel is not: 3.11 is taken"),
        ("python<3.10", "", "3.8", "asks for Python <3.10, and no file names a single version: 3.8 is taken"),
        ("python<3.10", "unknown", "3.8", "and no file names a single version: 3.8 is taken"),
        # No base is chosen for these by itself: one to be named, one that is known, one to come.
        ("python>=3.9,<3.10|>=3.6,<3.7", "3.11.2", "3.9", "3.9 is taken"),
        ("python<3.7,>=3.5", "3.11.2", "3.6", "3.6 is taken"),
        ("python>=3.20", "3.11.2", "3.20", "3.20 is taken"),
    ],
)
def test_else_the_newest_that_a_base_is_known_for_is_taken_and_told(model, spec, recorded, version, why):
    found, source, note = wanted(model, spec, recorded)
    assert (found, source) == (version, "conda.yaml:2")
    assert note.startswith("conda.yaml:2 ")
    assert why in note


def test_a_range_that_no_version_satisfies_is_told(model):
    version, source, note = wanted(model, "python>=3.12,<3.11")
    assert (version, source) == ("3.11.2", "MLmodel")
    assert note == "conda.yaml:2 asks for Python >=3.12,<3.11, which no version is: 3.11.2 of MLmodel is taken"


def test_without_any_word_of_python_none_is_wanted(model):
    assert wanted(model, "python", "") == ("", "", "")
    assert wanted(model, "python=latest", "") == ("", "", "")


def test_the_newest_has_a_base_where_any_that_is_allowed_has_one(model):
    rows = load_json("python_versions.json")["minors"]
    for minor, row in rows.items():
        if row["base"]:
            assert wanted(model, f"python<={minor}.99", "3.99.1")[0] == minor
