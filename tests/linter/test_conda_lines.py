"""Lines of conda packages: which take any later version, and what is left of those that the pip list has too."""

from __future__ import annotations

from pathlib import Path

import pytest
from lintcases import CONDA_HEAD, CONDA_TAIL, Case, write

from envbuild.linter import run
from envbuild.linter.conda_lines import built, takes_later
from envbuild.linter.fixes import apply
from envbuild.linter.types import Choice, Target
from envbuild.model import read
from envbuild.servers import PROFILES


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("numpy", True),
        ("numpy=*", True),
        ("numpy * py311_0", True),
        ("libblas=*=*openblas", True),
        ("conda-forge::numpy>=1.20", True),
        ("numpy >=1.20, !=1.25", True),
        ("numpy>=1.26|<1.20", True),
        ("numpy[version='>=1.20']", True),
        ("numpy[channel=conda-forge]", True),
        ("file:///srv/ch::numpy>=1.20", True),
        ("numpy=1.26", False),
        ("https://host/ch::numpy=1.26", False),
        ("numpy 1.26.* py311_0", False),
        ("numpy ==1.26.4=py311_0", False),
        ("numpy>=1.20,<2", False),
        ("numpy~=1.26", False),
        ("numpy=1.25|1.26", False),
        ("conda-forge/linux-64::numpy[build=x, version=1.26.4]", False),
        ('numpy[version=">=1.20,<2"]', False),
        ("tzdata=2023c", False),
    ],
)
def test_a_spec_takes_later_versions_where_nothing_bounds_it(text: str, later: bool) -> None:
    assert takes_later(text) is later


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("numpy=1.21.2=py38h20f2e39_0", ("numpy=1.21.2", "py38h20f2e39_0")),
        ("numpy 1.21.2 py38_0", ("numpy 1.21.2", "py38_0")),
        ("file:///srv/ch::numpy=1.21.2=h0", ("file:///srv/ch::numpy=1.21.2", "h0")),
        ("pytorch=2.1=*cuda11.8*", ("", "")),
        ("pytorch=2.1=cpu*", ("", "")),
        ("scipy=1.11=^py311_[0-9]$", ("", "")),
        ("numpy=1.21.2", ("", "")),
    ],
)
def test_a_build_is_a_name_and_no_pattern(text: str, parts: tuple[str, str]) -> None:
    assert built(text) == parts


@pytest.mark.parametrize("target", [{}, {"azure": True}])
@pytest.mark.parametrize(
    ("conda", "listed", "safely", "unsafely"),
    [
        # The pip list asks for no other version: conda's line can go.
        ("numpy=1.26.4", "numpy==1.26.4", "numpy==1.26.4", None),
        ("numpy=1.26.4=py311_0", "numpy===1.26.4", "numpy===1.26.4", None),
        ("numpy=1.26", "numpy==1.26.4", "numpy==1.26.4", None),
        ("numpy>=1.20", "numpy>=1.21,<2", "numpy<2,>=1.21", None),
        ("numpy", "numpy", "numpy", None),
        ("numpy=1.26", "numpy @ https://h/numpy-1.26.4-py3-none-any.whl", "numpy", None),
        ("numpy=1.26.4", "numpy==1.26.4 ; python_version >= '3.9'", "numpy==1.26.4", None),
        # The version is conda's alone.
        ("numpy=1.26.4", "numpy", None, "numpy==1.26.4"),
        ("numpy==1.26.4", "numpy>=1.21", None, "numpy==1.26.4"),
        ("numpy>=1.21", "numpy<2", None, "numpy<2,>=1.21"),
        ("numpy=1.26", "numpy>=1.21 ; python_version >= '3.9'", None, "numpy==1.26.*"),
        # A person decides.
        ("numpy=1.26.4", "numpy==2.4.6", None, None),
        ("numpy=1.26.4", "numpy>=2", None, None),
        ("numpy=1.25|1.26", "numpy==1.26.4", None, None),
        ("numpy=1.26.4", "numpy==1.26.4 ; platform_release >= '5'", None, None),
    ],
)
def test_of_two_lines_for_one_package_that_of_conda_goes_only_with_its_version(
    conda: str, listed: str, safely: str | None, unsafely: str | None, target: dict[str, bool], tmp_path: Path
) -> None:
    """None: both lines stay as they are."""
    head = CONDA_HEAD.replace("- pip\n", f"- pip\n- {conda}\n")
    for unsafe, expected in ((False, safely), (True, safely if safely is not None else unsafely)):
        root = write(Case(files={"conda.yaml": f'{head}  - "{listed}"\n{CONDA_TAIL}'}), tmp_path / str(unsafe))
        judged = Target(server=PROFILES["azureml"], **target)  # type: ignore[arg-type]
        found = run(read(root), judged, Choice(select=("EB703",)))
        assert [(f.safe and bool(f.edits)) for f in found] == [safely is not None]
        apply(read(root), found, unsafe=unsafe)
        after = read(root).environment
        assert [d.name for d in after.conda] == (["pip", "numpy"] if expected is None else ["pip"])
        (numpy,) = (r for r in after.pip if r.name == "numpy")
        assert (numpy.text == listed) if expected is None else (numpy.name + numpy.specifier == expected)


def test_a_constraint_says_the_version_as_the_line_does(tmp_path: Path) -> None:
    head = CONDA_HEAD.replace("- pip\n", "- pip\n- numpy=1.26.4\n")
    files = {"conda.yaml": f"{head}  - numpy\n  - -c held.txt\n{CONDA_TAIL}", "held.txt": "numpy==1.26.4\n"}
    root = write(Case(files=files), tmp_path / "model")
    (found,) = run(read(root), Target(server=PROFILES["azureml"]), Choice(select=("EB703",)))
    assert (found.safe, [edit.action for edit in found.edits]) == (True, ["delete"])
