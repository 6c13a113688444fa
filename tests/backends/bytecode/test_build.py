"""The bytecode layer, made by an interpreter that lies in a base."""

from __future__ import annotations

import marshal
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from interpreters import interpreter

from envbuild.backends.bytecode.build import bytecode_layer, can_compile
from envbuild.bases.rootfs import interpreter_command, interpreter_environment, rootfs
from envbuild.bases.types import Base
from envbuild.errors import BaseImageError, EnvbuildError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.oci.wheel import WheelSource

MakeWheel = Callable[..., WheelSource]
MakeBase = Callable[..., Base]
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
TAG = sys.implementation.cache_tag
SITE = f"opt/envbuild/lib/python{MINOR}/site-packages"
STDLIB = f"usr/lib/python{MINOR}"
SOURCES = {
    f"{SITE}/runtime/__init__.py": b"",
    f"{SITE}/runtime/__main__.py": b"from . import app\nimport pkg.used\n",
    f"{SITE}/runtime/app.py": b"import json\n",
    "var/code/score.py": b"import pkg.unused\n",
}
WHEEL = {
    "pkg/__init__.py": "VALUE = 'from the wheel'\n",
    "pkg/used.py": "import typing\n",
    "pkg/unused.py": "",
    "pkg/broken.py": "print 'x'\n",
    "pkg/data.json": "{}",
}


def layer_of(store: Store, base: Base, wheels: list[WheelSource], **changes: Any) -> Layer:
    settings = {
        "plan_key": "k",
        "roots": ["runtime.__main__"],
        "mode": "startup",
        "prefix": "opt/envbuild",
        "keep_tests": False,
        "sources": SOURCES,
        **changes,
    }
    return bytecode_layer(store, settings.pop("plan_key"), base=base, wheels=wheels, **settings)


def entries(store: Store, layer: Layer) -> dict[str, bytes]:
    found = {}
    with tarfile.open(store.blob(layer.digest)) as tar:
        for member in tar:
            assert member.uid == member.gid == 0
            if member.isfile():
                assert member.mode == 0o644
                found[member.name] = tar.extractfile(member).read()  # type: ignore[union-attr]
            else:
                assert member.isdir()
                assert member.mode == 0o755
    return found


def test_startup_compiles_what_the_roots_reach(store: Store, make_base: MakeBase, make_wheel: MakeWheel) -> None:
    found = entries(store, layer_of(store, make_base(), [make_wheel(WHEEL)]))
    site = sorted(path for path in found if path.startswith("opt/"))
    assert site == [
        *(f"{SITE}/pkg/__pycache__/{name}.{TAG}.pyc" for name in ("__init__", "used")),
        *(f"{SITE}/runtime/__pycache__/{name}.{TAG}.pyc" for name in ("__init__", "__main__", "app")),
    ]
    rest = set(found) - set(site)
    assert all(path.startswith(STDLIB + "/") for path in rest)
    assert f"{STDLIB}/json/__pycache__/decoder.{TAG}.pyc" in rest
    assert f"{STDLIB}/encodings/__pycache__/utf_8.{TAG}.pyc" in rest
    assert f"{STDLIB}/json/__pycache__/tool.{TAG}.pyc" not in rest
    code = marshal.loads(found[f"{STDLIB}/json/__pycache__/decoder.{TAG}.pyc"][16:])
    assert code.co_filename == f"/{STDLIB}/json/decoder.py"
    assert marshal.loads(found[site[0]][16:]).co_filename == f"/{SITE}/pkg/__init__.py"


def test_on_compiles_everything(store: Store, make_base: MakeBase, make_wheel: MakeWheel) -> None:
    found = entries(store, layer_of(store, make_base(), [make_wheel(WHEEL)], mode="on"))
    assert f"{SITE}/pkg/__pycache__/unused.{TAG}.pyc" in found
    assert f"{STDLIB}/json/__pycache__/tool.{TAG}.pyc" in found
    assert not [path for path in found if "broken" in path or path.startswith("var/")]


def test_bytecode_that_the_base_has_is_not_made_again(store: Store, make_base: MakeBase, make_wheel: MakeWheel) -> None:
    own = f"{STDLIB}/json/__pycache__/decoder.{TAG}.pyc"
    found = entries(store, layer_of(store, make_base({own: b"own"}), [make_wheel(WHEEL)]))
    assert own not in found
    assert f"{STDLIB}/json/__pycache__/__init__.{TAG}.pyc" in found


def test_the_bases_python_takes_the_bytecode_without_reading_the_source(
    store: Store, make_base: MakeBase, make_wheel: MakeWheel, tmp_path: Path
) -> None:
    base = make_base()
    layer = layer_of(store, base, [make_wheel(WHEEL)])
    image = tmp_path / "image"
    with tarfile.open(store.blob(layer.digest)) as tar:
        tar.extractall(image, filter="data")
    (image / SITE / "pkg/__init__.py").write_text("VALUE = 'from the source'\n")
    root = rootfs(base, store)
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(image / SITE)!r}); import pkg; print(pkg.VALUE)")
    done = subprocess.run(
        [*interpreter_command(base, root), "-S", str(script)],
        env=interpreter_environment(base, root),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("from the wheel\n", "")


def test_a_second_model_with_the_same_wheels_compiles_nothing(
    store: Store, make_base: MakeBase, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, wheel = make_base(), make_wheel(WHEEL)
    first = layer_of(store, base, [wheel])
    monkeypatch.setattr(subprocess, "Popen", None)
    assert (
        layer_of(store, base, [wheel], plan_key="another", roots=["runtime.app", "pkg.used", "runtime.__main__"])
        == first
    )
    wheel.path.unlink()
    shutil.rmtree(store.root / "rootfs")
    assert layer_of(store, base, [wheel]) == first, "the layer itself is remembered"


def test_damaged_bytecode_in_the_cache_is_made_anew(store: Store, make_base: MakeBase, make_wheel: MakeWheel) -> None:
    base, wheel = make_base(), make_wheel(WHEEL)
    first = layer_of(store, base, [wheel])
    good = {first.digest, *(layer.digest for layer in base.layers)}
    damaged = [path for path in (store.root / "blobs/sha256").iterdir() if f"sha256:{path.name}" not in good]
    assert len(damaged) == 3
    for path in damaged:
        data = bytearray(path.read_bytes())
        data[-1] ^= 0xFF
        path.write_bytes(data)
    assert layer_of(store, base, [wheel], plan_key="again") == first


def test_a_wheel_that_cannot_be_compiled_is_named(
    store: Store, make_base: MakeBase, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_base()
    monkeypatch.setattr("envbuild.backends.bytecode.groups.interpreter_command", lambda base, root: ["/bin/false"])
    sources: Mapping[str, bytes] = {}
    with pytest.raises(EnvbuildError, match=r"could not compile (pkg-1\.0-py3-none-any\.whl|the standard library)"):
        layer_of(store, base, [make_wheel(WHEEL)], sources=sources, roots=["pkg"])


def test_can_compile_says_why_not(
    store: Store, make_base: MakeBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base = make_base()
    assert can_compile(base) == (True, "")
    assert can_compile(base, rootfs(base, store)) == (True, "")
    assert "no " in can_compile(base, tmp_path)[1]
    assert "musl" in can_compile(replace(base, glibc=""))[1]
    other = replace(base, architecture="s390x")
    assert can_compile(other) == (False, f"the base's Python is for s390x, this machine is {platform.machine()}")
    with pytest.raises(EnvbuildError, match="s390x"):
        layer_of(store, other, [])
    assert not can_compile(replace(base, interpreter=replace(base.interpreter, executable="")))[0]
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert can_compile(base)[1].endswith("does not run on Darwin")


def test_another_base_compiles_what_lies_in_this_one(
    store: Store, make_base: MakeBase, make_wheel: MakeWheel, tmp_path: Path
) -> None:
    """The same sources in both, so the same bytes; a module that one has alone is that one's."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    base, wheels = (
        make_base({f"usr/lib/python{minor}/ours.py": b"X = 'theirs is not looked at'\n"}),
        [make_wheel(WHEEL)],
    )
    foreign = replace(base, architecture="s390x")
    roots = ["pkg.used", "ours"]
    first = layer_of(store, base, wheels, roots=roots)
    assert layer_of(store, foreign, wheels, roots=roots, plan_key="other", compiler=make_base()) == first
    assert f"usr/lib/python{minor}/__pycache__/ours.cpython-{minor.replace('.', '')}.pyc" in entries(store, first)
    with pytest.raises(EnvbuildError, match="s390x"):
        layer_of(store, foreign, wheels, roots=roots, plan_key="none", compiler=foreign)


def test_a_base_without_a_standard_library_is_refused(store: Store, make_base: MakeBase) -> None:
    base = make_base()
    with pytest.raises(BaseImageError, match="has no standard library in /srv/lib"):
        layer_of(store, replace(base, interpreter=replace(base.interpreter, home="/srv")), [])


SCRIPT = """
import os, sys
os.umask(int(sys.argv[3], 8))
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from envbuild.backends.bytecode.build import bytecode_layer
from envbuild.bases.types import Base, Interpreter
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.oci.wheel import WheelSource
import json
store = Store(Path(sys.argv[2]))
given = json.loads(sys.argv[4])
layer = Layer(diff_id=given["layer"], digest=given["layer"], size=given["size"])
base = Base(name="test", digest=given["layer"], architecture=given["architecture"],
    interpreter=Interpreter(**given["interpreter"]), glibc="2.36", layers=(layer,), config={})
wheels = [WheelSource(path=Path(path), filename=Path(path).name) for path in given["wheels"]]
made = bytecode_layer(store, "k", base=base, wheels=wheels, roots=given["roots"], mode=given["mode"],
    prefix="opt/envbuild", keep_tests=False, sources={k: v.encode() for k, v in given["sources"].items()})
print(made.digest)
"""


def _pythons() -> list[str]:
    """Other Pythons of this host."""
    return [str(found) for minor in ("3.10", "3.13") if (found := interpreter(minor)) is not None]


@pytest.mark.parametrize("mode", ["startup", "on"])
def test_equal_bytes_whatever_the_host(
    store: Store, make_base: MakeBase, make_wheel: MakeWheel, tmp_path: Path, mode: str
) -> None:
    """Separate caches, other Pythons, TZ, umask, hash seed, locale, working directory, order of the wheels."""
    import json

    base = make_base()
    wheels = [
        make_wheel(
            {f"w{i}/__init__.py": f"import json\nX = {{'a', 'b', {i}}}\n", f"w{i}/m.py": "def f(): return 'a'\n"},
            f"w{i}",
        )
        for i in range(3)
    ]
    roots = ["w0.m", "w1", "w2.m"]
    sources = {f"{SITE}/s.py": b"import w1.m\n"}
    first = layer_of(store, base, wheels, roots=[*roots, "s"], mode=mode, sources=sources)
    pythons = [sys.executable, *_pythons()]
    if len(pythons) < 3:
        pytest.skip("needs Python 3.10 and 3.13 on this host as well")
    given = {
        "layer": base.digest,
        "size": base.layers[0].size,
        "architecture": base.architecture,
        "interpreter": {
            "version": base.interpreter.version,
            "executable": base.interpreter.executable,
            "home": base.interpreter.home,
        },
        "roots": ["s", *reversed(roots)],
        "mode": mode,
        "sources": {path: data.decode() for path, data in sources.items()},
    }
    package = str(Path(__file__).resolve().parents[3])
    for number, python in enumerate(pythons):
        cache = Store(tmp_path / f"cache{number}")
        cache.ingest(store.stream(base.digest))
        order = wheels if number % 2 else wheels[::-1]
        done = subprocess.run(
            [
                *(python, "-c", SCRIPT, package, str(cache.root), ("022", "077", "002")[number]),
                json.dumps({**given, "wheels": [str(wheel.path) for wheel in order]}),
            ],
            env={
                "PYTHONHASHSEED": str(number + 5),
                "TZ": ("UTC", "Asia/Tokyo", "America/Lima")[number],
                "LC_ALL": ("C", "C.UTF-8", "POSIX")[number],
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=("/", tmp_path, package)[number],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == first.digest, (python, done.stderr)


@pytest.mark.network
@pytest.mark.slow
def test_a_debian_base_compiles_the_same_everywhere(make_wheel: MakeWheel, tmp_path: Path) -> None:
    from envbuild.bases.opening import open_base

    wheels = [make_wheel(WHEEL)]
    digests = set()
    for number in range(2):
        store = Store(tmp_path / f"cache{number}")
        base = open_base(
            "debian:bookworm", store, platform=f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}"
        )
        site = "opt/envbuild/lib/python3.11/site-packages"
        layer = layer_of(store, base, wheels, roots=["pkg.used", "json"], sources={f"{site}/s.py": b""})
        digests.add(layer.digest)
    assert len(digests) == 1
    found = entries(store, layer)
    assert f"{site}/pkg/__pycache__/used.cpython-311.pyc" in found
    assert "usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc" in found
