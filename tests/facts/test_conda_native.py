"""Each row is a conda package that pip cannot install: what is said of it leads on, and lines that can go do go."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from importlib.metadata import distributions

import pytest
from lintcases import Case, findings, write
from packaging.utils import is_normalized_name

from envbuild.bases.debian import make_downloader
from envbuild.bases.release import KEYRING
from envbuild.bases.resolve import resolve_lock
from envbuild.bases.suites import SUITES
from envbuild.facts import load_json
from envbuild.linter.conda_lines import TOOLS
from envbuild.linter.fixes import apply
from envbuild.model import read
from envbuild.model.conda_native import native

TABLE = load_json("conda_native.json")
NATIVE = {**TABLE["native"], **{f"{prefix}x": row for prefix, row in TABLE["prefixes"].items()}}
HEAD = "dependencies:\n- python=3.11.7\n- pip\n"
TAIL = "- pip:\n  - numpy==2.4.6\n"


def found_in(text, root):
    case = Case(files={"conda.yaml": text})
    return [f for f in findings(case, write(case, root)) if f.code in ("EB104", "EB704")]


@pytest.mark.parametrize("name", [*TABLE["carried"], *NATIVE])
def test_a_row_is_told_once_and_its_line_goes_where_nothing_is_lost(name, tmp_path):
    assert re.fullmatch(r"[a-z0-9_][a-z0-9_.-]*", name)
    assert name not in TOOLS
    (found,) = found_in(f"{HEAD}- {name}=1.0\n{TAIL}", tmp_path / "model")
    known = native(name)
    severity = "warning" if known.needless else "error"
    assert (found.code, found.severity, [span.line for span in found.spans]) == ("EB704", severity, [4])
    assert bool(found.edits) == known.needless
    for way in (*known.apt, *known.pip):
        assert way in found.help
    if found.edits:
        assert found.safe
        apply(read(tmp_path / "model"), [found])
        assert (tmp_path / "model" / "conda.yaml").read_text() == HEAD + TAIL


def test_no_row_is_told_in_two_ways():
    names = [*TABLE["carried"], *TABLE["native"]]
    assert len(names) == len(set(names))
    assert [name for name in TABLE["carried"] if name.startswith(tuple(TABLE["prefixes"]))] == []


@pytest.mark.parametrize("name", sorted({way for row in NATIVE.values() for way in row.get("pip", ())}))
def test_what_pip_should_install_instead_is_itself_a_python_package(name):
    assert is_normalized_name(name)
    assert native(name) is None


def test_no_python_package_that_is_installed_here_is_taken_for_something_else():
    here = {found.metadata["Name"].lower() for found in distributions()}
    assert len(here) > 20
    assert {name for name in here if native(name) is not None} == set()


@pytest.mark.network
@pytest.mark.slow
def test_debian_has_every_package_that_is_named_for_it():
    names = {name for row in NATIVE.values() for name in row.get("apt", ())}
    assert len(names) > 20
    lock = resolve_lock(
        SUITES["bookworm"],
        "amd64",
        make_downloader(os.environ),
        keyring=KEYRING.read_bytes(),
        now=datetime.now(timezone.utc),
        apt=sorted(names),
    )
    assert names <= {package.name for package in lock.packages}
