"""Layers of a registry that are made to exhaust or to mislead whoever reads them: each ends in words, soon."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from faulty_registry import OCI, PYTHON, FaultyRegistry, serving, tar_of

from envbuild.attesting.layers import in_store, read_layer
from envbuild.bases import open_base, tree
from envbuild.bases.flatten import flat_layer
from envbuild.bases.types import Base
from envbuild.bases.unpack import entries, open_layer, unpack_layer
from envbuild.errors import BaseImageError, CorruptBlobError, EnvbuildError
from envbuild.oci import inflate, untrusted
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_TAR, Layer

Member = tuple[str, bytes, str]  # name, type, target or content


@pytest.fixture(autouse=True)
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "ENVBUILD_REGISTRY_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    with serving(FaultyRegistry()) as running:
        yield running


def serve(registry: FaultyRegistry, *layers: tuple[bytes, bytes, str]) -> None:
    """An image with a Python and these layers over it: as they are stored, their plain tars, and their type."""
    python = tar_of(PYTHON)
    whole = [(gzip.compress(python, mtime=0), python, "layer.v1.tar+gzip"), *layers]
    config = canonical_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin", "PYTHON_VERSION=3.12.7"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256_digest(plain) for _, plain, _ in whole]},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI + "manifest.v1+json",
        "config": registry.put(config, OCI + "config.v1+json"),
        "layers": [registry.put(packed, OCI + kind) for packed, _, kind in whole],
    }
    registry.add_manifest(manifest, OCI + "manifest.v1+json", "1")


def plain_layer(*members: Member) -> tuple[bytes, bytes, str]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, rest in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            content = rest.encode() if kind == tarfile.REGTYPE else b""
            info.size, info.linkname = len(content), "" if content else rest
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue(), out.getvalue(), "layer.v1.tar"


def opened(registry: FaultyRegistry, store: Store) -> Base:
    return open_base(f"{registry.address}/team/base:1", store)


def remembered(store: Store) -> list[str]:
    return [text for path in store.key_files() if "base-image" in (text := path.read_text())]


def test_a_damaged_layer_that_was_looked_into_before_is_told_as_such(registry: FaultyRegistry, store: Store) -> None:
    """What it unpacks to is remembered, so that nobody inflates it again before its files are read."""
    serve(registry)
    base = opened(registry, store)
    blob = store.blob(base.layers[0].digest)
    data = bytearray(blob.read_bytes())
    data[60:90] = bytes(30)
    blob.write_bytes(bytes(data))
    for path in store.key_files():
        if "base-image" in path.read_text():
            path.unlink()
    with pytest.raises(CorruptBlobError):
        opened(registry, store)
    assert remembered(store) == []


def test_what_only_claims_to_be_compressed_well_is_refused_in_words(registry: FaultyRegistry, store: Store) -> None:
    """A layer that is called a plain tar, so that nobody has inflated it yet, and is no gzip stream behind its head."""
    broken = gzip.compress(tar_of({"file": bytes(range(256)) * 400}), mtime=0)
    broken = broken[:200] + bytes(100) + broken[300:]
    serve(registry, (broken, broken, "layer.v1.tar"))
    with pytest.raises(BaseImageError, match="no readable tar"):
        opened(registry, store)
    assert remembered(store) == []


def zeros(size: int) -> bytes:
    compressor = zstandard.ZstdCompressor().compressobj()
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)) + compressor.flush()


@pytest.mark.parametrize("kind", ["layer.v1.tar+gzip", "layer.v1.tar+zstd", "layer.v1.tar"])
def test_a_layer_that_unpacks_to_far_more_than_it_is_has_an_end(
    registry: FaultyRegistry, store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflate, "FREE", 2 << 20)
    head = _header("zeros", 16 << 20)
    packed = gzip.compress(head + bytes(16 << 20)) if "gzip" in kind else zstandard.compress(head) + zeros(16 << 20)
    serve(registry, (packed, packed if kind == "layer.v1.tar" else b"", kind))
    with pytest.raises(BaseImageError, match="unpacks to more than"):
        opened(registry, store)
    assert remembered(store) == []


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_without_end_is_not_taken_into_memory(registry: FaultyRegistry, store: Store, kind: bytes) -> None:
    size = 24 << 20
    plain = _header("long", size, kind) + bytes(size) + _header("file", 0) + bytes(1024)
    serve(registry, (gzip.compress(plain, 1), plain, "layer.v1.tar+gzip"))
    tracemalloc.start()
    try:
        with pytest.raises(BaseImageError, match=f"a header of {size} bytes"):
            opened(registry, store)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_entries_are_not_kept_while_they_are_read(store: Store) -> None:
    plain = _header("same", 0) * 1_500 + bytes(1024)
    digest = store.put(plain)
    layer = Layer(diff_id=digest, digest=digest, size=len(plain))
    tracemalloc.start()
    try:
        with open_layer(store, layer) as tar:
            before = tracemalloc.get_traced_memory()[0]
            assert sum(1 for _ in entries(tar, layer)) == 1_500
            assert tracemalloc.get_traced_memory()[0] - before < 256 << 10
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("x" * 5000, tarfile.REGTYPE, "")], "a path of 5000 bytes"),
        ([("x", tarfile.SYMTYPE, "y" * 5000)], "a path of 5000 bytes"),
        ([("a/" * 300 + "b", tarfile.REGTYPE, "")], "300 folders deep"),
        ([("../../etc/passwd", tarfile.REGTYPE, "x")], "leaves the image"),
        ([("usr/../../etc/passwd", tarfile.REGTYPE, "x")], "leaves the image"),
        ([("/../etc/passwd", tarfile.SYMTYPE, "/")], "leaves the image"),
    ],
)
def test_names_that_no_image_has_are_refused(
    registry: FaultyRegistry, store: Store, members: list[Member], says: str
) -> None:
    serve(registry, plain_layer(*members))
    with pytest.raises(BaseImageError, match=says):
        opened(registry, store)
    assert remembered(store) == []


@pytest.mark.parametrize(("bound", "value"), [("MOST_ENTRIES", 50), ("MOST_NAMES", 500)])
def test_entries_and_their_names_have_an_end(
    registry: FaultyRegistry, store: Store, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(untrusted, bound, value)
    serve(registry, plain_layer(*((f"some/file-{number}", tarfile.REGTYPE, "") for number in range(60))))
    with pytest.raises(BaseImageError, match="more than"):
        opened(registry, store)


def test_layers_together_have_an_end_too(
    registry: FaultyRegistry, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = ("var/lib/dpkg/status.d/a", tarfile.REGTYPE, "x" * 600)
    other = ("var/lib/dpkg/status.d/b", tarfile.REGTYPE, "x" * 600)
    serve(registry, plain_layer(status), plain_layer(other))
    monkeypatch.setattr(tree, "_MOST_TEXT", 1000)
    with pytest.raises(BaseImageError, match="bytes of package lists"):
        opened(registry, store)
    monkeypatch.setattr(tree, "_MOST_TEXT", 2000)
    monkeypatch.setattr(tree, "_ENTRIES", 15)
    with pytest.raises(BaseImageError, match="more than 15 entries"):
        opened(registry, store)


def test_a_sparse_file_whose_map_has_no_end_is_refused(registry: FaultyRegistry, store: Store) -> None:
    head = bytearray(_header("sparse", 512, tarfile.GNUTYPE_SPARSE))
    head[482] = 1  # the map goes on in the next block, and the next
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    entry = b"00000000001\0" * 42 + b"\1" + bytes(7)
    plain = bytes(head) + entry * 4000
    serve(registry, (plain, plain, "layer.v1.tar"))
    with pytest.raises(BaseImageError, match="a sparse file"):
        opened(registry, store)


def pax_layer(**headers: str) -> tuple[bytes, bytes, str]:
    """A file of one byte, of which a header says more."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("file")
        info.size, info.pax_headers = 1, headers
        tar.addfile(info, io.BytesIO(b"x"))
    return out.getvalue(), out.getvalue(), "layer.v1.tar"


@pytest.mark.parametrize(
    "headers",
    [
        {"size": "99999999999999999999999"},
        {"size": "-5"},
        {"mtime": "nan"},
        {"mtime": "1e999"},
        {"GNU.sparse.map": "0,x"},
        {"GNU.sparse.map": "5,1", "GNU.sparse.size": "9" * 20},
        {"GNU.sparse.size": ""},
        {"path": "a\0b"},
        {"linkpath": "d/" * 3000},
        {"path": "n" * 300},
    ],
)
def test_numbers_and_names_that_make_no_sense_are_refused(
    registry: FaultyRegistry, store: Store, headers: dict[str, str]
) -> None:
    serve(registry, pax_layer(**headers))
    with pytest.raises(BaseImageError, match=r"the image has|makes no sense|that is none|longer than|no readable tar"):
        opened(registry, store)


LOOKS: list[Callable[[Store, Layer], object]] = [
    lambda store, layer: tree.read_tree(store, [layer]),
    lambda store, layer: read_layer(in_store(store), layer, keep=lambda _: False, hashed=lambda _: False),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("damage", [b"usr/li\0", b"usr/../"])
def test_damage_that_makes_a_name_senseless_is_told_as_damage(
    store: Store, damage: bytes, look: Callable[[Store, Layer], object]
) -> None:
    """What an extended header says has no checksum, and is read long before the hash of a large layer is known."""
    entry = pax_layer(path="usr/lib/" + "d" * 200)[0][: 4 * 512]  # two headers with their contents
    whole = entry + _header("large", 3 << 20) + bytes(range(256)) * (3 << 12) + bytes(1024)
    digest = store.put(whole)
    layer = Layer(diff_id=digest, digest=digest, size=len(whole))
    look(store, layer)
    assert whole.count(b"usr/lib/") == 1
    store.blob(digest).write_bytes(whole.replace(b"usr/lib", damage))
    with pytest.raises(CorruptBlobError):
        look(store, layer)


TRICKS: list[list[Member]] = [
    [("up", tarfile.SYMTYPE, "../../../.."), ("up/escaped", tarfile.REGTYPE, "x")],
    [("abs", tarfile.SYMTYPE, "/"), ("abs/escaped", tarfile.REGTYPE, "x")],
    [("hard", tarfile.LNKTYPE, "../../outside")],
    [("hard", tarfile.LNKTYPE, "/etc/passwd")],
    [("a", tarfile.SYMTYPE, "b"), ("b", tarfile.SYMTYPE, "a"), ("a/escaped", tarfile.REGTYPE, "x")],
    [("link", tarfile.SYMTYPE, "../outside"), ("hard", tarfile.LNKTYPE, "link"), ("hard", tarfile.REGTYPE, "x")],
    [(".wh...", tarfile.REGTYPE, "")],
    [("usr/.wh..", tarfile.REGTYPE, "")],
]


def unpacked(base: Base, store: Store, folder: Path) -> None:
    for layer in base.layers:
        unpack_layer(store, layer, folder)


def flattened(base: Base, store: Store, folder: Path) -> None:
    flat_layer(base, store)


def looked_at(base: Base, store: Store, folder: Path) -> None:
    for layer in base.layers:
        read_layer(in_store(store), layer, keep=lambda _: True, hashed=lambda _: True)


@pytest.mark.parametrize("use", [unpacked, flattened, looked_at])
@pytest.mark.parametrize("members", TRICKS)
def test_links_and_whiteouts_of_a_layer_reach_nothing_outside(
    registry: FaultyRegistry,
    store: Store,
    tmp_path: Path,
    members: list[Member],
    use: Callable[[Base, Store, Path], Any],
) -> None:
    (tmp_path / "outside").write_text("mine")
    root = tmp_path / "a" / "root"
    root.mkdir(parents=True)
    serve(registry, plain_layer(*members))
    try:
        use(opened(registry, store), store, root)
    except EnvbuildError as error:
        assert error.message
    assert (tmp_path / "outside").read_text() == "mine"
    outside = [path for path in tmp_path.rglob("escaped") if root not in path.parents]
    assert outside == []
    for path in root.rglob("*"):
        if path.is_file():
            assert path.resolve().is_relative_to(root)


@pytest.mark.parametrize(
    ("target", "leads"),
    [("../../../x", "x"), ("../../../../../x", "x"), ("/a/b/x", "a/b/x"), ("x", "x"), ("../x", "x")],
)
def test_a_second_name_of_a_link_leads_where_it_would_in_the_image(
    store: Store, tmp_path: Path, target: str, leads: str
) -> None:
    """A link's target counts from the folder of whichever name it is found by, and from the root at most."""
    content, _, _ = plain_layer(("a/b/c/l", tarfile.SYMTYPE, target), ("h", tarfile.LNKTYPE, "a/b/c/l"))
    root = tmp_path / "root"
    root.mkdir()
    digest = store.put(content)
    unpack_layer(store, Layer(diff_id=digest, digest=digest, size=len(content)), root)
    assert (root / "h").is_symlink()
    assert (root / "h").resolve() == root / leads


def test_a_layer_that_is_looked_at_has_the_same_bounds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "FREE", 2 << 20)
    packed = zstandard.compress(_header("zeros", 16 << 20)) + zeros(16 << 20)
    digest = store.put(packed)
    layer = Layer(diff_id="sha256:" + "0" * 64, digest=digest, size=len(packed), media_type=LAYER_TAR)
    with pytest.raises(BaseImageError, match="unpacks to more than"):
        read_layer(in_store(store), layer, keep=lambda _: False, hashed=lambda _: False)
    long = _header("long", 5 << 20, tarfile.XHDTYPE) + bytes(5 << 20)
    digest = store.put(long)
    layer = Layer(diff_id=digest, digest=digest, size=len(long))
    with pytest.raises(BaseImageError, match="a header of"):
        read_layer(in_store(store), layer, keep=lambda _: False, hashed=lambda _: False)
