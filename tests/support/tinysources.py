"""Source distributions and git repositories of a few lines, whose backend is their own: no build needs an index."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

BACKEND = """
import base64, hashlib, os, zipfile

NAME, VERSION, TAG, REQUIRES = {name!r}, {version!r}, {tag!r}, {requires!r}
STEM = NAME.replace("-", "_")

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = f"{{STEM}}-{{VERSION}}.dist-info"
    metadata = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    metadata += "".join(f"Requires-Dist: {{each}}\\n" for each in REQUIRES)
    files = {{f"{{STEM}}/__init__.py": CONTENT, f"{{info}}/METADATA": metadata,
             f"{{info}}/WHEEL": f"Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: {{TAG}}\\n"}}
    name = f"{{STEM}}-{{VERSION}}-{{TAG}}.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{{info}}/RECORD", "")
    return name
"""
PROJECT = '[build-system]\nrequires = [{needs}]\nbuild-backend = "{module}"\nbackend-path = ["."]\n'


def source_files(
    name: str,
    version: str = "1.0",
    *,
    content: str = "",
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    first: str = "",
) -> dict[str, str]:
    """The files of a source whose backend writes a wheel of `name`.

    `content` is a Python expression for the text of the package's module, by default its version; `first` are lines
    that the backend runs when it is imported. `requires` are the wheel's requirements, `needs` those of the build.
    """
    backend = BACKEND.format(name=name, version=version, tag=tag, requires=requires)
    backend += f"\nCONTENT = {content or repr(f'__version__ = {version!r}')}\n"
    return {
        "pyproject.toml": PROJECT.format(needs=", ".join(f'"{each}"' for each in needs), module="own_backend"),
        "own_backend.py": f"{first}\n{backend}",
    }


def write_sdist(folder: Path, name: str, version: str = "1.0", *, files: Mapping[str, str] | None = None) -> Path:
    """Write `name-version.tar.gz` with these files, by default those of `source_files`, into `folder`."""
    path = folder / f"{name.replace('-', '_')}-{version}.tar.gz"
    found = {"PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    found |= source_files(name, version) if files is None else files
    with tarfile.open(path, "w:gz") as archive:
        for place, text in found.items():
            member = tarfile.TarInfo(f"{name}-{version}/{place}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder`, as somebody without settings."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write_repository(folder: Path, files: Mapping[str, str], *, branch: str = "main") -> str:
    """Commit these files to the repository in `folder`, made where there is none; gives the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", f"--initial-branch={branch}")
    for place, text in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=one more")
    return git(folder, "rev-parse", "HEAD")
