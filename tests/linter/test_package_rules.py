"""The rules on packages together: what people met, found at its line; and silence on what is right."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from lintcases import CONDA_HEAD, MLMODEL, Case, findings, write

from envbuild.linter import run
from envbuild.linter.fixes import apply
from envbuild.linter.pins import pins_of, release
from envbuild.linter.rules import eb503_local_version_label
from envbuild.linter.types import Choice, Target
from envbuild.model import read
from envbuild.model.types import Pickle
from envbuild.resolver import torch
from envbuild.servers import PROFILES

AZUREML = Target(server=PROFILES["azureml"])
PACKAGES = Choice(select=("EB3", "EB40", "EB41"), ignore=("EB402", "EB403", "EB404", "EB405", "EB407", "EB411"))


def model_of(tmp_path: Path, *lines: str, python: str = "3.11.7") -> Path:
    head = CONDA_HEAD.replace("3.11.7", python)
    text = head + "".join(f"  - {line}\n" for line in lines)
    return write(Case(files={"conda.yaml": text}), tmp_path / "model")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("pandas==2.1.1",), {"EB401": ["conda.yaml:7"]}),
        (("mlflow==2.9.2",), {"EB304": ["conda.yaml:5", "conda.yaml:7"], "EB306": ["conda.yaml:7"]}),
    ],
)
def test_what_people_met_is_found_without_a_solver(
    tmp_path: Path, lines: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    root = model_of(tmp_path, "azureml-inference-server-http", "azureml-ai-monitoring==1.0.0", *lines)
    found = {f.code: [f"{s.file}:{s.line}" for s in f.spans] for f in run(read(root), AZUREML)}
    assert expected.items() <= found.items()


def test_an_old_server_beside_monitoring_is_found_without_a_solver(tmp_path: Path) -> None:
    root = model_of(tmp_path, "azureml-inference-server-http==1.2.2", "azureml-ai-monitoring==1.0.0")
    (found,) = [f for f in run(read(root), AZUREML) if f.code == "EB303"]
    assert [f"{s.file}:{s.line}" for s in found.spans] == ["conda.yaml:5", "conda.yaml:6"]
    assert found.edits


def test_models_as_mlflow_writes_them_give_no_alarm(fixture_models: Path) -> None:
    for path in sorted(path for path in fixture_models.iterdir() if path.is_dir()):
        assert {f.code for f in run(read(path), AZUREML, PACKAGES)} <= {"EB301", "EB302"}, path.name


def test_the_lines_that_fixes_write_are_themselves_without_a_finding(fixture_models: Path, tmp_path: Path) -> None:
    root = shutil.copytree(fixture_models / "forest", tmp_path / "forest")
    apply(read(root), run(read(root), AZUREML, PACKAGES))
    assert run(read(root), AZUREML, PACKAGES) == []


@pytest.mark.parametrize("target", [{}, {"azure": True}])
@pytest.mark.parametrize(
    ("python", "lines"),
    [
        ("3.11.7", ("mlflow==2.9.2", "scikit-learn==1.3.2")),
        ("3.10.13", ("mlflow==1.30.0", "pandas==1.5.3", "scikit-learn==1.0.2")),
        ("3.8.18", ("mlflow==2.2.2", "scikit-learn==1.0.2")),
        ("3.11.7", ("pandas==2.1.1", "pydantic==1.10.26")),
        ("3.11.7", ("azureml-inference-server-http==1.2.0", "azureml-ai-monitoring", "wrapt==1.17.0")),
    ],
)
def test_after_all_fixes_no_package_is_an_error(
    tmp_path: Path, python: str, lines: tuple[str, ...], target: dict[str, bool]
) -> None:
    root = model_of(tmp_path, *lines, python=python)
    judged = Target(server=PROFILES["azureml"], **target)  # type: ignore[arg-type]
    apply(read(root), run(read(root), judged, PACKAGES), unsafe=True, again=lambda m: run(m, judged, PACKAGES))
    assert [(f.code, f.message) for f in run(read(root), judged, PACKAGES) if f.severity == "error"] == []


def test_a_constraint_holds_a_package_as_a_line_does(tmp_path: Path) -> None:
    case = Case(
        files={
            "conda.yaml": CONDA_HEAD + "  - -c constraints.txt\n  - pandas\n",
            "constraints.txt": "pandas==2.1.1\nnumpy<2\n",
        }
    )
    root = write(case, tmp_path / "model")
    pandas = pins_of(read(root), AZUREML, "pandas")
    assert (pandas.listed, pandas.exact, pandas.text) == (True, "2.1.1", "pandas==2.1.1")
    assert [f for f in findings(case, root) if f.code == "EB401"] == []


def test_a_pin_gives_no_way_to_a_range(tmp_path: Path) -> None:
    """What the file beside the one that counts pins is not written anew, and so nothing is."""
    lines = "pandas==2.1.1\nazureml-inference-server-http>=1.4.1\nazureml-ai-monitoring\n"
    head = CONDA_HEAD + "".join(f"  - {line}\n" for line in lines.splitlines())
    for pin, fixed in (("numpy==1.26.4", False), ("numpy", True)):
        case = Case(files={"conda.yaml": head + "  - numpy\n", "requirements.txt": f"{lines}{pin}\n"})
        (found,) = (f for f in findings(case, write(case, tmp_path / pin)) if f.code == "EB401")
        assert [edit.text.strip() for edit in found.edits] == (["- numpy<2", "numpy<2"] if fixed else [])


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("cv2==4.8.0", "opencv-python-headless==4.8.0.*"),
        ("opencv==4.8 ; python_version > '3'", "opencv-python-headless==4.8.* ; python_version > '3'"),
        ("cv2==4.8.0.76", "opencv-python-headless==4.8.0.76"),
        ("cv2==4.*", "opencv-python-headless==4.*"),
        ("cv2>=4.8,!=4.9.0", "opencv-python-headless!=4.9.0.*,>=4.8"),
        ("PIL==10.1.0", "pillow==10.1.0"),
        ("PIL==1.1.6", None),
        ("pytorch==1.0.2", None),
        ("pytorch==1.0.1", "torch==1.0.1"),
    ],
)
def test_a_right_name_gets_a_version_that_it_has(tmp_path: Path, line: str, fixed: str | None) -> None:
    root = model_of(tmp_path, line)
    found = run(read(root), AZUREML, Choice(select=("EB805",)))
    apply(read(root), found)
    assert [r.text for r in read(root).environment.pip] == [fixed or line]


@pytest.mark.parametrize(
    ("line", "fixed", "hint"),
    [
        (
            "torch==2.1.0+cu118 ; python_version > '3.8'",
            "torch==2.1.0 ; python_version > '3.8'",
            "write torch==2.1.0, as --unsafe-fixes does; build with --accelerator cpu, or the CUDA that you want",
        ),
        ("jaxlib==0.4.16+cuda12", "jaxlib==0.4.16", "write jaxlib==0.4.16, as --unsafe-fixes does"),
    ],
)
def test_a_label_goes_and_the_marker_stays(tmp_path: Path, line: str, fixed: str, hint: str) -> None:
    other = "torch==2.1.0+cu118 ; sys_platform == 'win32'"
    root = model_of(tmp_path, line, other)
    found = run(read(root), AZUREML, Choice(select=("EB503",)))
    assert [f.help for f in found] == [hint]
    apply(read(root), found, unsafe=True)
    assert [r.text for r in read(root).environment.pip] == [fixed, other]


def test_the_packages_with_builds_are_those_that_the_resolution_knows() -> None:
    assert eb503_local_version_label.BUILT == torch.PACKAGES


@pytest.mark.parametrize(
    ("line", "allowed", "hint"),
    [
        (
            "git+https://h/x.git",
            (),
            "write NAME @ git+https://h/x.git, or add #egg=NAME to it; --allow-build NAME",
        ),
        ("git+https://h/x.git", ("all",), "write NAME @ git+https://h/x.git, or add #egg=NAME to it"),
        ("git+https://h/x.git#subdirectory=a", ("all",), "#subdirectory=a, or add &egg=NAME to it"),
        ("git+https://h/x.git#egg=alpha", (), "--allow-build alpha builds it"),
        ("hg+https://h/x", (), "--allow-build NAME builds it"),
    ],
)
def test_a_repository_without_a_name_is_told_how_to_name_it(
    tmp_path: Path, line: str, allowed: tuple[str, ...], hint: str
) -> None:
    root = model_of(tmp_path, line)
    (found,) = run(read(root), replace(AZUREML, allow_build=allowed), Choice(select=("EB603",)))
    assert hint in found.help


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("alpha @ git+https://bob:s3cret@h/x.git", "git's credential helper"),
        ("git+https://bob:s3cret@h/x.git#egg=alpha", "git's credential helper"),
        ("--index-url https://bob:s3cret@h/simple", "~/.netrc or into UV_INDEX_<NAME>_USERNAME and _PASSWORD"),
    ],
)
def test_where_a_credential_belongs_is_what_reads_it(tmp_path: Path, line: str, hint: str) -> None:
    (found,) = run(read(model_of(tmp_path, line)), AZUREML, Choice(select=("EB602",)))
    assert hint in found.help
    assert ("UV_INDEX" in found.help) == ("UV_INDEX" in hint)


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("cloudpickle==3.0.0", False),
        ("cloudpickle>=3,<4", False),
        ("cloudpickle", True),
        ("cloudpickle>=2,<4", True),
        ("numpy==2.4.6", True),
    ],
)
def test_the_cloudpickle_that_somebody_asked_for_is_not_overwritten_unasked(
    tmp_path: Path, line: str, safe: bool
) -> None:
    root = model_of(tmp_path, line)
    recorded = MLMODEL.replace("    model_path:", "    cloudpickle_version: 2.2.1\n    model_path:")
    (root / "MLmodel").write_text(recorded)
    pickles = (Pickle(file="model.pkl", modules=frozenset({"cloudpickle.cloudpickle"}), code=True),)
    found = findings(Case(pickles=pickles, packages={"cloudpickle": "3.1.2"}), root)
    drift = [f for f in found if f.code == "EB407"]
    by_files = [f for f in findings(Case(pickles=pickles), root) if f.code == "EB407"]
    assert [(f.safe, bool(f.edits)) for f in drift] == [(safe, True)]
    assert [f.safe for f in by_files] in ([safe], [])


@pytest.mark.parametrize(
    ("specifier", "below", "from_on"),
    [
        ("==2.1.1", True, False),
        ("==2.2.0", False, True),
        ("<2.2", True, False),
        ("<=2.2", False, False),
        (">=2.2", False, True),
        ("~=2.1.0", True, False),
        ("~=2.2", False, True),
        ("==2.1.*", True, False),
        ("!=2.2", False, False),
        (">=1,<2.2", True, False),
        ("", False, False),
    ],
)
def test_ranges_are_compared_without_a_library(tmp_path: Path, specifier: str, below: bool, from_on: bool) -> None:
    pins = pins_of(read(model_of(tmp_path, f"pandas{specifier}")), AZUREML, "pandas")
    assert (pins.below("2.2"), pins.from_on("2.2")) == (below, from_on)


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("python_version < '3.8'", False),
        ("python_version >= '3.8' and python_version < '3.12'", True),
        ("python_version == '3.11' and sys_platform != 'win32'", True),
        ("sys_platform == 'win32'", False),
        ("platform_system == 'Windows'", False),
        ("'win32' == sys_platform", False),
        ("sys_platform in 'win32 cygwin'", False),
        ("sys_platform == 'win32' or python_version > '3'", True),
        ("sys_platform == 'win32' or platform_system == 'Darwin'", False),
        ("sys_platform != 'win32'", True),
        ("platform_machine == 'arm64'", False),
        ("platform_machine == 'x86_64'", True),
        ("platform_release >= '5'", True),
        ("platform_release >= '20' and sys_platform == 'darwin'", False),
    ],
)
def test_lines_whose_marker_does_not_hold_are_left_aside(tmp_path: Path, marker: str, holds: bool) -> None:
    model = read(model_of(tmp_path, f"numpy==1.26.4 ; {marker}"))
    assert (pins_of(model, AZUREML, "numpy").exact == "1.26.4") is holds
    arm = replace(AZUREML, platform="linux/arm64")
    assert (pins_of(model, arm, "numpy").exact == "1.26.4") is (holds and "x86_64" not in marker)


def test_a_line_for_another_system_is_left_aside_where_no_file_tells_the_python(tmp_path: Path) -> None:
    case = Case(
        files={
            "MLmodel": "flavors: {python_function: {loader_module: m}}\n",
            "conda.yaml": "dependencies:\n- pip:\n  - numpy<2 ; python_version >= '3.8' and 'nt' == os_name\n"
            "  - pandas<2 ; python_version < '3.8'\n",
        }
    )
    model = read(write(case, tmp_path / "model"))
    assert not pins_of(model, AZUREML, "numpy").listed
    assert pins_of(model, AZUREML, "pandas").text == "pandas<2"


def test_a_release_is_its_numbers() -> None:
    assert [release(v) for v in ("2.1.0", "1.0.0b40", "v1.2", "no")] == [(2, 1), (1,), (1, 2), ()]


@pytest.mark.parametrize(("setuptools", "safe"), [("setuptools", True), ("setuptools>=83", False)])
def test_an_explicit_setuptools_is_changed_by_unsafe_fixes_alone(tmp_path: Path, setuptools: str, safe: bool) -> None:
    root = model_of(tmp_path, "mlflow-skinny==2.9.2", "pandas==2.1.4", setuptools)
    (found,) = [f for f in run(read(root), AZUREML) if f.code == "EB308"]
    assert (bool(found.edits), found.safe) == (True, safe)
