"""Each row of the table of Python versions: its dates by PEP 602, its base by the catalogue, its tools by wheels."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from envbuild.bases import choose
from envbuild.bases.suites import SUITES
from envbuild.errors import BaseImageError
from envbuild.facts import load_json
from envbuild.resolver.uv import find_uv
from envbuild.servers import PROFILES

TABLE = load_json("python_versions.json")
MINORS = TABLE["minors"]


@pytest.mark.parametrize("minor", MINORS)
def test_a_minor_version_ends_five_years_after_its_first_release(minor):
    row = MINORS[minor]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", row["released"])
    year, month, _ = row["released"].split("-")
    # Python 2.7 had its own end (PEP 373).
    assert row["eol"] == ("2020-01" if minor == "2.7" else f"{int(year) + 5}-{month}")


def test_the_table_has_each_version_once_and_in_order():
    assert [MINORS[minor]["released"] for minor in MINORS] == sorted(row["released"] for row in MINORS.values())
    numbers = [int(minor.split(".")[1]) for minor in MINORS if minor.startswith("3.")]
    assert numbers == list(range(5, 5 + len(numbers)))


@pytest.mark.parametrize("minor", MINORS)
def test_the_base_is_the_one_that_is_chosen_by_itself(minor):
    try:
        chosen = choose("auto", minor, python_source="conda.yaml").name
    except BaseImageError:
        chosen = ""
    assert MINORS[minor]["base"] == chosen


@pytest.mark.parametrize("minor", [minor for minor in MINORS if "named" in MINORS[minor]])
def test_a_base_that_is_taken_only_by_name_has_that_python(minor):
    suite = next(suite for suite in SUITES.values() if suite.name == MINORS[minor]["named"])
    assert (suite.python, suite.automatic) == (minor, False)


def test_every_server_has_a_floor_that_is_in_the_table():
    assert set(TABLE["servers"]) == set(PROFILES)
    assert set(TABLE["servers"].values()) <= set(MINORS)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("minor", ["3.7", "3.8"])
def test_the_azureml_server_runs_on_nothing_older_than_its_floor(minor):
    asked = next(p.requirement for p in PROFILES["azureml"].packages if p.code == "EB301")
    command = [find_uv(), "pip", "compile", "--no-deps", "--python-version", minor, "--no-header", "-"]
    out = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert (out.returncode == 0) is (minor >= TABLE["servers"]["azureml"])
    if out.returncode:
        assert "depends on Python>=" in " ".join(out.stderr.split())


OLDER = {"pip": "23.1.1", "setuptools": "66.0.0"}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("tool", OLDER)
def test_the_first_version_that_runs_on_312_asks_before_it_uses_what_is_gone(tool, tmp_path):
    """pkg_resources, which both carry, calls pkgutil.ImpImporter at its import."""
    first = TABLE["first_working"]["3.12"][tool]["version"]

    def asks(version: str) -> bool:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path / version)]
        subprocess.run([*command, f"{tool}=={version}"], check=True)
        (wheel,) = Path(tmp_path / version).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (n for n in archive.namelist() if re.fullmatch(r"(pip/_vendor/)?pkg_resources/__init__\.py", n))
            text = archive.read(name).decode()
        assert "pkgutil.ImpImporter" in text
        return "hasattr(pkgutil, 'ImpImporter')" in text or 'hasattr(pkgutil, "ImpImporter")' in text

    assert asks(first)
    assert not asks(OLDER[tool])
