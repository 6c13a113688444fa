"""podman and skopeo of a newer Debian suite, with all that they need, in a root of their own: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from debs import unpacked

SUITE = "trixie"
# runc starts the containers: crun refuses machines whose control groups are of both kinds. What asks for a network of
# their own, or for signatures of packages, is left out.
PACKAGES = ("podman", "runc", "skopeo", "crun-", "containernetworking-plugins-", "gnupg-", "iptables-", "passwd-")
MERGED = ("bin", "sbin", "lib", "lib64")

# In a mount namespace: the root is a mount of its own, as podman wants it, and has the kernel's folders and the test's.
ENTER = """
set -e
root=$1 own=$2 given=$3
shift 3
mount --rbind "$root" "$root"
for empty in run tmp var/tmp; do mkdir -p "$root/$empty"; mount -t tmpfs none "$root/$empty"; done
for shared in /proc /dev /sys "$own" "$given"; do mkdir -p "$root$shared"; mount --rbind "$shared" "$root$shared"; done
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class NewerPodman:
    """The programs in `root`, which see `shared` under its own path and nothing else of this machine's files.

    They keep what is theirs in `folder`.
    """

    root: Path
    folder: Path
    shared: Path

    def command(self, *words: str) -> list[str]:
        """The command that runs a program of the root."""
        namespace = ["unshare", "--mount", "--propagation", "private"]
        return [*namespace, "sh", "-c", ENTER, "sh", str(self.root), str(self.folder), str(self.shared), *words]

    def podman(self, *words: str) -> list[str]:
        """The command of podman, whose images lie in `folder`."""
        places = {"root": "images", "runroot": "run", "tmpdir": "state"}
        options = [word for name, value in places.items() for word in (f"--{name}", str(self.folder / value))]
        options += ["--storage-driver", self.driver, "--cgroup-manager", "cgroupfs", "--runtime", "runc"]
        return self.command("podman", "--events-backend", "none", *options, *words)

    @property
    def driver(self) -> str:
        """How images are kept: as layers on one another where the file system of the folder can be below an overlay."""
        asked = ["stat", "--file-system", "--format", "%T", str(self.folder)]
        below = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        return "vfs" if below in ("overlayfs", "tmpfs") else "overlay"

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run one of these commands to its end."""
        return subprocess.run(command, capture_output=True, text=True, env=self.variables, check=False)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the programs."""
        kept = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        quiet = {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
        return {**kept, **quiet, "CONTAINERS_CONF": str(self.folder / "containers.conf")}


@contextmanager
def newer_podman(cache: Path, shared: Path) -> Iterator[NewerPodman]:
    """The programs and an empty folder for what they keep, which goes in the end; skips where they cannot be.

    They read and write the files of `shared`, too.
    """
    if os.getuid() != 0:
        pytest.skip("needs root")
    root = fetch(cache)
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    # Locks in shared memory would be those of a podman of this machine too.
    (folder / "containers.conf").write_text('[engine]\nlock_type = "file"\n')
    programs = NewerPodman(root=root, folder=folder, shared=shared)
    try:
        tried = programs.run(programs.command("podman", "--version"))
        if any(word in tried.stderr for word in ("unshare: ", "mount: ")):
            pytest.skip(f"no namespace of mounts can be made here: {tried.stderr.strip()}")
        yield programs
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(cache: Path) -> Path:
    """The root of the programs."""

    def whole(root: Path) -> bool:
        return all((root / f"usr/bin/{program}").is_file() for program in ("podman", "skopeo", "runc", "conmon"))

    root = unpacked(SUITE, PACKAGES, cache, whole, alone=False)
    for name in MERGED:
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    return root
