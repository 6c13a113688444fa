from __future__ import annotations

import subprocess
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
    code = (
        "import sys, envbuild.resolver, envbuild.resolver.solving, envbuild.backends.assemble, envbuild.planner\n"
        "print(sorted({'rattler', 'conda_lock', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_models_of_conda_lock_come_without_its_command_which_can_be_had_later() -> None:
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    code = (
        "import sys\n"
        "from envbuild.resolver.conda.extras import without_its_command\n"
        "with without_its_command('conda_lock'):\n"
        "    from conda_lock.lockfile import Lockfile\n"
        "print('conda_lock.conda_lock' in sys.modules, 'conda_lock' in sys.modules)\n"
        "from conda_lock.lockfile.v2prelim.models import Lockfile as Same\n"
        "import conda_lock\n"
        "print(Same is Lockfile, callable(conda_lock.main))\n"
        "with without_its_command('conda_lock'):\n"
        "    import conda_lock as again\n"
        "print(again is conda_lock)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "True", "True"]
