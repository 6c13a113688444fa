"""What wheels hold is read once, remembered by wheel and by lock, and never from a damaged entry."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tinyelf import AARCH64, make_library

from envbuild.oci.canonical import sha256_digest
from envbuild.oci.store import Store
from envbuild.progress import Progress
from envbuild.resolver import contents as contents_module
from envbuild.resolver.contents import read_contents, read_one, recall_contents
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.resolver.wheelreading import module_of, read_wheel


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


class Named(Progress):
    """Which wheels were looked into."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def advance(self, phase: str, amount: int = 1, *, what: str = "") -> None:
        self.names.append(what)


def put(
    store: Store,
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    metadata: str | None = "Metadata-Version: 2.1\n",
    compression: int = zipfile.ZIP_DEFLATED,
) -> LockedPackage:
    path = folder / f"{name}.whl"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        if metadata is not None:
            archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
    return locked(store, name, path.read_bytes())


def locked(store: Store, name: str, data: bytes) -> LockedPackage:
    digest = store.put(data)
    return LockedPackage(
        name=name, version="1.0", filename=f"{name}-1.0-py3-none-any.whl", sha256=digest[7:], size=len(data)
    )


def a_lock(*packages: LockedPackage, python: str = "3.11.2", platform: str = "manylinux_2_36_x86_64") -> Lock:
    return Lock(packages=packages, python=python, platform=platform, requirements=())


def test_modules_are_python_files_and_compiled_ones_that_this_python_can_load(store: Store, tmp_path: Path) -> None:
    files = [
        "pkg/__init__.py",
        "pkg/plain.py",
        "pkg/fast.cpython-311-x86_64-linux-gnu.so",
        "pkg/other.cpython-312-x86_64-linux-gnu.so",
        "pkg/stable.abi3.so",
        "pkg/bare.so",
        "pkg/sourceless.pyc",
        "pkg/__pycache__/plain.cpython-311.pyc",
        "pkg/lib/libpkg.so.1",
        "pkg/data.json",
        "pkg/not-a-module.py",
        "pkg.libs/libz-1234.so.1",
        "space/inner/deep.py",
        "single.py",
        "pkg-1.0.data/purelib/moved/__init__.py",
        "pkg-1.0.data/scripts/tool.py",
    ]
    package = put(store, tmp_path, "pkg", dict.fromkeys(files, b""))
    found = read_contents(a_lock(package), store)["pkg"]
    assert found.modules == {
        *("pkg", "pkg.plain", "pkg.fast", "pkg.stable", "pkg.bare", "pkg.sourceless"),
        *("space.inner.deep", "single", "moved"),
    }


def test_a_compiled_module_is_named_by_its_first_part() -> None:
    assert module_of("a/b.cpython-38-x86_64-linux-gnu.so", "38") == "a.b"
    assert module_of("a/b.cpython-313t-x86_64-linux-gnu.so", "313") == "a.b"
    assert module_of("a/lib.something.so", "311") == ""
    assert module_of("__init__.py", "311") == ""


def test_requirements_are_the_lines_of_the_metadata_as_written(store: Store, tmp_path: Path) -> None:
    metadata = (
        "Metadata-Version: 2.1\nName: pkg\nRequires-Dist: numpy <3,>=1.2\n"
        "Requires-Dist: black ; extra == 'dev'\n\nRequires-Dist: this is the description\n"
    )
    package = put(store, tmp_path, "pkg", {}, metadata=metadata)
    assert read_contents(a_lock(package), store)["pkg"].requires == ("numpy <3,>=1.2", "black ; extra == 'dev'")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_libraries_that_the_wheel_carries_are_not_needed(store: Store, tmp_path: Path, compression: int) -> None:
    files = {
        "pkg/core.abi3.so": make_library("", ["libgomp-a34b.so.1", "libown.so.2", "libGL.so.1", "libc.so.6"]),
        "pkg.libs/libgomp-a34b.so.1": make_library("libgomp-a34b.so.1", ["libc.so.6"]),
        "pkg/lib/libown.so": make_library("libown.so.2"),
        "pkg/lib/for-arm.so": make_library("libarm.so", ["libarmonly.so.1"], machine=AARCH64),
        "pkg/lib/for-alpine.so": make_library("libalpine.so", ["libc.musl-x86_64.so.1", "libx.so.1"]),
        "pkg/lib/script.so": b"INPUT(libz.so)",
    }
    package = put(store, tmp_path, "pkg", files, compression=compression)
    found = read_contents(a_lock(package), store)["pkg"]
    assert found.needed == {"libGL.so.1", "libc.so.6"}
    assert found.provided == {"core.abi3.so", "libgomp-a34b.so.1", "libown.so", "libown.so.2"}
    assert found.askers == (("libGL.so.1", "pkg/core.abi3.so"),)


def test_what_cannot_be_loaded_is_named_by_the_module_that_leads_to_it(store: Store, tmp_path: Path) -> None:
    files = {
        "cv2/cv2.abi3.so": make_library("", ["libqtgui-1.so"]),
        "cv2/plain.abi3.so": make_library("", ["libc.so.6"]),
        "cv2/plugins/libqxcb.so.1": make_library("", ["libxcb.so.1", "libqtgui-1.so"]),
        "cv2.libs/libqtgui-1.so": make_library("libqtgui-1.so", ["libqtcore-1.so", "libGL.so.1"]),
        "cv2.libs/libqtcore-1.so": make_library("libqtcore-1.so", ["libglib-2.0.so.0", "libqtgui-1.so"]),
    }
    found = read_contents(a_lock(put(store, tmp_path, "cv2", files)), store)["cv2"]
    assert found.askers == (
        ("libGL.so.1", "cv2/cv2.abi3.so"),
        ("libGL.so.1", "cv2/plugins/libqxcb.so.1"),
        ("libglib-2.0.so.0", "cv2/cv2.abi3.so"),
        ("libglib-2.0.so.0", "cv2/plugins/libqxcb.so.1"),
        ("libxcb.so.1", "cv2/plugins/libqxcb.so.1"),
    )
    assert found.needed == {"libGL.so.1", "libglib-2.0.so.0", "libxcb.so.1", "libc.so.6"}


def test_on_another_machine_other_libraries_count(store: Store, tmp_path: Path) -> None:
    files = {
        "pkg/intel.so": make_library("", ["libintel.so.1"]),
        "pkg/arm.so": make_library("", ["libarm.so.1"], machine=AARCH64),
    }
    package = put(store, tmp_path, "pkg", files)
    assert read_contents(a_lock(package), store)["pkg"].needed == {"libintel.so.1"}
    on_arm = a_lock(package, platform="manylinux_2_36_aarch64")
    assert read_contents(on_arm, store)["pkg"].needed == {"libarm.so.1"}


def test_a_damaged_wheel_is_left_out_and_read_again_next_time(store: Store, tmp_path: Path) -> None:
    good = put(store, tmp_path, "good", {"good.py": b""})
    whole = put(store, tmp_path, "cut", {"cut.so": make_library("", ["libz.so.1"], padding=5000)})
    data = store.blob("sha256:" + whole.sha256).read_bytes()
    bad = [
        locked(store, "nozip", b"no zip at all"),
        locked(store, "short", data[:-40]),
        put(store, tmp_path, "bare", {"bare.py": b""}, metadata=None),
        replace(good, name="absent", sha256="0" * 64),
    ]
    lock = a_lock(good, *bad)
    assert list(read_contents(lock, store)) == ["good"]
    assert recall_contents(lock, store) is None
    seen = Named()
    read_contents(lock, store, progress=seen)
    assert sorted(seen.names) == ["absent", "bare", "nozip", "short"]


def test_a_damaged_wheel_that_can_be_read_all_the_same_is_left_out(store: Store, tmp_path: Path) -> None:
    """What it says would be remembered as what the sound one holds."""
    package = put(store, tmp_path, "pkg", {"pkg.py": b""})
    other = put(store, tmp_path, "other", {"evil.py": b""})
    store.blob("sha256:" + package.sha256).write_bytes(store.blob("sha256:" + other.sha256).read_bytes())
    assert read_contents(a_lock(package), store) == {}
    put(store, tmp_path, "pkg", {"pkg.py": b""})
    assert read_contents(a_lock(package), store)["pkg"].modules == {"pkg"}


def test_changed_bytes_anywhere_are_a_damaged_wheel_or_none_at_all(store: Store, tmp_path: Path) -> None:
    library = make_library("libx.so.1", ["libgomp.so.1"], padding=400)
    files = {"pkg/__init__.py": b"", "pkg/core.abi3.so": library}
    sound = bytearray(store.blob("sha256:" + put(store, tmp_path, "pkg", files).sha256).read_bytes())
    package = put(store, tmp_path, "pkg", files)
    dice = random.Random(8)
    read = 0
    for _ in range(600):
        data = bytearray(sound)
        for _ in range(dice.randrange(1, 5)):
            data[dice.randrange(len(data))] = dice.choice((0, 1, 255, dice.randrange(256)))
        path = tmp_path / "damaged.whl"
        path.write_bytes(data)
        read += read_wheel(path, package, python="3.11.2", machine="x86_64") is not None
    assert 0 < read < 600


def test_an_encrypted_wheel_is_a_damaged_one(store: Store, tmp_path: Path) -> None:
    package = put(store, tmp_path, "pkg", {"pkg.py": b""})
    data = store.blob("sha256:" + package.sha256).read_bytes()
    # The flag in the directory's entry of METADATA, the last of it.
    at = data.rindex(b"PK\x01\x02") + 8
    data = data[:at] + b"\x01" + data[at + 1 :]
    assert read_contents(a_lock(locked(store, "pkg", data)), store) == {}


def test_bytes_that_cannot_be_inflated_are_a_damaged_wheel(store: Store, tmp_path: Path) -> None:
    package = put(store, tmp_path, "pkg", {"x.so": make_library("liblong.so", ["libz.so.1"], padding=3000)})
    data = bytearray(store.blob("sha256:" + package.sha256).read_bytes())
    data[34:60] = bytes(range(200, 226))
    assert read_contents(a_lock(locked(store, "pkg", bytes(data))), store) == {}


def test_what_was_read_is_remembered_for_the_lock_without_its_wheels(store: Store, tmp_path: Path) -> None:
    lock = a_lock(
        put(store, tmp_path, "one", {"one.py": b""}),
        put(store, tmp_path, "two", {"two.so": make_library("", ["libz.so.1"])}),
    )
    first = read_contents(lock, store)
    for package in lock.packages:
        store.blob("sha256:" + package.sha256).unlink()
    seen = Named()
    assert read_contents(lock, store, progress=seen) == first
    assert seen.names == []


def test_a_wheel_that_two_locks_share_is_looked_into_once(store: Store, tmp_path: Path) -> None:
    shared = put(store, tmp_path, "shared", {"shared.py": b""})
    read_contents(a_lock(shared), store)
    seen = Named()
    both = read_contents(a_lock(shared, put(store, tmp_path, "more", {"more.py": b""})), store, progress=seen)
    assert seen.names == ["more"]
    assert set(both) == {"shared", "more"}


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"modules": 1},
        {"modules": "a", "requires": [1], "needed": [], "provided": [], "askers": [], "size": 1},
        {"modules": "a", "requires": [], "needed": [], "provided": [], "askers": [], "size": -1},
        {"modules": "a", "requires": [], "needed": [], "provided": [], "askers": [], "size": float("inf")},
        {"askers": 0},
    ],
)
def test_a_remembered_value_that_is_not_what_was_written_counts_as_none(
    store: Store, tmp_path: Path, damage: dict[str, object]
) -> None:
    package = put(store, tmp_path, "pkg", {"pkg.py": b""})
    lock = a_lock(package)
    first = read_contents(lock, store)
    store.put_key(contents_module._lock_key(lock), {"wheels": {"pkg": damage}})
    store.put_key(contents_module.wheel_key(package, lock), damage)
    assert read_contents(lock, store) == first


def test_an_entry_that_lies_about_its_size_is_not_followed(store: Store, tmp_path: Path) -> None:
    """A library of zeros that inflates without end: no more of it is read than the headers ask for."""
    package = put(store, tmp_path, "pkg", {"bomb.so": bytes(64 << 20), "bomb2.so": make_library() + bytes(64 << 20)})
    assert package.size < 200_000
    assert read_contents(a_lock(package), store)["pkg"].provided == {"bomb2.so"}
    assert sha256_digest(store.read("sha256:" + package.sha256)) == "sha256:" + package.sha256


def test_a_wheel_that_was_read_when_it_came_is_not_read_again(store: Store, tmp_path: Path) -> None:
    package = put(store, tmp_path, "pkg", {"pkg/__init__.py": b""})
    damaged = locked(store, "other", b"no archive")
    lock = a_lock(package, damaged)
    read_one(package, lock, store)
    read_one(damaged, lock, store)
    looked = Named()
    found = read_contents(lock, store, progress=looked)
    assert found["pkg"].modules == {"pkg"}
    assert looked.names == ["other"]
