"""What wheels ask for is taken from what is known of them, and only where all of it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rebasebench import Bench, pushed
from rebasebench import opened as look_at
from tinyelf import make_library
from tinyimages import locked
from tinywheels import make_wheel
from writable_registry import WritableRegistry, serving

from envbuild.attesting.opened import Opened
from envbuild.built import Built
from envbuild.looking import look
from envbuild.oci.remote import parse_remote
from envbuild.oci.store import Store
from envbuild.rebasing.recorded import read_record
from envbuild.rebasing.types import Needs, Part, Recorded
from envbuild.rebasing.wheels import wheels_needs
from envbuild.resolver.contents import read_contents
from envbuild.resolver.types import Lock


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def opened(image: Built, store: Store) -> Opened:
    return look_at(image.path, store)


def recorded(lock: Lock) -> Recorded:
    rows = [[p.name, p.version, p.filename, p.sha256] for p in lock.packages]
    return Recorded(value={"lock": {"python": lock.python, "platform": lock.platform, "packages": rows}})


def needs(wheels: list[Path], opened: Opened, store: Store, *, read: bool = True) -> Needs | None:
    packages = tuple(map(locked, wheels))
    lock = Lock(packages=packages, python="3.11.2", platform="manylinux_2_36_x86_64", requirements=())
    if read:
        for wheel in wheels:
            store.put(wheel.read_bytes())
        read_contents(lock, store)
    return wheels_needs(recorded(lock), opened, None, store, insecure=False)


def test_all_wheels_are_put_together(tmp_path: Path, opened: Opened, store: Store) -> None:
    library = make_library("libown.so.1", ["libz.so.1"])
    files: dict[str, str | bytes] = {"b/b.so": make_library(needed=["libown.so.1", "libgomp.so.1"]), "b/l.so": library}
    wheels = [
        make_wheel(tmp_path, "a"),
        make_wheel(tmp_path, "b", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", files=files),
        make_wheel(tmp_path, "c", tag="cp311-cp311-manylinux_2_28_x86_64"),
    ]
    found = needs(wheels, opened, store)
    assert found is not None
    assert found.needed == {"libz.so.1": "b/l.so", "libgomp.so.1": "b/b.so"}
    assert {"libown.so.1", "l.so", "b.so"} <= found.provided
    assert (found.glibc, found.glibc_asker, found.packages) == (28, wheels[2].name, {"a", "b", "c"})


def test_a_wheel_that_nobody_read_leaves_all_open(tmp_path: Path, opened: Opened, store: Store) -> None:
    assert needs([make_wheel(tmp_path, "a")], opened, store, read=False) is None


def test_a_wheel_of_somebodys_own_machine_has_to_be_looked_into(tmp_path: Path, opened: Opened, store: Store) -> None:
    """Its name does not tell which glibc its files ask for."""
    assert needs([make_wheel(tmp_path, "a", tag="cp311-cp311-linux_x86_64")], opened, store) is None


@pytest.mark.parametrize("value", [{}, {"lock": 7}, {"lock": {"python": "3", "platform": "x", "packages": [[1]]}}])
def test_without_a_lock_nothing_is_known(value: dict[str, Any], opened: Opened, store: Store) -> None:
    assert wheels_needs(Recorded(value=value), opened, None, store, insecure=False) is None


def test_what_lies_beside_an_image_is_believed_of_that_image_alone(bench: Bench, first: str, store: Store) -> None:
    """It is the word of whoever made the image, about wheels that others have as well."""
    with serving(WritableRegistry()) as server:
        name = f"{server.address}/team/tiny:1"
        pushed(bench, first, name)
        with look(f"docker://{name}", store) as image:
            said = read_record([Part(layer=image.layers[-1], title="")], image.blobs)
            found = wheels_needs(said, image, parse_remote(name), store, insecure=False)
            assert found is not None
            assert {"libgomp.so.1", "libz.so.1"} <= found.needed.keys()
            assert wheels_needs(said, image, None, store, insecure=False) is None
