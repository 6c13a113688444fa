"""conda-lock's own command installs an environment from a lock that was written here."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import conda_by_rattler
import pytest
import tinyconda
from tinyroad import Road

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytest.importorskip("conda_lock", reason="needs the extra `conda`")


def make_pip(channel: Path) -> str:
    """The pip that is installed here as a package of `channel`; its version."""
    pip = importlib.metadata.distribution("pip")
    files = {
        f"site-packages/{path}": Path(str(path.locate())).read_bytes()
        for path in pip.files or ()
        if path.parts[0].startswith("pip") and path.suffix != ".pyc" and path.name not in ("RECORD", "direct_url.json")
    }
    tinyconda.make_package(
        channel,
        "pip",
        pip.version,
        build="pyh0",
        depends=("python",),
        noarch="python",
        entry_points=["pip = pip._internal.cli.main:main"],
        files=files,
    )
    return pip.version


@pytest.mark.slow
def test_conda_lock_installs_what_was_locked(road: Road, tmp_path: Path) -> None:
    channel = road.folder / "real"
    tinyconda.make_real_python(channel)
    tinyconda.make_native(channel)
    tinyconda.make_caller(channel)
    pip = make_pip(channel)
    version = ".".join(map(str, sys.version_info[:3]))
    (road.model / "conda.yaml").write_text(
        f"channels:\n- {tinyconda.index(channel)}\ndependencies:\n- python={version}\n- tiny-native\n- tiny-numbers\n"
        f"- pip<={pip}\n- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n"
    )
    lock = road.folder / "conda-lock.yml"
    written = road.run("lock", "model", "-o", str(lock), "--base", f"oci:{road.base}", "--server", "envbuild")
    assert written.returncode == 0, written.stderr
    conda = tmp_path / "conda"
    conda.write_text(f'#!/bin/sh\nexec {sys.executable} {conda_by_rattler.__file__} "$@"\n')
    conda.chmod(0o755)
    prefix = tmp_path / "installed"
    installed = subprocess.run(
        [Path(sys.executable).parent / "conda-lock", "install", "--conda", conda, "--prefix", prefix, lock],
        capture_output=True,
        text=True,
        env=road.variables(PYTHONDONTWRITEBYTECODE="1"),
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    code = (
        "import json, importlib.metadata as m, tiny_numbers, tiny_loader;"
        "print(json.dumps([tiny_numbers.native(), m.version('tiny-loader'), m.version('pip')]))"
    )
    ran = subprocess.run([prefix / "bin/python", "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    native, loader, its_pip = json.loads(ran.stdout)
    assert native.startswith("1.") and (loader, its_pip) == ("1.0", pip)
