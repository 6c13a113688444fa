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

# It tries what a thief would, and puts what it got into the wheel.
SPY = """
import glob, json, os, pathlib, socket, subprocess

def attempt(what):
    try:
        return what()
    except BaseException as error:
        return f"no: {type(error).__name__}"

def connect():
    with socket.create_connection(("127.0.0.1", PORT), timeout=2):
        return "connected"

SEEN = json.dumps({
    "environ": sorted(os.environ),
    "values": sorted(os.environ.values()),
    "home": attempt(lambda: sorted(str(p) for p in pathlib.Path.home().rglob("*"))),
    "homes": sorted(glob.glob("/root/*") + glob.glob("/root/.*") + glob.glob("/home/*")),
    "secret": attempt(lambda: open("SECRET").read()),
    "network": attempt(connect),
    "lookup": attempt(lambda: socket.gethostbyname("example.org")),
    "interfaces": attempt(lambda: [name for _, name in socket.if_nameindex() if name != "lo"]),
    "etc": attempt(lambda: open("/etc/written", "w").close()),
    "usr": attempt(lambda: open("/usr/written", "w").close()),
    "root": attempt(lambda: open("/written", "w").close()),
    "given": attempt(lambda: open("/given/task.json", "a").close()),
    "run": attempt(lambda: os.listdir("/run")),
    "sys": attempt(lambda: os.listdir("/sys")),
    "disks": [name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "loop", "mem", "kmsg"))],
    "processes": attempt(lambda: len([name for name in os.listdir("/proc") if name.isdecimal()])),
    "mount": attempt(lambda: subprocess.run(["mount", "-o", "remount,rw", "/usr"], capture_output=True).returncode),
    "capabilities": attempt(
        lambda: next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
    ),
})
"""

# Both end by themselves, so that a test that fails takes nothing else with it.
EATER = """
import os, time
for each in range(8):
    if not os.fork():
        held = bytearray(os.urandom(1 << 20)) * 40
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
# In a file of memory, which no process has in its own.
HIDER = """
import os, time
file = os.memfd_create("hidden")
for each in range(400):
    os.write(file, bytes(1 << 20))
time.sleep(20)
"""
FORKER = """
import os, time
for each in range(200):
    if not os.fork():
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""


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


def write_sdist(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, str] | None = None,
    owner: int = 0,
    mode: int = 0o644,
) -> Path:
    """Write `name-version.tar.gz` with these files, by default those of `source_files`, into `folder`.

    They are the user's with the number `owner`, as of whoever made the archive, and have `mode`.
    """
    path = folder / f"{name.replace('-', '_')}-{version}.tar.gz"
    found = {"PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    found |= source_files(name, version) if files is None else files
    with tarfile.open(path, "w:gz") as archive:
        folder_of_all = tarfile.TarInfo(f"{name}-{version}")
        folder_of_all.type, folder_of_all.uid, folder_of_all.mode = tarfile.DIRTYPE, owner, 0o755
        archive.addfile(folder_of_all)
        for place, text in found.items():
            member = tarfile.TarInfo(f"{name}-{version}/{place}")
            member.size = len(text.encode())
            member.uid, member.mode = owner, mode
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
