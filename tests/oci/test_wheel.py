from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import CorruptBlobError
from envbuild.oci.wheel import WheelSource

Make = Callable[..., WheelSource]
Unpack = Callable[..., dict[str, tuple[int, bytes]]]

SITE = "opt/envbuild/lib/python3.11/site-packages"
INFO = f"{SITE}/pkg-1.0.dist-info"


def _record(files: dict[str, tuple[int, bytes]], path: str = f"{INFO}/RECORD") -> list[list[str]]:
    return list(csv.reader(files[path][1].decode().splitlines()))


def test_every_scheme_has_its_place_and_mode(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel(
        {
            "pkg/__init__.py": b"x = 1\n",
            "pkg/deep/er/module.py": b"",
            "pkg/bin/tool": (b"\x7fELF", 0o100755),
            "pkg/private": (b"", 0o100600),
            "pkg-1.0.data/scripts/run": b"#!python -E\nprint()\n",
            "pkg-1.0.data/scripts/shell": b"#!/bin/sh\n",
            "pkg-1.0.data/data/share/pkg/icon": b"icon",
            "pkg-1.0.data/headers/pkg.h": b"h",
            "pkg-1.0.data/purelib/pure.py": b"pure",
            "pkg-1.0.data/platlib/plat.so": (b"plat", 0o100755),
        }
    )
    files = unpack(wheel)
    assert {path: value for path, value in files.items() if "dist-info" not in path} == {
        f"{SITE}/pkg/__init__.py": (0o644, b"x = 1\n"),
        f"{SITE}/pkg/deep/er/module.py": (0o644, b""),
        f"{SITE}/pkg/bin/tool": (0o755, b"\x7fELF"),
        f"{SITE}/pkg/private": (0o644, b""),
        f"{SITE}/pure.py": (0o644, b"pure"),
        f"{SITE}/plat.so": (0o755, b"plat"),
        "opt/envbuild/bin/run": (0o755, b"#!/opt/envbuild/bin/python\nprint()\n"),
        "opt/envbuild/bin/shell": (0o755, b"#!/bin/sh\n"),
        "opt/envbuild/share/pkg/icon": (0o644, b"icon"),
        "opt/envbuild/include/site/python3.11/pkg/pkg.h": (0o644, b"h"),
    }
    assert files[f"{INFO}/INSTALLER"] == (0o644, b"envbuild\n")


def test_record_lists_exactly_what_was_laid_down(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel(
        {
            "pkg/a,b.py": b"x",
            "pkg/__pycache__/a.pyc": b"never",
            "pkg-1.0.data/scripts/run": b"#!python\n",
            "pkg-1.0.dist-info/INSTALLER": b"pip\n",
        },
        entry_points="[console_scripts]\ntool = pkg.cli:main\n",
    )
    files = unpack(wheel)
    rows = _record(files)
    assert rows == sorted(rows)
    listed = {os.path.normpath(f"{SITE}/{path}") for path, _, _ in rows}
    assert listed == set(files)
    for path, value, size in rows:
        mode_and_content = files[os.path.normpath(f"{SITE}/{path}")]
        if path.endswith("RECORD"):
            assert (value, size) == ("", "")
            continue
        digest = hashlib.sha256(mode_and_content[1]).digest()
        assert value == "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert int(size) == len(mode_and_content[1])
    assert f"{SITE}/pkg/__pycache__/a.pyc" not in files


def test_an_entry_point_runs(make_wheel: Make, unpack: Unpack, tmp_path: Path) -> None:
    wheel = make_wheel(
        {
            "pkg/cli.py": b"class Tool:\n    @staticmethod\n    def main(): print('ran'); return 3\n",
            "pkg-1.0.data/scripts/tool": b"#!python\nloses to the entry point\n",
        },
        entry_points="[console_scripts]\ntool = pkg.cli:Tool.main [extra]\n[other]\nx = not a script\n",
    )
    files = unpack(wheel)
    mode, script = files["opt/envbuild/bin/tool"]
    assert mode == 0o755
    assert script.startswith(b"#!/opt/envbuild/bin/python\n")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/cli.py").write_bytes(files[f"{SITE}/pkg/cli.py"][1])
    (tmp_path / "tool").write_bytes(script)
    ran = subprocess.run([sys.executable, str(tmp_path / "tool")], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (3, "ran\n")


def test_order_in_the_zip_does_not_matter(make_wheel: Make, wheel_tar: Callable[..., bytes]) -> None:
    files = {f"pkg/{name}.py": name.encode() for name in ("b", "a", "é", "Z")}
    assert wheel_tar(make_wheel(files)) == wheel_tar(make_wheel(files, reverse=True))


def test_bytes_never_change(make_wheel: Make, wheel_tar: Callable[..., bytes]) -> None:
    wheel = make_wheel(
        {"pkg/__init__.py": b"", "pkg-1.0.data/scripts/run": b"#!python\n", "pkg/" + "long/" * 30 + "é": b"e"},
        entry_points="[gui_scripts]\ntool = pkg:main\n",
    )
    # A new value here is a new format: raise FORMAT in the planner with it.
    assert (
        hashlib.sha256(wheel_tar(wheel)).hexdigest()
        == "be25e898840d5736e3f60f88e5ff00ee9ce131dad11a85f41e4db6fe7f6ebc06"
    )


def test_the_host_does_not_matter(make_wheel: Make, wheel_tar: Callable[..., bytes], tmp_path: Path) -> None:
    wheel = make_wheel({"pkg/é.py": b"x" * 2_000_000}, entry_points="[console_scripts]\nt = pkg:main\n")
    code = (
        "import sys, io, hashlib, pathlib, os; os.umask(0o077)\n"
        "from envbuild.oci.wheel import *; from envbuild.oci.tar import LayerTar\n"
        "out = io.BytesIO(); tar = LayerTar(out)\n"
        "wheel = WheelSource(path=pathlib.Path(sys.argv[1]), filename=sys.argv[2])\n"
        "write_wheels(tar, [wheel], prefix='opt/envbuild', python='3.11', keep_tests=False)\n"
        "tar.close(); print(hashlib.sha256(out.getvalue()).hexdigest())"
    )
    digests = {hashlib.sha256(wheel_tar(wheel)).hexdigest()}
    for seed, zone, locale in (("1", "Asia/Tokyo", "C"), ("2", "America/Lima", "C.UTF-8")):
        env = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", code, str(wheel.path), wheel.filename]
        ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
        digests.add(ran.stdout.strip())
    assert len(digests) == 1


def test_of_two_wheels_with_one_path_the_last_wins(make_wheel: Make, unpack: Unpack) -> None:
    first = make_wheel({"shared/__init__.py": b"first", "shared/first.py": b""})
    last = make_wheel({"shared/__init__.py": b"last", "shared/last.py": b""}, name="other")
    files = unpack(first, last)
    assert files[f"{SITE}/shared/__init__.py"] == (0o644, b"last")
    assert f"{SITE}/shared/first.py" in files
    assert "shared/__init__.py" not in [row[0] for row in _record(files)]
    assert "shared/__init__.py" in [row[0] for row in _record(files, f"{SITE}/other-1.0.dist-info/RECORD")]
    assert unpack(last, first)[f"{SITE}/shared/__init__.py"] == (0o644, b"first")


def test_test_folders_of_listed_wheels_are_left_out(make_wheel: Make, unpack: Unpack) -> None:
    contents = {
        "numpy/__init__.py": b"",
        "numpy/tests/test_a.py": b"",
        "numpy/_core/tests/__init__.py": b"",
        "numpy/_core/tests/_natype.py": b"",
        "numpy/_core/tests/data/big.csv": b"",
        "numpy/tests.py": b"",
        "numpy/latests/x.py": b"",
    }
    wheel = make_wheel(contents, name="numpy")
    info = f"{SITE}/numpy-1.0.dist-info"
    kept = {path for path in unpack(wheel) if not path.startswith(info)}
    assert kept == {
        f"{SITE}/numpy/{path}"
        for path in (
            "__init__.py",
            "_core/tests/__init__.py",
            "_core/tests/_natype.py",
            "tests.py",
            "latests/x.py",
        )
    }
    record = {row[0] for row in _record(unpack(wheel), f"{info}/RECORD")}
    assert {f"{SITE}/{path}" for path in record} == set(unpack(wheel))
    assert {f"{SITE}/{path}" for path in contents} <= set(unpack(wheel, keep_tests=True))
    unlisted = make_wheel({"pkg/tests/test_a.py": b""})
    assert f"{SITE}/pkg/tests/test_a.py" in unpack(unlisted)


def test_names_are_compared_as_the_index_compares_them(make_wheel: Make, unpack: Unpack) -> None:
    wheel = make_wheel({"sklearn/tests/test_a.py": b"", "sklearn/a.py": b""}, name="Scikit_Learn")
    assert f"{SITE}/sklearn/tests/test_a.py" not in unpack(wheel)
    spelled = make_wheel({"Foo_Bar-1.0.data/scripts/run": b"#!python\n"}, name="Foo_Bar")
    other = replace(spelled, filename="foo_bar-1.0-py3-none-any.whl")
    assert "opt/envbuild/bin/run" in unpack(other)


def test_a_wheel_named_by_its_hash_is_checked_against_it(make_wheel: Make, unpack: Unpack, tmp_path: Path) -> None:
    wheel = make_wheel({"pkg/a.py": b"a"})
    digest = hashlib.sha256(wheel.path.read_bytes()).hexdigest()
    blob = wheel.path.rename(tmp_path / digest)
    assert f"{SITE}/pkg/a.py" in unpack(replace(wheel, path=blob))
    blob.write_bytes(blob.read_bytes() + b"\0")
    with pytest.raises(CorruptBlobError) as caught:
        unpack(replace(wheel, path=blob))
    assert caught.value.digest == f"sha256:{digest}"
    with pytest.raises(CorruptBlobError):
        unpack(replace(wheel, path=make_wheel({}).path, sha256=digest))
    blob.unlink()
    with pytest.raises(CorruptBlobError):
        unpack(replace(wheel, path=blob))


def test_large_files_stream_in_little_memory(make_wheel: Make, store: Any) -> None:
    chunk = hashlib.sha256(b"seed").digest() * 32768
    wheel = make_wheel({f"pkg/{number}.so": chunk * 64 for number in range(2)})  # 64 MiB each
    code = (
        "import sys, json, pathlib, re\n"
        "from envbuild.oci.wheel import *; from envbuild.oci.store import Store\n"
        "wheel = WheelSource(path=pathlib.Path(sys.argv[2]), filename=sys.argv[3])\n"
        "settings = dict(prefix='opt/envbuild', python='3.11', keep_tests=False)\n"
        "layers = build_wheel_layers(Store(pathlib.Path(sys.argv[1])), [('key', [wheel])], **settings)\n"
        # Not getrusage: its peak is inherited from the process that started this one.
        "peak = re.search(r'VmHWM:\\s*(\\d+)', pathlib.Path('/proc/self/status').read_text())[1]\n"
        "print(json.dumps([layers['key'].size, int(peak)]))"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, "-c", code, str(store.root), str(wheel.path), wheel.filename]
    size, peak = json.loads(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    assert size > 128 << 20
    assert peak < 60 << 10, f"{peak} KiB for files of 65536"
