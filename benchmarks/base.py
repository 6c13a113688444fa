"""The base that MLflow's Dockerfile asks for, made on this machine: its FROM line is an image of a registry.

It is Debian with Debian's own Python of the same minor version, pip and apt, cut down as Debian's slim images are, and
tagged exactly as the FROM line asks. What a build needs to reach mirrors from here lies in it: the machine's
certificates and the address of its package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from envbuild.bases.mirrors import find_mirrors

from . import engine
from .errors import BenchError
from .processes import run
from .workspace import LABEL, Workspace

SUITE = "bookworm"
PYTHON = "3.11"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_INSIDE = "etc/ssl/certs/ca-certificates.crt"
# What Debian's slim images leave out, and what only filled the archive.
_SLIM = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale",
         "usr/share/info", "var/log")  # fmt: skip

ADAPTED = f"""\
- The base is made by debootstrap (Debian {SUITE}, minbase, Debian's Python {PYTHON} and pip), cut down as Debian's slim
  images are, and carries the tag of the FROM line: no registry is asked. It lies in the engine before the build starts,
  as a pulled image does; envbuild's cold build makes its base.
- `python` and `pip` are where that image has them, and the marker that keeps pip out of Debian's Python is gone.
- The machine's certificates, its Debian mirror, and its package index where one is set (PIP_INDEX_URL or
  UV_DEFAULT_INDEX) are written into the base: the Dockerfile has no setting for them.
- The build and the containers use the host's network.
"""


def make(reference: str, workspace: Workspace, archive: Path | None) -> int:
    """Import the base as `reference`; its bytes in the engine.

    `archive` is a tar file to take it from, or to keep it in. BenchError if the engine has another image of that name.
    """
    found = engine.inspect(reference)
    if found is not None and LABEL not in (found["Config"].get("Labels") or {}):
        raise BenchError(f"the engine has an image {reference} already: remove it or give it another name first")
    packed = archive or workspace.folder / "base.tar"
    if not packed.exists():
        _pack(_root(workspace.folder / "base"), packed)
    workspace.keep(reference)
    settings = ("ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "ENV LANG=C.UTF-8",
                "CMD [\"python3\"]", f"LABEL {LABEL}={workspace.run}")  # fmt: skip
    changes = [word for setting in settings for word in ("--change", setting)]
    engine.docker("import", *changes, str(packed), reference)
    return engine.image_size(reference)


def bundle() -> Path:
    """The machine's certificates. BenchError if there are none."""
    for name in (os.environ.get("SSL_CERT_FILE", ""), *_BUNDLES):
        if name and Path(name).is_file():
            return Path(name)
    raise BenchError("no bundle of certificates was found: set SSL_CERT_FILE")


def _root(folder: Path) -> Path:
    """The unpacked base."""
    mirror = find_mirrors(os.environ).debian[0]
    include = "python3,python3-pip,ca-certificates"
    run(["debootstrap", "--variant=minbase", f"--include={include}", SUITE, folder, mirror])
    for name in _SLIM:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    (folder / "var/cache/apt/archives/partial").mkdir()
    (folder / f"usr/lib/python{PYTHON}/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    for link, program in (("python", "python3"), ("python3", "python3"), ("pip", "pip3"), ("pip3", "pip3")):
        (folder / "usr/local/bin" / link).symlink_to(f"/usr/bin/{program}")
    shutil.copyfile(bundle(), folder / _INSIDE)
    settings = ["[global]", f"cert = /{_INSIDE}"]
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX")
    if index:
        settings.append(f"index-url = {index}")
    (folder / "etc/pip.conf").write_text("\n".join(settings) + "\n", encoding="utf-8")
    return folder


def _pack(root: Path, archive: Path) -> None:
    """A tar of the base, written whole or not at all."""
    part = archive.with_name(archive.name + ".part")
    try:
        subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(part), "."], check=True)
        part.replace(archive)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"the base cannot be packed: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    shutil.rmtree(root)
