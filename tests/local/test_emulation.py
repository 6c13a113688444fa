"""An engine is asked whether it runs programs of another architecture, by a program that is really of it."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
from pathlib import Path

import pytest

from envbuild.local.emulation import can_run, smallest_program
from envbuild.oci.store import Store
from envbuild.shipping.engine import connect

OWN = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
EMULATORS = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}


def emulated(architecture: str) -> bool:
    return (Path("/proc/sys/fs/binfmt_misc") / EMULATORS[architecture]).exists()


@pytest.mark.skipif(platform.system() != "Linux" or not OWN, reason="the programs are for Linux")
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_program_runs_on_its_own_architecture_alone(architecture: str, tmp_path: Path) -> None:
    file = tmp_path / "exit"
    file.write_bytes(smallest_program(architecture))
    file.chmod(0o755)
    if architecture == OWN or emulated(architecture):
        assert subprocess.run([file], check=False).returncode == 0
    else:
        with pytest.raises(OSError, match="Exec format error") as caught:
            subprocess.run([file], check=False)
        assert caught.value.errno == errno.ENOEXEC


@pytest.mark.engine
def test_the_engine_tells_by_running_it_and_keeps_nothing(tmp_path: Path) -> None:
    engine = connect(required=True)
    assert engine is not None
    if not engine.address.startswith("unix://") or os.environ.get("DOCKER_HOST"):
        pytest.skip("the engine's kernel may be another machine's")

    def listed(*words: str) -> str:
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout

    store = Store(tmp_path / "store")
    own = engine.info().architecture
    assert can_run(engine, own, store)
    for other in {*EMULATORS} - {own}:
        assert can_run(engine, other, store) is emulated(other)
    assert listed("images", "-q", "envbuild-trial/*") == ""
    assert "/exit" not in listed("ps", "-a", "--no-trunc", "--format", "{{.Command}}")
