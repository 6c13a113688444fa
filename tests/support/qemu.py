"""Programs of another architecture on this machine, by Debian's qemu-user and without the kernel's help."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from debs import unpacked

SUITE, PACKAGE = "bookworm", "qemu-user-static"
NAMES = {"arm64": "qemu-aarch64-static", "amd64": "qemu-x86_64-static"}


def emulator(architecture: str, cache: Path) -> Path:
    """The static program that runs those of `architecture` (`arm64`); skips where it cannot be had."""
    path = f"usr/bin/{NAMES[architecture]}"
    return unpacked(SUITE, [PACKAGE], cache / "qemu", lambda root: (root / path).is_file()) / path


def in_root(root: Path, program: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `command`, which is of the architecture of the emulator `program`, with the folder `root` as its root.

    It cannot start programs of its own, for which the kernel would have to know the emulator.
    """
    shutil.copy2(program, root / program.name)
    namespace = ["unshare", "--map-root-user", "chroot", str(root), f"/{program.name}", "-cpu", "max"]
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run([*namespace, *command], capture_output=True, text=True, env=environment, check=False)
    if "unshare: " in done.stderr:
        pytest.skip(f"no user namespace can be made here: {done.stderr.strip()}")
    return done
