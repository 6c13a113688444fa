"""What a run made in the engine goes with it, that of a build which was broken off too."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from benchmarks import engine
from benchmarks.workspace import LABEL, Workspace

pytestmark = pytest.mark.engine

PROGRAMS = ("/bin/sh", "/bin/sleep")


def base(workspace: Workspace, folder: Path) -> str:
    """An image of this machine's shell and sleep, with this run's label."""
    archive = folder / "base.tar"
    needed = subprocess.run(["ldd", *PROGRAMS], capture_output=True, text=True, check=True).stdout
    with tarfile.open(archive, "w", dereference=True) as packed:
        for name in {*PROGRAMS, *re.findall(r"(/\S+) \(0x", needed)}:
            packed.add(name, name.lstrip("/"))
    tag = workspace.tag("base")
    engine.docker("import", "--change", f"LABEL {LABEL}={workspace.run}", str(archive), tag)
    return tag


def test_a_step_of_a_build_that_still_runs_is_ended_and_its_image_removed(tmp_path: Path) -> None:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("there is no engine")
    with Workspace() as workspace:
        label = f"{LABEL}={workspace.run}"
        # As a build starts its steps: under a name that the benchmark does not know.
        engine.docker("run", "--detach", "--network", "host", base(workspace, tmp_path), "/bin/sleep", "600")
        assert len(engine.marked_containers(label)) == 1
        assert len(engine.marked(label)) == 1
    assert engine.marked_containers(label) == []
    assert engine.marked(label) == []
