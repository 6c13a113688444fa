"""What install.py lays down inside a build is what oci.wheel lays into a layer, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from envbuild.backends.dockerfile.tools import script
from envbuild.errors import EnvbuildError
from envbuild.facts import load_json
from envbuild.oci.tar import LayerTar
from envbuild.oci.wheel import WheelSource, write_wheels

PYTHON = "{}.{}".format(*sys.version_info[:2])
Files = Mapping[str, "bytes | tuple[bytes, int]"]


def make_wheel(
    folder: Path, files: Files, *, name: str = "pkg", scripts: str = "", record: Mapping[str, str] | None = None
) -> WheelSource:
    info = f"{name}-1.0.dist-info"
    contents = dict(files)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if scripts:
        contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n".encode()
    plain = {path: value if isinstance(value, bytes) else value[0] for path, value in contents.items()}
    rows = {path: "sha256=" + _hash(content) for path, content in plain.items()} | dict(record or {})
    plain[f"{info}/RECORD"] = "".join(f"{path},{value},\n" for path, value in rows.items()).encode()
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in plain.items():
            item = zipfile.ZipInfo(entry)
            value = contents.get(entry, b"")
            item.external_attr = (value[1] if isinstance(value, tuple) else 0o100644) << 16
            archive.writestr(item, content)
    return WheelSource(path=path, filename=path.name)


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


class Unpacker:
    """Both ways to unpack, into the same prefix."""

    def __init__(self, folder: Path) -> None:
        self.build = folder / "build"
        self.prefix = folder / "prefix"
        (self.build / "wheels").mkdir(parents=True)
        self.prefix.mkdir()
        (self.build / "install.py").write_text(script("install.py"))

    def by_script(
        self, layers: Sequence[Sequence[WheelSource]], keep_tests: bool = False
    ) -> subprocess.CompletedProcess[str]:
        rules = load_json("dead_weight.json")
        rows = []
        for layer in layers:
            rows.append(
                [{"file": w.filename, "sha256": hashlib.sha256(w.path.read_bytes()).hexdigest()} for w in layer]
            )
            for wheel in layer:
                (self.build / "wheels" / wheel.filename).write_bytes(wheel.path.read_bytes())
        given = {
            "prefix": str(self.prefix),
            "layers": rows,
            "left_out": {} if keep_tests else {name: rule["keep"] for name, rule in rules["wheels"].items()},
            "left_out_folder": rules["folder"],
        }
        (self.build / "install.json").write_text(json.dumps(given))
        command = [sys.executable, "-IB", str(self.build / "install.py")]
        return subprocess.run(command, capture_output=True, text=True, umask=0o077, check=False)

    def by_layers(
        self, layers: Sequence[Sequence[WheelSource]], keep_tests: bool = False
    ) -> dict[str, tuple[int, bytes]]:
        found: dict[str, tuple[int, bytes]] = {}
        for layer in layers:
            out = io.BytesIO()
            tar = LayerTar(out)
            write_wheels(tar, layer, prefix=str(self.prefix).lstrip("/"), python=PYTHON, keep_tests=keep_tests)
            tar.close()
            out.seek(0)
            with tarfile.open(fileobj=out) as read:
                for member in read:
                    name = "/" + member.name
                    if name.startswith(f"{self.prefix}/"):
                        content = read.extractfile(member)
                        found[name[len(str(self.prefix)) + 1 :]] = (member.mode, content.read() if content else b"")
        return found

    def tree(self) -> dict[str, tuple[int, bytes]]:
        return {
            path.relative_to(self.prefix).as_posix(): (
                stat.S_IMODE(path.lstat().st_mode),
                b"" if path.is_dir() else path.read_bytes(),
            )
            for path in self.prefix.rglob("*")
        }


@pytest.fixture
def unpacker(tmp_path: Path) -> Unpacker:
    return Unpacker(tmp_path)


def same(unpacker: Unpacker, *layers: Sequence[WheelSource], keep_tests: bool = False) -> dict[str, tuple[int, bytes]]:
    done = unpacker.by_script(layers, keep_tests)
    assert done.returncode == 0, done.stderr
    tree = unpacker.tree()
    assert tree == unpacker.by_layers(layers, keep_tests)
    return tree


def test_schemes_modes_scripts_and_records_are_the_same(unpacker: Unpacker, tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path,
        {
            "pkg/__init__.py": b"x = 1\n",
            "pkg/bin/tool": (b"\x7fELF", 0o100755),
            "pkg/private": (b"", 0o100600),
            "pkg/large.bin": bytes(3 << 20),
            "pkg/__pycache__/a.pyc": b"never",
            "pkg/a,b \u00e4.py": b"",
            "pkg-1.0.data/scripts/run": b"#!python -E\nprint()\n",
            "pkg-1.0.data/scripts/shell": b"#!/bin/sh\n",
            "pkg-1.0.data/scripts/tool": b"hidden by the entry point",
            "pkg-1.0.data/data/share/pkg/icon": b"icon",
            "pkg-1.0.data/headers/pkg.h": b"h",
            "pkg-1.0.data/platlib/plat.so": (b"plat", 0o100755),
            "pkg-1.0.dist-info/INSTALLER": b"pip\n",
        },
        scripts="tool = pkg.cli:App.main",
    )
    tree = same(unpacker, [wheel])
    assert tree["bin/tool"][0] == 0o755
    assert b"from pkg.cli import App" in tree["bin/tool"][1]
    assert tree["bin/run"][1].startswith(f"#!{unpacker.prefix}/bin/python\n".encode())


@pytest.mark.parametrize("keep_tests", [False, True])
def test_dead_weight_is_the_same(unpacker: Unpacker, tmp_path: Path, keep_tests: bool) -> None:
    files = {
        "numpy/a.py": b"",
        "numpy/_core/tests/_natype.py": b"kept",
        "numpy/tests/test_a.py": b"",
        "tests/b.py": b"",
    }
    tree = same(unpacker, [make_wheel(tmp_path, files, name="numpy")], keep_tests=keep_tests)
    site = f"lib/python{PYTHON}/site-packages"
    assert (f"{site}/numpy/tests/test_a.py" in tree) is keep_tests
    assert f"{site}/numpy/_core/tests/_natype.py" in tree


def test_the_later_wheel_and_the_later_layer_win(unpacker: Unpacker, tmp_path: Path) -> None:
    wheels = [
        make_wheel(tmp_path, {"shared.py": name.encode(), f"{name}/x.py": b""}, name=name, scripts=f"run = {name}:m")
        for name in ("one", "two", "three")
    ]
    tree = same(unpacker, [wheels[0]], [wheels[2], wheels[1]])
    site = f"lib/python{PYTHON}/site-packages"
    assert tree[f"{site}/shared.py"][1] == b"two"
    assert b"import m" in tree["bin/run"][1]
    assert b"shared.py" in tree[f"{site}/one-1.0.dist-info/RECORD"][1]
    assert b"shared.py" not in tree[f"{site}/three-1.0.dist-info/RECORD"][1]


UNSAFE: list[tuple[str, Files, dict[str, str]]] = [
    ("parent", {"../outside.py": b"x"}, {}),
    ("absolute", {"/etc/passwd": b"x"}, {}),
    ("data", {"pkg-1.0.data/data/../../../x": b"x"}, {}),
    ("backslash", {"pkg\\x.py": b"x"}, {}),
    ("whiteout", {"pkg/.wh.x": b"x"}, {}),
    ("link", {"pkg/link": (b"/etc/passwd", 0o120777)}, {}),
    ("interpreter", {"pkg-1.0.data/scripts/python3": b"x"}, {}),
    ("environment", {"pkg-1.0.data/data/pyvenv.cfg": b"x"}, {}),
    ("foreign metadata", {"other-1.0.dist-info/METADATA": b"x"}, {}),
    ("scheme", {"pkg-1.0.data/loose": b"x"}, {}),
    ("twice", {"pkg/x.py": b"1", "pkg-1.0.data/purelib/pkg/x.py": b"2"}, {}),
    ("record", {"pkg/x.py": b"1"}, {"pkg/x.py": "sha256=" + _hash(b"other")}),
    ("unknown hash", {"pkg/x.py": b"1"}, {"pkg/x.py": "crc=1"}),
]


@pytest.mark.parametrize(("files", "record"), [row[1:] for row in UNSAFE], ids=[row[0] for row in UNSAFE])
def test_what_a_layer_refuses_the_build_refuses(
    unpacker: Unpacker, tmp_path: Path, files: Files, record: dict[str, str]
) -> None:
    wheel = make_wheel(tmp_path, files, record=record)
    with pytest.raises(EnvbuildError):
        unpacker.by_layers([[wheel]])
    done = unpacker.by_script([[wheel]])
    assert done.returncode == 1
    assert wheel.filename in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["build", wheel.filename, "prefix"]


def test_a_wheel_with_another_hash_is_not_taken(unpacker: Unpacker, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pkg/x.py": b"1"})
    assert unpacker.by_script([[wheel]]).returncode == 0
    (unpacker.build / "wheels" / wheel.filename).write_bytes(b"other")
    command = [sys.executable, "-IB", str(unpacker.build / "install.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "another hash than the lock says" in done.stderr
