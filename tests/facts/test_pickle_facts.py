"""The tables about pickles: each row says something that real wheels or a real Python bear out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import interpreter
from lintcases import MLMODEL, Case, conda, findings, write
from packaging.utils import is_normalized_name
from packaging.version import Version

from envbuild.facts import load_json
from envbuild.linter.provided import standard_modules
from envbuild.model.types import Pickle

FLAVORS = load_json("flavor_versions.json")["keys"]
BREAKS = load_json("sklearn_pickles.json")["breaks"]
PANDAS = load_json("pandas_layout.json")["globals"]
STANDARD = load_json("stdlib_modules.json")
NUMPY = load_json("numpy_layout.json")


def told(case: Case, code: str, root: Path) -> list[str]:
    return [finding.severity for finding in findings(case, write(case, root)) if finding.code == code]


def lower(version: str | None, default: str) -> str:
    """A version a little below `version`."""
    if version is None:
        return default
    major, minor = version.split(".")
    return f"{major}.{int(minor) - 1}.2" if int(minor) else f"{int(major) - 1}.99.2"


@pytest.mark.parametrize("key", FLAVORS)
def test_a_flavor_key_is_read_from_mlmodel_and_compared(key, tmp_path):
    flavor, field = key.split(".")
    name = FLAVORS[key]
    assert is_normalized_name(name)
    mlmodel = MLMODEL.replace("flavors:\n", f"flavors:\n  {flavor}:\n    {field}: 1.0.0\n")
    for pin, expected in (("2.0.0", ["warning"]), ("1.0.0", [])):
        files = {"MLmodel": mlmodel, "conda.yaml": conda(f"{name}=={pin}", "numpy==1.26.4")}
        assert told(Case(files=files), "EB403", tmp_path / pin) == expected


@pytest.mark.parametrize("row", BREAKS, ids=lambda row: row["global"])
def test_a_break_counts_within_its_bounds_alone(row, tmp_path):
    """What the rows claim of real versions is tried by tests/linter/proofs."""
    (written, until), (since, before) = row["written"], row["read"]
    assert not (since and until) or Version(until) <= Version(since)
    assert not (written and before) or Version(before) <= Version(written) or Version(until) <= Version(before)
    assert row["at"] in ("load", "predict")
    writes = lower(until, f"{written}.0" if written else "1.0.2")
    reads = f"{since}.0" if since else lower(before, "1.0.2")

    def severity(version: str, pin: str) -> list[str]:
        pickle = Pickle(file="model.pkl", versions={"scikit-learn": version}, globals=frozenset({row["global"] + "X"}))
        files = {"conda.yaml": conda(f"scikit-learn=={pin}", "numpy==1.26.4")}
        return told(Case(files=files, pickles=(pickle,)), "EB403", tmp_path / f"{version}-{pin}")

    assert severity(writes, reads) == ["error"]
    assert severity(reads, reads) == []
    others = [r for r in BREAKS if r is not row and (row["global"] + "X").startswith(r["global"])]
    if not others:
        outside = f"{until}.1" if until else lower(written, "1.0.2")
        assert severity(outside, f"{outside.rpartition('.')[0]}.9") == ["warning"]


@pytest.mark.parametrize("row", PANDAS, ids=lambda row: row["global"])
def test_a_name_of_pandas_is_told_outside_of_its_versions_alone(row, tmp_path):
    pickle = Pickle(file="model.pkl", globals=frozenset({row["global"] + "X"}))

    def at(version: str) -> list[str]:
        files = {"conda.yaml": conda(f"pandas=={version}", "numpy==1.26.4")}
        return told(Case(files=files, pickles=(pickle,)), "EB405", tmp_path / version)

    inside = f"{row['since']}.0" if row["since"] else lower(row["gone"], "")
    assert at(inside) == []
    if row["gone"]:
        assert at(f"{row['gone']}.0") == ["error"]
    if row["since"]:
        assert at(lower(row["since"], "")) == ["error"]


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_standard_library_is_that_of_each_python(version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    if version in ("3.8", "3.9"):
        # They do not list it: what is said to have come or gone is imported.
        wanted = {name for names in STANDARD["added"].values() for name in names} & standard_modules(version)
        program = f"import importlib\nfor name in {sorted(wanted)!r}: importlib.import_module(name)"
        assert subprocess.run([str(python), "-c", program], check=False).returncode == 0
        return
    program = "import sys, json; print(json.dumps(sorted(sys.stdlib_module_names)))"
    real = set(json.loads(subprocess.run([str(python), "-c", program], capture_output=True, check=True).stdout))
    public = {name for name in standard_modules(version) if not name.startswith("_")}
    assert public == {name for name in real if not name.startswith("_")}


def test_no_module_comes_and_goes_with_the_same_version():
    for kind in ("added", "removed"):
        names = [name for names in STANDARD[kind].values() for name in names]
        assert len(names) == len(set(names))
        assert all(name.isidentifier() for name in names)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert {name for name in standard_modules(here) if name not in ("__builtin__", "__main__")} == set(
        sys.stdlib_module_names
    )


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("version", "has"), [("1.26.0", False), ("1.26.1", True), ("1.26.4", True)])
def test_which_modules_of_numpy_2_numpy_1_has(version, has, tmp_path):
    import uv

    tool = [uv.find_uv_bin(), "--no-config", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:"]
    wanted = ["--target", str(tmp_path), "--python-version", "3.11", f"numpy=={version}"]
    subprocess.run([*tool, *wanted], check=True, timeout=300)
    folder = tmp_path / "numpy" / "_core"
    there = {"numpy._core." + path.stem for path in folder.glob("*.py")}
    there = {name.removesuffix(".__init__") for name in there}
    assert there == (set(NUMPY["stubs"]) if has else set())
    assert (Version(version) >= Version(NUMPY["stubs_since"])) is has
