from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from envbuild.bases.types import Base, Interpreter
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.wheel import WheelSource

MakeWheel = Callable[..., WheelSource]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What the interpreter needs to start without site, and a little to import.
STDLIB = (
    "abc",
    "codecs",
    "encodings",
    "io",
    "json",
    "os",
    "posixpath",
    "site",
    "stat",
    "genericpath",
    "_collections_abc",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """A function that writes a wheel with the given files (path -> text)."""
    serial = iter(range(1000))

    def make(files: Mapping[str, str | bytes], name: str = "pkg") -> WheelSource:
        folder = tmp_path / f"wheel{next(serial)}"
        folder.mkdir()
        path = folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, content in files.items():
                archive.writestr(zipfile.ZipInfo(inside), content)
        return WheelSource(path=path, filename=path.name)

    return make


@pytest.fixture
def stdlib(tmp_path: Path) -> Path:
    """A tiny standard library."""
    folder = tmp_path / "stdlib"
    for path, text in {
        "os.py": "import posixpath\n",
        "posixpath.py": "",
        "json/__init__.py": "from .decoder import JSONDecoder\n",
        "json/decoder.py": "import re\n",
        "json/tool.py": "import argparse\n",
        "site-packages/strange.py": "",
        "lib-dynload/_datetime.cpython-311-x86_64-linux-gnu.so": "",
        "_strptime.py": "",
        "__pycache__/os.py": "",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="session")
def interpreter_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The running Python, its libraries and a part of its stdlib: path in an image -> file of this host."""
    if platform.system() != "Linux" or platform.machine() not in ARCHITECTURES:
        pytest.skip("needs Linux on amd64 or arm64")
    ldd = shutil.which("ldd")
    if ldd is None:
        pytest.skip("needs ldd to find the libraries of this Python")
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    executable = Path(sys.executable).resolve()
    listing = subprocess.run([ldd, str(executable)], capture_output=True, text=True, check=False).stdout
    found = {f"usr/bin/python{minor}": executable}
    for library in re.findall(r"(/\S+)", listing):
        loader = Path(library).name.startswith("ld-linux")
        found[library.lstrip("/") if loader else f"usr/lib/{Path(library).name}"] = Path(library).resolve()
    if not any("ld-linux" in path for path in found):
        pytest.skip("needs a Python that glibc's loader starts")
    for name in STDLIB:
        origin = Path(str(importlib.util.find_spec(name).origin))  # type: ignore[union-attr]
        top = Path(sysconfig.get_path("stdlib"))
        if not origin.is_file():
            origin = top / f"{name}.py"
        files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
        found |= {f"usr/lib/python{minor}/{file.relative_to(top)}": file for file in files}
    return found


@pytest.fixture
def make_base(store: Store, interpreter_files: dict[str, Path]) -> Callable[..., Base]:
    """A function that makes a base of this host's own Python, with more files (path -> content) if given."""

    def make(more: Mapping[str, bytes] | None = None, cache: Store = store) -> Base:
        extra = dict(more or {})

        def write(tar: LayerTar) -> None:
            for path in sorted({*interpreter_files, *extra}):
                if path in extra:
                    tar.data(path, extra[path])
                    continue
                with interpreter_files[path].open("rb") as file:
                    executable = "/bin/" in path or ".so" in path
                    tar.file(path, file, os.fstat(file.fileno()).st_size, 0o755 if executable else 0o644)

        layer = build_layer(cache, write)
        minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return Base(
            name="test",
            digest=layer.digest,
            architecture=ARCHITECTURES[platform.machine()],
            interpreter=Interpreter(
                version=platform.python_version(), executable=f"/usr/bin/python{minor}", home="/usr"
            ),
            glibc="2.36",
            layers=(layer,),
            config={},
        )

    return make
