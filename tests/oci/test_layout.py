from __future__ import annotations

import json
import stat
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from iocounts import io_counts

from envbuild.errors import CorruptBlobError, UsageError
from envbuild.oci.image import finish_image
from envbuild.oci.layer import build_layer
from envbuild.oci.layout import write_layout
from envbuild.oci.reading import read_oci_layout
from envbuild.oci.store import Store
from envbuild.oci.types import Image

AMD64 = "linux/amd64"


def make_image(store: Store, model: bytes) -> Image:
    lib = build_layer(store, lambda tar: tar.data("opt/lib", b"l" * 50_000))
    top = build_layer(store, lambda tar: tar.data("opt/model", model))
    return finish_image(
        base_config={},
        base_layers=(),
        layers=[(lib, "lib"), (top, "model")],
        config={"architecture": "amd64", "os": "linux", "config": {}},
        annotations={},
        created="1980-01-01T00:00:00Z",
    )


def index(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((path / "index.json").read_bytes())["manifests"]
    return entries


def test_a_new_layout_holds_the_image_under_its_tag(store: Store, tmp_path: Path) -> None:
    image, target = make_image(store, b"1"), tmp_path / "layout"

    write_layout(image, ["m:1"], store, target)

    assert [entry["digest"] for entry in index(target)] == [image.manifest_digest]
    assert (target / "blobs/sha256" / image.config_digest[7:]).read_bytes() == image.config
    stored = read_oci_layout(target, Store(tmp_path / "other"), platform=AMD64)
    assert stored.layers == image.layers
    assert stored.reference == "docker.io/library/m:1"


def test_a_layout_that_is_there_gains_the_image_and_keeps_the_others(store: Store, tmp_path: Path) -> None:
    one, two, three, target = *(make_image(store, model) for model in (b"1", b"2", b"3")), tmp_path / "layout"
    target.mkdir()
    write_layout(one, ["m:1"], store, target)
    write_layout(two, ["m:2"], store, target)
    (target / "index.json").write_text(
        json.dumps({**json.loads((target / "index.json").read_text()), "annotations": {"of": "somebody"}})
    )

    write_layout(three, ["m:1"], store, target)

    assert {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in index(target)} == {
        "1": three.manifest_digest,
        "2": two.manifest_digest,
    }
    assert json.loads((target / "index.json").read_bytes())["annotations"] == {"of": "somebody"}


def test_writing_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    image, target = make_image(store, b"1"), tmp_path / "layout"
    for references in (["m:1", "m:2"], []):
        write_layout(image, references, store, target)
        before = (target / "index.json").read_bytes()
        write_layout(image, references, store, target)
        assert (target / "index.json").read_bytes() == before


def test_an_empty_folder_that_is_there_is_filled_and_stays_what_it_is(store: Store, tmp_path: Path) -> None:
    """It may be a mount point, or stand where only its owner may not write."""
    image, target = make_image(store, b"1"), tmp_path / "out"
    target.mkdir(mode=0o750)
    before = target.stat()

    write_layout(image, ["m:1"], store, target)

    after = target.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert [path.name for path in tmp_path.iterdir() if path != store.root] == ["out"]
    assert sorted(path.name for path in target.iterdir()) == ["blobs", "index.json", "oci-layout"]
    assert read_oci_layout(target, Store(tmp_path / "other"), platform=AMD64).layers == image.layers


def test_a_failed_write_leaves_an_empty_folder_empty(store: Store, tmp_path: Path) -> None:
    image, target = make_image(store, b"1"), tmp_path / "out"
    target.mkdir()
    whole = store.blob(image.layers[1].digest).read_bytes()
    store.blob(image.layers[1].digest).write_bytes(b"damaged")
    with pytest.raises(CorruptBlobError):
        write_layout(image, ["m"], store, target)
    assert not list(target.iterdir())

    store.blob(image.layers[1].digest).write_bytes(whole)
    write_layout(image, ["m"], store, target)
    assert [entry["digest"] for entry in index(target)] == [image.manifest_digest]


def test_what_a_killed_run_left_in_a_folder_is_completed(store: Store, tmp_path: Path) -> None:
    image, target = make_image(store, b"1"), tmp_path / "out"
    target.mkdir()
    write_layout(image, ["m:1"], store, target)
    (target / "index.json").unlink()
    (target / "blobs/sha256" / image.layers[0].digest[7:]).unlink()

    write_layout(image, ["m:1"], store, target)

    assert read_oci_layout(target, Store(tmp_path / "other"), platform=AMD64).layers == image.layers


def test_another_image_does_not_lose_its_tag(store: Store, tmp_path: Path) -> None:
    one, target = make_image(store, b"1"), tmp_path / "layout"
    write_layout(one, ["first"], store, target)

    with pytest.raises(UsageError, match=r"docker\.io/library/first:latest"):
        write_layout(make_image(store, b"2"), ["second"], store, target)
    assert [entry["digest"] for entry in index(target)] == [one.manifest_digest]


def test_a_damaged_blob_of_the_layout_is_put_right(store: Store, tmp_path: Path) -> None:
    image, target = make_image(store, b"1"), tmp_path / "layout"
    write_layout(image, ["m"], store, target)
    blob = target / "blobs/sha256" / image.layers[0].digest[7:]
    good = blob.read_bytes()
    blob.write_bytes(b"!" + good[1:])

    write_layout(image, ["m"], store, target)

    assert blob.read_bytes() == good


@pytest.mark.parametrize("what", ["notes.txt", "index.json", "oci-layout"])
def test_a_folder_that_is_no_layout_is_left_alone(store: Store, tmp_path: Path, what: str) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / what).write_text("[]")

    with pytest.raises(UsageError, match="no OCI layout"):
        write_layout(make_image(store, b"1"), ["m"], store, target)
    assert [path.name for path in target.iterdir()] == [what]


def test_a_file_or_a_missing_parent_is_a_usage_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "no" / "layout"):
        with pytest.raises(UsageError):
            write_layout(make_image(store, b"1"), ["m"], store, place)


def test_a_failed_write_leaves_no_half_layout(store: Store, tmp_path: Path) -> None:
    image, out = make_image(store, b"1"), tmp_path / "out"
    out.mkdir()
    store.blob(image.layers[1].digest).write_bytes(b"damaged")

    with pytest.raises(CorruptBlobError):
        write_layout(image, ["m"], store, out / "layout")
    assert not list(out.iterdir())


def test_images_added_at_once_are_all_kept(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "layout"
    images = [make_image(store, b"%d" % number) for number in range(8)]
    write_layout(images[0], ["m:0"], store, target)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_layout(images[n], [f"m:{n}"], store, target), range(8)))

    assert {entry["digest"] for entry in index(target)} == {image.manifest_digest for image in images}


@pytest.mark.parametrize("there", [False, True])
def test_images_that_are_first_at_once_are_all_kept(store: Store, tmp_path: Path, there: bool) -> None:
    images = [make_image(store, b"%d" % number) for number in range(4)]
    for number in range(4):
        target = tmp_path / f"layout-{number}"
        if there:
            target.mkdir()
        gate = Barrier(4)

        def write(n: int, target: Path = target, gate: Barrier = gate) -> None:
            gate.wait(10)
            write_layout(images[n], [f"m:{n}"], store, target)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        assert {entry["digest"] for entry in index(target)} == {image.manifest_digest for image in images}


DEEP = '{"a":' * 100_000


@pytest.mark.parametrize(
    "notes",
    ['["x"]', '"x"', "7", '{"org.opencontainers.image.ref.name": ["1"], "io.containerd.image.name": {}}'],
)
def test_odd_entries_of_somebody_are_kept(store: Store, tmp_path: Path, notes: str) -> None:
    one, target = make_image(store, b"1"), tmp_path / "layout"
    write_layout(one, ["m:1"], store, target)
    odd = json.loads(f'{{"annotations": {notes}, "digest": "sha256:{"0" * 64}", "size": 2}}')
    content = json.loads((target / "index.json").read_text())
    (target / "index.json").write_text(json.dumps({**content, "manifests": [odd, "odd", *content["manifests"]]}))

    write_layout(make_image(store, b"2"), ["m:1"], store, target)

    assert json.loads((target / "index.json").read_text())["manifests"][:2] == [odd, "odd"]
    assert len(json.loads((target / "index.json").read_text())["manifests"]) == 3


@pytest.mark.parametrize(
    "entry",
    [DEEP, '{"digest": "\\ud800"}', '{"size": ' + "9" * 5000 + "}", '{"a":' * 900 + "1" + "}" * 900],
    ids=["deep", "surrogate", "number", "nearly-deep"],
)
def test_an_index_that_cannot_be_read_or_written_again_is_told_in_words(
    store: Store, tmp_path: Path, entry: str
) -> None:
    target = tmp_path / "layout"
    write_layout(make_image(store, b"1"), ["m:1"], store, target)
    (target / "index.json").write_text(f'{{"manifests": [{entry}]}}')
    with suppress(UsageError):
        write_layout(make_image(store, b"2"), ["m:1"], store, target)
        assert len(json.loads((target / "index.json").read_text())["manifests"]) == 2


@pytest.mark.registry
def test_skopeo_inspects_and_copies_the_layout(store: Store, tmp_path: Path) -> None:
    target, copied = tmp_path / "layout", tmp_path / "copy"
    write_layout(make_image(store, b"0"), ["m:0"], store, target)
    image = make_image(store, b"1")
    write_layout(image, ["m:1"], store, target)

    shown = subprocess.run(["skopeo", "inspect", f"oci:{target}:1"], capture_output=True, check=True, text=True)
    subprocess.run(["skopeo", "copy", "--quiet", f"oci:{target}:1", f"dir:{copied}"], check=True)

    assert json.loads(shown.stdout)["Digest"] == image.manifest_digest
    assert (copied / "manifest.json").read_bytes() == image.manifest


def large_image(store: Store) -> Image:
    return make_image(store, bytes(range(256)) * 20_000)


def test_a_large_blob_is_written_no_second_time_and_read_no_more(store: Store, tmp_path: Path) -> None:
    image, target = large_image(store), tmp_path / "layout"
    layer = image.layers[-1]
    before = io_counts()
    write_layout(image, ["m:1"], store, target)
    write_layout(image, ["m:1"], store, target)
    read, written = (now - then for now, then in zip(io_counts(), before, strict=True))
    assert read < layer.size / 4
    assert written < layer.size / 4
    blob = target / "blobs/sha256" / layer.digest[7:]
    assert blob.read_bytes() == store.blob(layer.digest).read_bytes()
    if blob.samefile(store.blob(layer.digest)):  # no clone
        assert stat.S_IMODE(blob.stat().st_mode) & 0o222 == 0
    assert not list(target.rglob("*.tmp"))


def test_a_layout_on_another_disk_has_a_copy(store: Store) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == store.root.parent.stat().st_dev:
        pytest.skip("no second file system")
    image = large_image(store)
    layer = image.layers[-1]
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        target = Path(folder) / "layout"
        write_layout(image, ["m:1"], store, target)
        blob = target / "blobs/sha256" / layer.digest[7:]
        assert blob.read_bytes() == store.blob(layer.digest).read_bytes()
        assert blob.stat().st_mode & 0o200
        before, _ = io_counts()
        write_layout(image, ["m:1"], store, target)
        assert io_counts()[0] - before < layer.size / 4


def test_who_writes_into_a_shared_blob_gets_neither_side_believed(store: Store, tmp_path: Path) -> None:
    image, target = large_image(store), tmp_path / "layout"
    layer = image.layers[-1]
    write_layout(image, ["m:1"], store, target)
    blob = target / "blobs/sha256" / layer.digest[7:]
    blob.chmod(0o644)
    with blob.open("r+b") as out:
        out.seek(layer.size // 2)
        out.write(b"?")
    if blob.samefile(store.blob(layer.digest)):
        with pytest.raises(CorruptBlobError):
            write_layout(image, ["m:1"], store, target)
        store.drop(layer.digest)
        large_image(store)
    write_layout(image, ["m:1"], store, target)
    stored = read_oci_layout(target, Store(tmp_path / "other"), platform=AMD64)
    assert stored.layers == image.layers


def test_a_damaged_blob_of_the_cache_gets_into_no_layout(store: Store, tmp_path: Path) -> None:
    image = large_image(store)
    with store.blob(image.layers[-1].digest).open("r+b") as out:
        out.write(b"?")
    with pytest.raises(CorruptBlobError):
        write_layout(image, ["m:1"], store, tmp_path / "layout")
    assert [path for path in tmp_path.iterdir() if path != store.root] == []
