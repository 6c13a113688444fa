from __future__ import annotations

import pytest
from condas import conda_environment as environment

from envbuild.model.conda_way import way_of


def test_without_conda_packages_nothing_is_chosen():
    listed = environment("pip<=24", pip=("numpy==1.26.4",))
    for mode in ("auto", "never"):
        way = way_of(listed, mode)
        assert not way.conda and way.environment == listed and way.why == "" and way.notes == ()


def test_packages_that_pypi_has_go_the_pip_way_with_their_version():
    way = way_of(environment("pip<=24", "numpy=1.26.4", "matplotlib-base", "libgcc-ng", pip=("cloudpickle",)), "auto")
    assert not way.conda
    assert [r.text for r in way.environment.pip] == ["cloudpickle", "numpy==1.26.4", "matplotlib"]
    assert [d.name for d in way.environment.conda] == ["pip", "libgcc-ng"]
    assert way.notes[0] == "conda.yaml:8: conda's numpy is taken from PyPI, as numpy==1.26.4"


@pytest.mark.parametrize(
    "listed", ["gdal=3.8", "openmpi", "mycompany::numpy=1.26.4", "a-package-nobody-knows", "numpy=1.26|1.25"]
)
def test_one_that_pypi_has_not_sends_all_the_conda_way(listed):
    way = way_of(environment("numpy=1.26.4", listed, pip=("cloudpickle",)), "auto")
    assert way.conda
    assert "conda.yaml:8" in way.why
    assert [r.text for r in way.environment.pip] == ["cloudpickle"]
    assert way.environment.conda == ()


def test_the_person_decides():
    listed = environment("numpy=1.26.4")
    assert way_of(listed, "always").conda
    assert way_of(listed, "always").why == "--conda always"
    assert way_of(environment("pip<=24"), "always").conda
    native = environment("gdal")
    assert way_of(native, "never").environment == native
