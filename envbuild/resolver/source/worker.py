"""Builds a wheel inside the sandbox, with the base's Python alone: unpack, ask the backend, build.

    /given/task.json        what to do
    /given/source           a folder of source, or one with the archive that task.json names
    /given/wheels/*.whl     what the backend needs
    /out/                   the wheel, or requires.json with what the backend needs besides

Its one argument is how many processes its user may have. It imports nothing of envbuild and runs on Python 3.8 and
later. Exit codes: 0 built, 75 something is asked for, 1 not.
"""

from __future__ import annotations

import configparser
import contextlib
import importlib
import io
import json
import os
import resource
import shutil
import signal
import site
import sys
import tarfile
import traceback
import zipfile
from pathlib import Path
from typing import Any

ASKS = 75
_GIVEN, _OUT, _WORK, _REQUIRES = Path("/given"), Path("/out"), Path("/tmp/build"), Path("/tmp/requires")
_LEGACY = "setuptools.build_meta:__legacy__"


class _Tar(tarfile.TarFile):
    """An archive whose files become those of whoever unpacks it, as root's would not.

    Root without capabilities may give no file away, and `tarfile` leaves a file that it cannot give away without its
    mode: no script of it could be run.
    """

    def chown(self, *_: Any, **__: Any) -> None:
        """Leave the file its owner."""


def main() -> int:
    """Do the task; gives the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # -I has this Python pass the variable by.
        sys.stdout.reconfigure(line_buffering=True)
    task = json.loads((_GIVEN / "task.json").read_text(encoding="utf-8"))
    _bound(task["largest"], task["seconds"], *map(int, sys.argv[1:]))
    for folder in (Path(os.environ["HOME"]), _REQUIRES / "bin"):
        folder.mkdir(parents=True, exist_ok=True)
    for wheel in sorted((_GIVEN / "wheels").glob("*.whl")):
        _lay(wheel)
    os.chdir(_source(task["archive"]) / task["subdirectory"])
    if not any(Path(name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise SystemExit("it has neither a pyproject.toml nor a setup.py")
    # The backend's own programs start Python again, which finds the same packages by the variable.
    os.environ["PYTHONPATH"] = str(_REQUIRES)
    if task["version"]:
        # There is no git here to ask: the tag that was asked for is what it would say.
        os.environ["SETUPTOOLS_SCM_PRETEND_VERSION"] = os.environ["PDM_BUILD_SCM_VERSION"] = task["version"]
    sys.argv = ["setup.py"]
    sys.path.insert(0, str(_REQUIRES))
    site.addsitedir(str(_REQUIRES))
    for path in reversed(task["backend_path"]):
        sys.path.insert(0, str(Path(path).resolve()))
    backend = _load(task["backend"] or _LEGACY)
    ask = getattr(backend, "get_requires_for_build_wheel", None)
    wanted = [str(each) for each in ask({})] if ask is not None else []
    lacking = [each for each in wanted if each not in task["known"]]
    if lacking:
        (_OUT / "requires.json").write_text(json.dumps(lacking), encoding="utf-8")
        return ASKS
    backend.build_wheel(str(_OUT), {})
    return 0


def _bound(largest: int, seconds: int, tasks: int = 0) -> None:
    """No file is larger, no core is written, and it ends by itself where nobody is left to end it.

    `tasks` is how many processes and threads the user may have, 0 for what it is. Where the machine runs out of memory,
    the kernel takes it from here before it takes it from anybody else.
    """
    limits = [(resource.RLIMIT_FSIZE, largest), (resource.RLIMIT_CORE, 0)]
    for what, value in [*limits, *([(resource.RLIMIT_NPROC, tasks)] if tasks else [])]:
        most = resource.getrlimit(what)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(what, (value, value))
    with contextlib.suppress(OSError):  # where /proc cannot be written
        Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
    signal.alarm(seconds)


def _load(name: str) -> Any:
    module, _, attributes = name.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _source(archive: str) -> Path:
    """The folder of the source, where it may be written: unpacked or copied."""
    if not archive:
        shutil.copytree(str(_GIVEN / "source"), str(_WORK), symlinks=True)
        return _WORK
    _WORK.mkdir()
    if archive.endswith(".zip"):
        with zipfile.ZipFile(str(_GIVEN / "source" / archive)) as opened:
            _unzip(opened, _WORK)
    else:
        with _Tar.open(str(_GIVEN / "source" / archive)) as tar:
            # This file system is the build's own, and goes away with it; `tar` keeps the modes of scripts.
            filtered: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            tar.extractall(str(_WORK), **filtered)
    folders = [path for path in sorted(_WORK.iterdir()) if path.is_dir()]
    if len(folders) != 1:
        raise SystemExit(f"the archive holds {len(folders)} folders, and a source distribution has one")
    return folders[0]


def _unzip(archive: zipfile.ZipFile, target: Path) -> None:
    """Unpack it; what could be run there can be run here, which `zipfile` does not see to."""
    for info in archive.infolist():
        place = archive.extract(info, str(target))
        if (info.external_attr >> 16) & 0o111 and not info.is_dir():
            Path(place).chmod(0o755)


def _lay(wheel: Path) -> None:
    """Lay a wheel down under _REQUIRES, its programs in `bin`."""
    with zipfile.ZipFile(str(wheel)) as archive:
        _unzip(archive, _REQUIRES)
        infos = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    for name in infos:
        data = _REQUIRES / f"{name[: -len('.dist-info')]}.data"
        for kind, target in (("purelib", "."), ("platlib", "."), ("data", "."), ("scripts", "bin")):
            folder = data / kind
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.is_file():
                    _move(path, _REQUIRES / target / path.relative_to(folder))
        entries = _REQUIRES / name / "entry_points.txt"
        if entries.is_file():
            _programs(entries)


def _move(path: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    data = path.read_bytes()
    if data.startswith(b"#!python"):
        data = b"#!" + sys.executable.encode() + b"\n" + data.partition(b"\n")[2]
    final.write_bytes(data)
    if final.parent == _REQUIRES / "bin":
        final.chmod(0o755)


def _programs(entries: Path) -> None:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(str(entries), encoding="utf-8")
    for name, value in parser.items("console_scripts") if parser.has_section("console_scripts") else ():
        module, _, function = value.partition("[")[0].strip().partition(":")
        script = _REQUIRES / "bin" / Path(name).name
        first = function.partition(".")[0]
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom {module} import {first}\nsys.exit({function}())\n", encoding="utf-8"
        )
        script.chmod(0o755)


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as error:
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
        # A backend that ends the program has built nothing, whatever it says.
        code = error.code if isinstance(error.code, int) and error.code not in (0, ASKS) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
