"""Layers laid over each other in one tar give the tree that an engine would show."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases.flatten import flat_layer
from envbuild.bases.types import Base, Interpreter
from envbuild.errors import BaseImageError, CorruptBlobError
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_GZIP, Layer

Member = tuple[str, Any]
Flatten = Callable[..., dict[str, tarfile.TarInfo]]


def info(kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    found = tarfile.TarInfo()
    found.type = kind
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def link(target: str) -> tarfile.TarInfo:
    return info(tarfile.SYMTYPE, linkname=target)


def hard(target: str) -> tarfile.TarInfo:
    return info(tarfile.LNKTYPE, linkname=target)


def layer_of(store: Store, members: Sequence[Member], *, packed: bool = False) -> Layer:
    """bytes: a file; None: a folder; else a header, with its content after it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, what in members:
            header, content = (what, b"") if isinstance(what, tarfile.TarInfo) else (info(), what or b"")
            if what is None:
                header = info(tarfile.DIRTYPE, mode=0o755)
            header.name, header.size = path, len(content)
            tar.addfile(header, io.BytesIO(content))
    plain = out.getvalue()
    diff_id = store.put(plain)
    if not packed:
        return Layer(diff_id=diff_id, digest=diff_id, size=len(plain))
    blob = gzip.compress(plain)
    return Layer(diff_id=diff_id, digest=store.put(blob), size=len(blob), media_type=LAYER_GZIP)


def base_of(*layers: Layer, assembled: bool = False) -> Base:
    return Base(
        name="oci:somewhere",
        digest="sha256:" + "0" * 64,
        architecture="amd64",
        interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
        glibc="2.36",
        layers=layers,
        config={},
        assembled=assembled,
    )


class Flat:
    """The one tar: headers by path, in order, and contents with hard links followed."""

    def __init__(self, store: Store, layer: Layer) -> None:
        self.headers: dict[str, tarfile.TarInfo] = {}
        self.contents: dict[str, bytes] = {}
        with tarfile.open(fileobj=io.BytesIO(store.read(layer.digest)), mode="r:") as tar:
            for member in tar:
                assert member.name not in self.headers
                parent = member.name.rpartition("/")[0]
                assert not parent or self.headers[parent].isdir()
                self.headers[member.name] = member
                if member.isreg() or member.islnk():
                    content = tar.extractfile(member)  # fails for a hard link that comes before its target
                    assert content is not None
                    self.contents[member.name] = content.read()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def flatten(store: Store) -> Callable[..., Flat]:
    def flat(*layers: Sequence[Member], packed: bool = False) -> Flat:
        return Flat(store, flat_layer(base_of(*(layer_of(store, m, packed=packed) for m in layers)), store))

    return flat


@pytest.mark.parametrize("packed", [False, True])
def test_upper_files_replace_lower_ones_and_whiteouts_remove(flatten: Callable[..., Flat], packed: bool) -> None:
    flat = flatten(
        [("etc", None), ("etc/a", b"1"), ("etc/b", b"1"), ("etc/c", b"1"), ("srv/x/y", b"1"), ("srv/x/z", b"1")],
        [("etc/b", b"2"), ("etc/.wh.c", b""), ("srv/x/.wh..wh..opq", b""), ("srv/x/new", b"2")],
        packed=packed,
    )
    assert flat.contents == {"etc/a": b"1", "etc/b": b"2", "srv/x/new": b"2"}
    assert not [name for name in flat.headers if ".wh." in name]


def test_a_whiteout_spares_what_its_own_layer_has(flatten: Callable[..., Flat]) -> None:
    lower = [("d/old", b"1"), ("e/old", b"1"), ("f", b"1")]
    upper = [("d/new", b"2"), (".wh.d", b""), ("e/new", b"2"), ("e/.wh..wh..opq", b""), ("f", b"2"), (".wh.f", b"")]
    assert flatten(lower, upper).contents == {"d/new": b"2", "e/new": b"2", "f": b"2"}


def test_a_file_in_the_place_of_a_folder_and_the_other_way_round(flatten: Callable[..., Flat]) -> None:
    flat = flatten([("a/b", b"1"), ("c", b"1")], [("a", b"2"), ("c", None), ("c/d", b"2")])
    assert flat.contents == {"a": b"2", "c/d": b"2"}
    assert flat.headers["c"].isdir()


def test_hard_links_keep_their_content_when_a_name_is_replaced_or_removed(flatten: Callable[..., Flat]) -> None:
    flat = flatten(
        [("bin/one", b"same"), ("bin/two", hard("bin/one")), ("a", hard("bin/one")), ("gone", hard("bin/one"))],
        [("bin/one", b"other"), (".wh.gone", b""), ("later", hard("./bin/two"))],
    )
    assert flat.contents == {"bin/one": b"other", "bin/two": b"same", "a": b"same", "later": b"same"}
    linked = [name for name, header in flat.headers.items() if header.islnk()]
    assert sorted([*linked, "a"]) == ["a", "bin/two", "later"]


def test_owners_modes_times_devices_and_attributes_stay(flatten: Callable[..., Flat]) -> None:
    capability = {"SCHILY.xattr.security.capability": "cap"}
    flat = flatten(
        [
            ("home", info(tarfile.DIRTYPE, mode=0o1777, uid=3, gid=4, mtime=77)),
            ("home/ping", info(mode=0o4755, uid=1000, gid=50, mtime=99, pax_headers=capability)),
            ("dev/null", info(tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)),
            ("name" * 40, info(mode=0o600)),
            ("sh", link("../bin/bash")),
        ],
        [("home", info(tarfile.DIRTYPE, mode=0o700, uid=5, mtime=78))],
    )
    ping, home, null = (flat.headers[name] for name in ("home/ping", "home", "dev/null"))
    assert (ping.mode, ping.uid, ping.gid, ping.mtime) == (0o4755, 1000, 50, 99)
    assert ping.pax_headers == capability
    assert (home.mode, home.uid, home.mtime) == (0o700, 5, 78)
    assert (null.ischr(), null.devmajor, null.devminor) == (True, 1, 3)
    assert flat.headers["name" * 40].mode == 0o600
    assert flat.headers["sh"].linkname == "../bin/bash"
    assert flat.headers["dev"].mode == 0o755


def test_a_path_through_a_linked_folder_stays_behind_the_link(flatten: Callable[..., Flat]) -> None:
    flat = flatten([("usr/lib/a", b"1"), ("lib", link("/usr/lib"))], [("lib/b", b"2"), ("lib/.wh.a", b"")])
    assert flat.contents == {"usr/lib/b": b"2"}
    assert flat.headers["lib"].issym()


def test_it_is_remembered_and_the_same_each_time(store: Store) -> None:
    base = base_of(layer_of(store, [("a", b"1")]), layer_of(store, [("b", b"2")]))
    first = flat_layer(base, store)
    for layer in base.layers:
        store.blob(layer.digest).unlink()
    assert flat_layer(base, store) == first
    other = Store(store.root.parent / "other")
    again = base_of(layer_of(other, [("a", b"1")]), layer_of(other, [("b", b"2")], packed=True))
    assert flat_layer(again, other) == first


def test_the_one_plain_layer_of_an_assembled_base_is_taken_as_it_is(store: Store) -> None:
    layer = layer_of(store, [("a", b"1")])
    assert flat_layer(base_of(layer, assembled=True), store) == layer


@pytest.mark.parametrize(
    "members",
    [
        [("../a", b"")],
        [("a", hard("nothing"))],
        [("a", hard("../../etc/passwd"))],
        [("x", link("y")), ("y", link("x")), ("x/a", b"")],
    ],
)
def test_what_makes_no_tree_is_refused(store: Store, members: Sequence[Member]) -> None:
    with pytest.raises(BaseImageError):
        flat_layer(base_of(layer_of(store, members)), store)


def test_a_damaged_layer_is_refused(store: Store) -> None:
    layer = layer_of(store, [("a", b"1")])
    path = store.blob(layer.digest)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptBlobError):
        flat_layer(base_of(layer), store)
