from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envbuild.errors import ResolveError
from envbuild.resolver.conda.lockfile import read_conda_lock
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.types import CondaAsk, CondaSpec


def test_without_the_extra_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rattler", None)
    monkeypatch.setitem(sys.modules, "conda_lock", None)
    for module in ("conda_lock.lockfile", "conda_lock.lockfile.v1", "conda_lock.lockfile.v1.models"):
        monkeypatch.setitem(sys.modules, module, None)
    python = CondaSpec(name="python", text="python=3.11.7", where="conda.yaml:6")
    ask = CondaAsk(specs=(python,), channels=("conda-forge",), subdir="linux-64", glibc="2.36")
    with pytest.raises(ResolveError, match="needs rattler, which is not installed") as caught:
        solve(ask, tmp_path / "cache")
    assert "pip install 'envbuild[conda]'" in caught.value.hint
    with pytest.raises(ResolveError, match="which is not installed"):
        read_conda_lock(tmp_path / "conda-lock.yml", "linux-64")


def test_looking_at_an_environment_loads_neither(environment) -> None:
    import subprocess

    code = (
        "import sys, envbuild.resolver, envbuild.resolver.solving, envbuild.backends.assemble, envbuild.planner\n"
        "print(sorted({'rattler', 'conda_lock', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
