"""What lays packages down inside a Dockerfile's build, run here: the files are those of the assembled layers."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.backends.conda import laying
from envbuild.backends.conda.layers import conda_layers
from envbuild.backends.dockerfile import tools
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.progress import SILENT
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.types import CondaAsk, CondaPackage, CondaSpec

File = tuple[str, int, str, str]


@pytest.fixture
def packages(tmp_path: Path) -> tuple[CondaPackage, ...]:
    """Packages of every form, two of which have a file at one path."""
    channel = tmp_path / "channel"
    tinyconda.make_python(channel)
    tinyconda.make_module(channel, "tiny-py")
    tinyconda.make_package(
        channel,
        "tiny-native",
        files={
            "bin/tiny": f"#!{tinyconda.PLACEHOLDER}/bin/python\n",
            "lib/libtiny.so.1": b"\x7fELF\0" + tinyconda.PLACEHOLDER.encode() + b"/lib\0\0",
            "share/both": "native\n",
        },
        links={"lib/libtiny.so": "libtiny.so.1", "lib64": "lib"},
        executable=["bin/tiny"],
        form="conda",
    )
    tinyconda.make_package(channel, "tiny-other", files={"share/both": "other\n"})
    tinyconda.make_package(
        channel,
        "tiny-script",
        noarch="python",
        entry_points=["tiny-run = tiny_py:main"],
        depends=["python"],
        files={"site-packages/script.py": "\n", "python-scripts/tiny-more": "#!/bin/sh\n"},
    )
    address = tinyconda.index(channel)
    names = ("python", "tiny-py", "tiny-native", "tiny-other", "tiny-script")
    specs = tuple(CondaSpec(name=name, text=name, where="conda.yaml:7") for name in names)
    ask = CondaAsk(specs=specs, channels=(address,), subdir="linux-64", glibc="2.36")
    return lock_conda(ask, tmp_path / "cache", SILENT)[0]


@pytest.fixture
def prefix() -> Iterator[Path]:
    """It must be shorter than the one that packages are built for."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "opt" / "envbuild"


def context(folder: Path, packages: tuple[CondaPackage, ...], prefix: str, store: Store) -> Path:
    """The folder conda/ of a build context; rattler is this environment's own."""
    folder.mkdir()
    script = folder / "install.py"
    script.write_text(tools.script("conda_install.py"))
    (folder / "laying.py").write_text(Path(laying.__file__).read_text())
    with zipfile.ZipFile(folder / "py_rattler-1.0.whl", "w"):
        pass
    rows = [
        {
            "file": p.filename,
            "sha256": p.sha256,
            "name": p.name,
            "version": p.version,
            "build": p.build,
            "subdir": p.subdir,
        }
        for p in packages
    ]
    (folder / "conda.json").write_text(json.dumps({"prefix": prefix, "packages": rows}))
    for package in packages:
        place = folder / "packages" / package.subdir / package.filename
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(store.read(f"sha256:{package.sha256}"))
    return script


def run(script: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-IB", str(script)], capture_output=True, text=True, check=False)


def assembled(store: Store, packages: tuple[CondaPackage, ...], prefix: str) -> dict[str, File]:
    """Type, mode, link target and hash of each file of the layer, by its path below the prefix."""
    made: list[Layer] = []
    conda_layers(store, [packages], packages, prefix=prefix, done=lambda index, layer: made.append(layer))
    found: dict[str, File] = {}
    with tarfile.open(fileobj=io.BytesIO(store.read(made[0].digest))) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            inside = member.name.removeprefix(prefix).strip("/")
            if member.name.startswith(prefix) and inside:
                kind = "link" if member.issym() else "folder" if member.isdir() else "file"
                digest = hashlib.sha256(file.read()).hexdigest() if file else ""
                found[inside] = (kind, member.mode, member.linkname, digest)
    return found


def laid_down(root: Path) -> dict[str, File]:
    found: dict[str, File] = {}
    for path in root.rglob("*"):
        inside = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[inside] = ("link", 0o777, str(path.readlink()), "")
        elif path.is_dir():
            found[inside] = ("folder", path.stat().st_mode & 0o7777, "", "")
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[inside] = ("file", path.stat().st_mode & 0o7777, "", digest)
    return found


def test_the_files_of_a_build_are_those_of_the_assembled_layers(
    packages: tuple[CondaPackage, ...], tmp_path: Path, prefix: Path
):
    store = Store(tmp_path / "cache" / "store")
    done = run(context(tmp_path / "conda", packages, str(prefix), store))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "5 conda packages laid down\n"
    expected = assembled(store, packages, str(prefix).lstrip("/"))
    assert "bin/tiny-run" in expected and "conda-meta/tiny-native-1.0-0.json" in expected
    assert laid_down(prefix) == expected
    assert [path.name for path in prefix.parent.iterdir()] == ["envbuild"]


def test_a_package_with_another_hash_is_named_and_nothing_is_laid_down(
    packages: tuple[CondaPackage, ...], tmp_path: Path, prefix: Path
):
    store = Store(tmp_path / "cache" / "store")
    script = context(tmp_path / "conda", packages, str(prefix), store)
    (damaged,) = (tmp_path / "conda" / "packages").rglob("tiny-other-*")
    damaged.write_bytes(damaged.read_bytes() + b"\0")
    done = run(script)
    assert done.returncode == 1
    assert done.stderr == f"{damaged.name} is not there, or has another hash than the lock says\n"
    assert not prefix.exists()


def test_a_file_that_is_no_package_is_told_without_a_traceback(packages: tuple[CondaPackage, ...], tmp_path: Path):
    store = Store(tmp_path / "cache" / "store")
    script = context(tmp_path / "conda", packages, str(tmp_path / "image"), store)
    (other,) = (tmp_path / "conda" / "packages").rglob("tiny-other-*")
    other.write_bytes(b"no archive")
    told = json.loads((tmp_path / "conda" / "conda.json").read_text())
    (row,) = [row for row in told["packages"] if row["name"] == "tiny-other"]
    row["sha256"] = hashlib.sha256(b"no archive").hexdigest()
    (tmp_path / "conda" / "conda.json").write_text(json.dumps(told))
    done = run(script)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{other.name} is no whole conda package" in done.stderr
