"""A real model gives the same image under other Pythons, users, masks, zones and folders, and without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import uv
from interpreters import interpreter

pytestmark = [pytest.mark.slow, pytest.mark.network]

NOBODY = 65534


def installed(version: str, folder: Path, repository: Path) -> Path:
    """envbuild under its own copy of Python `version`, which any user of the machine may run."""
    found = interpreter(version)
    if found is None:
        pytest.skip(f"there is no Python {version} on this machine")
    home = folder / f"python{version}"
    shutil.copytree(found.resolve().parent.parent, home, symlinks=True, ignore=shutil.ignore_patterns("test", "share"))
    venv = folder / f"venv{version}"
    variables = {**os.environ, "LD_LIBRARY_PATH": str(home / "lib")}
    make = [home / "bin" / f"python{version}", "-m", "venv", "--without-pip", venv]
    install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", venv / "bin" / "python", repository]
    for command in (make, install):
        subprocess.run(command, check=True, env=variables)
    return venv / "bin" / "envbuild"


def build(
    command: list[str | Path], folder: Path, *, python: Path, mask: str, zone: str, user: int | None = None
) -> str:
    """Build in `folder` with a home and a cache of its own; gives the config digest.

    `python` is the copy that the command runs under: its shared library is where the copy is.
    """
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(python / "lib"),
        "HOME": str(folder),
        "TZ": zone,
        "ENVBUILD_CACHE_DIR": str(folder / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["sh", "-c", f'umask {mask}; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digest: str = json.loads(done.stdout)["config_digest"]
    return digest


def test_the_config_digest_is_the_same_everywhere(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> None:
    root = tmp_path_factory.mktemp("everywhere")
    basetemp = tmp_path_factory.getbasetemp()
    # pytest's own folders are closed to others; beside other workers there is one more of them.
    for folder in (root, *(parent for parent in root.parents if parent.is_relative_to(basetemp.parent.parent))):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    model = repository / "fixtures" / "models" / "diabetes"
    one, other = root / "one", root / "another folder"
    arguments = ["--server", "envbuild", "--json", "--output", "oci-archive=image.tar"]

    one.mkdir()
    old = installed("3.10", root, repository)
    first = build([old, "image", model, *arguments], one, python=root / "python3.10", mask="022", zone="UTC")

    other.mkdir()
    renamed = other / "renamed model"
    shutil.copytree(model, renamed)
    new = installed("3.13", root, repository)
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        for path in (other, renamed, *renamed.rglob("*")):
            os.chown(path, user, user)
    command: list[str | Path] = [new, "image", renamed, *arguments]
    second = build(command, other, python=root / "python3.13", mask="077", zone="Asia/Kathmandu", user=user)
    assert second == first
    assert (one / "image.tar").read_bytes() == (other / "image.tar").read_bytes()

    probe = subprocess.run(["unshare", "--net", "--map-root-user", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no network namespace can be made here; the same image was built twice")
    alone: list[str | Path] = ["unshare", "--net", "--map-root-user", old]
    command = [*alone, "image", model, *arguments]
    third = build(command, one, python=root / "python3.10", mask="027", zone="America/Lima")
    assert third == first
