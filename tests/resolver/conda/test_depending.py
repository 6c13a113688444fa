"""Dependencies by name: what is written of them into a conda-lock.yml is what was meant, and can be read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from condas import FILE

from envbuild.oci.store import Store
from envbuild.resolver.conda.depending import dependencies_of, split_need
from envbuild.resolver.conda.lockfile import read_conda_lock
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.types import Lock

SPECS = {
    "python >=3.6": ("python", ">=3.6"),
    "python>=3.6": ("python", ">=3.6"),
    "python=3": ("python", "=3"),
    "python=3.11=h1*": ("python", "=3.11=h1*"),
    "python\t>=3.6 ": ("python", ">=3.6"),
    "Python": ("python", ""),
    "conda-forge::python": ("python", ""),
    "conda-forge/linux-64::python !=3.6": ("python", "!=3.6"),
    "https://h/channel::python >=3": ("python", ">=3"),
    "conda-forge:space:python ~=3": ("python", "~=3"),
    "numpy[version='>=1', build='a::b*']": ("numpy", "[version='>=1', build='a::b*']"),
    "__glibc>=2.17,<3.0.a0": ("__glibc", ">=2.17,<3.0.a0"),
}


@pytest.mark.parametrize("spec", SPECS)
def test_a_name_ends_where_no_name_goes_on(spec: str) -> None:
    assert split_need(spec) == SPECS[spec]


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_read_back_asks_for_the_same(spec: str) -> None:
    from rattler import MatchSpec

    name, rest = split_need(spec)
    meant, read = (MatchSpec(text, strict=False) for text in (spec, f"{name} {rest}"))
    assert (str(read.name).lower(), read.version, read.build) == (str(meant.name).lower(), meant.version, meant.build)


@pytest.mark.parametrize(
    ("specs", "joined"),
    [
        (("python >=3.6", "python <4"), ">=3.6,<4"),
        (("python", "python >=3 *_cpython", "python <4 other"), ">=3,<4 *_cpython"),
        (("python>=3", "conda-forge::python<4"), ">=3,<4"),
        (("python >= 3", "python[version='<4,!=3.5', build='h*']"), ">=3,<4,!=3.5 h*"),
        (("python=3.11=h1*", "python >=3"), "==3.11,>=3 h1*"),
        (("python", 'python[build="h*"]'), "* h*"),
    ],
)
def test_of_several_for_one_name_all_versions_count(specs: tuple[str, ...], joined: str) -> None:
    from rattler import MatchSpec

    assert dependencies_of(specs) == {"python": joined}
    assert MatchSpec(f"python {joined}", strict=False).version


def test_a_lock_with_dependencies_written_in_any_way_is_read_back(lock: Lock, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.put(FILE)
    python, pure = lock.conda
    path = tmp_path / "conda-lock.yml"
    for spec, (name, rest) in SPECS.items():
        write_conda_lock(replace(lock, conda=(python, replace(pure, depends=(spec,)))), path, store=store)
        found = read_conda_lock(path, "linux-64")
        assert found.conda[1].depends == (f"{name} {rest}".strip(),)
