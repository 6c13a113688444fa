"""What layers ask of a base is read from their files, and once."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tinyelf import AARCH64, make_library
from tinyimages import put_layer, tar_of

from envbuild.attesting.layers import in_store
from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.store import Store
from envbuild.oci.symbols import needed_versions
from envbuild.oci.types import Layer
from envbuild.rebasing.needs import needs_of
from envbuild.rebasing.types import Needs, Part

SITE = "opt/envbuild/lib/python3.11/site-packages"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def needs(store: Store, *layers: tuple[str, dict[str, str | bytes]]) -> Needs:
    parts = [Part(layer=put_layer(store, tar_of(files)), title=title) for title, files in layers]
    return needs_of(parts, in_store(store), store, "amd64")


def wheel(tags: str, name: str = "Some_Thing") -> dict[str, str | bytes]:
    lines = "".join(f"Tag: cp311-cp311-{tag}\n" for tag in tags.split())
    return {f"{SITE}/{name}-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\n{lines}"}


def test_what_files_ask_for_and_bring(store: Store) -> None:
    files: dict[str, str | bytes] = {
        f"{SITE}/a/x.so": make_library(needed=["libown.so.1", "libz.so.1"]),
        f"{SITE}/a.libs/libown-1234.so.1": make_library("libown.so.1", ["libgomp.so.1"]),
        f"{SITE}/a/arm.so": make_library(needed=["libarm.so"], machine=AARCH64),
        f"{SITE}/a/musl.so": make_library(needed=["libc.musl-x86_64.so.1", "libmusl.so"]),
        f"{SITE}/a/damaged.so": b"\x7fELF" + bytes(100),
        f"{SITE}/a/text.so": "no library at all, and long enough to be looked into for one, as it goes",
        "opt/envbuild/bin/tool": make_library(needed=["libtool.so.1"]),
    }
    found = needs(store, ("wheels", files), ("server x", {}))
    assert found.needed.keys() == {"libown.so.1", "libz.so.1", "libgomp.so.1", "libtool.so.1"}
    assert found.needed["libz.so.1"] == f"/{SITE}/a/x.so"
    assert {"libown.so.1", "libown-1234.so.1", "x.so"} <= found.provided
    assert (found.glibc, found.packages) == (0, frozenset())


@pytest.mark.parametrize(
    ("tags", "glibc"),
    [
        ("manylinux_2_28_x86_64", 28),
        ("manylinux_2_17_x86_64 manylinux2014_x86_64", 17),
        ("manylinux_2_28_aarch64", 0),
        ("manylinux_2_28_x86_64 linux_x86_64", 0),
        ("any", 0),
        ("nonsense", 0),
    ],
)
def test_tags_tell_the_oldest_glibc(store: Store, tags: str, glibc: int) -> None:
    found = needs(store, ("wheels", wheel(tags)), ("server x", {}))
    assert (found.glibc, found.packages) == (glibc, {"some-thing"})
    assert bool(found.glibc_asker) == bool(glibc)


def test_symbols_tell_of_glibc_where_tags_do_not(store: Store) -> None:
    """A wheel that was built on somebody's own machine."""
    program = Path(sys.executable).resolve()
    with program.open("rb") as file:
        names = [name for names in needed_versions(file).values() for name in names]
    newest = max(int(name.split(".")[1]) for name in names if name.startswith("GLIBC_2."))
    files: dict[str, str | bytes] = {**wheel("linux_x86_64"), f"{SITE}/a/x.so": program.read_bytes()}
    found = needs(store, ("wheels", files), ("server x", {}))
    # An old program is linked to a fixed place, and says so: then it is none that can be moved.
    assert found.glibc in (newest, 0)
    assert found.glibc == newest or not found.needed


def test_which_layers_are_read(store: Store) -> None:
    titles = ["numpy 2", "server x", "bytecode (startup)", "scoring script a.py", "weights.bin", "lib/own.so", "model"]
    layers = [(title, {f"{n}/x.so": make_library(needed=[f"lib{n}.so"])}) for n, title in enumerate([*titles, "what"])]
    found = needs(store, *[(title, dict(files)) for title, files in layers])
    assert found.needed.keys() == {"lib0.so", "lib1.so", "lib3.so", "lib5.so", "lib6.so"}


def test_a_layer_is_read_once(store: Store) -> None:
    part = Part(layer=put_layer(store, tar_of({"a/x.so": make_library(needed=["libz.so.1"])})), title="wheels")
    server = Part(layer=put_layer(store, tar_of({"b": "b"})), title="server x")
    first = needs_of([part, server], in_store(store), store, "amd64")

    def none(layer: Layer) -> Iterator[bytes]:
        raise AssertionError(f"{layer.digest} is read again")

    assert needs_of([part, server], none, store, "amd64") == first


def test_what_another_tar_holds_is_not_remembered_of_a_layer(store: Store) -> None:
    """An image may say of any blob that it is some well-known layer: nothing of it is believed later."""
    part = Part(layer=put_layer(store, tar_of({"a/x.so": make_library(needed=["libz.so.1"])})), title="wheels")
    server = Part(layer=put_layer(store, tar_of({"b": "b"})), title="server x")
    empty = put_layer(store, tar_of({}))
    forged = replace(part, layer=replace(empty, diff_id=part.layer.diff_id))

    def blobs(layer: Layer) -> Iterator[bytes]:
        yield tar_of({}) if layer.digest == empty.digest else b"".join(in_store(store)(layer))

    with pytest.raises(IntegrityError, match="unpacks to"):
        needs_of([forged, server], blobs, store, "amd64")
    assert needs_of([part, server], blobs, store, "amd64").needed.keys() == {"libz.so.1"}


@pytest.mark.parametrize("headers", [{"GNU.sparse.map": "a,b"}, {"comment": "x" * (2 << 20)}], ids=["map", "endless"])
def test_headers_that_make_no_sense_are_refused(store: Store, headers: dict[str, str]) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("file")
        info.size, info.pax_headers = 1, headers
        tar.addfile(info, io.BytesIO(b"x"))
    part = Part(layer=put_layer(store, out.getvalue()), title="server x")
    with pytest.raises(BaseImageError, match=r"makes no sense|has a header of"):
        needs_of([part], in_store(store), store, "amd64")
