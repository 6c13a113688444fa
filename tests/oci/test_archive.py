from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from envbuild.errors import CorruptBlobError, StorageError, UsageError
from envbuild.oci.archive import stream_archive, write_archive
from envbuild.oci.image import finish_image
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_ZSTD, Image, Layer

CONFIG = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]}}


def make_image(store: Store, contents: dict[str, bytes], base: tuple[Layer, ...] = ()) -> Image:
    def one(name: str, content: bytes) -> Layer:
        return build_layer(store, lambda tar: tar.data(f"opt/{name}", content))

    return finish_image(
        base_config={},
        base_layers=base,
        layers=[(one(name, content), name) for name, content in contents.items()],
        config=CONFIG,
        annotations={},
        created="1980-01-01T00:00:00Z",
    )


@pytest.fixture
def image(store: Store) -> Image:
    return make_image(store, {"lib": b"l" * 3_000_000, "model": b"m" * 1000, "empty": b""})


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: f.read() if (f := tar.extractfile(m)) else b"" for m in tar.getmembers()}


def test_the_archive_is_an_oci_layout_and_a_docker_archive(image: Image, store: Store) -> None:
    found = members(b"".join(stream_archive(image, ["team/m:2", "other"], store)))
    index, (docker,) = json.loads(found["index.json"]), json.loads(found["manifest.json"])

    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {"io.containerd.image.name": "docker.io/team/m:2", "org.opencontainers.image.ref.name": "2"},
        {"io.containerd.image.name": "docker.io/library/other:latest", "org.opencontainers.image.ref.name": "latest"},
    ]
    assert docker["RepoTags"] == ["team/m:2", "other:latest"]
    assert found[docker["Config"]] == image.config
    assert [hashlib.sha256(found[name]).hexdigest() for name in docker["Layers"]] == [
        layer.diff_id[7:] for layer in image.layers
    ]
    for name, content in found.items():
        if name.startswith("blobs/sha256/"):
            assert name == "blobs/sha256/" + hashlib.sha256(content).hexdigest()


def test_equal_images_give_equal_archives(image: Image, store: Store) -> None:
    one, other = (b"".join(stream_archive(image, ["m"], store)) for _ in range(2))

    assert one == other
    assert len(one) % 10240 == 0
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in tar} == {(0, 0, "", "", 315532800)}


def test_omitted_layers_are_left_out_and_still_named(image: Image, store: Store) -> None:
    lib = image.layers[0]
    found = members(b"".join(stream_archive(image, ["m"], store, omit=frozenset({lib.diff_id}))))

    assert f"blobs/sha256/{lib.digest[7:]}" not in found
    assert f"blobs/sha256/{image.layers[1].digest[7:]}" in found
    assert f"blobs/sha256/{lib.digest[7:]}" in json.loads(found["manifest.json"])[0]["Layers"]


def test_a_layer_that_comes_twice_is_written_once(store: Store) -> None:
    image = make_image(store, {"a": b"same"})
    twice = Image(config=image.config, manifest=image.manifest, layers=image.layers * 2)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream_archive(twice, ["m"], store)))) as tar:
        names = tar.getnames()

    assert len(names) == len(set(names))


def test_a_damaged_blob_ends_the_stream_before_its_last_bytes(image: Image, store: Store) -> None:
    path = store.blob(image.layers[0].digest)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    seen = 0

    with pytest.raises(CorruptBlobError):
        for chunk in stream_archive(image, ["m"], store):
            seen += len(chunk)
    assert seen < 3_000_000


def test_a_file_is_written_whole_and_its_size_told(image: Image, store: Store, tmp_path: Path) -> None:
    target = tmp_path / "out" / "image.tar"
    target.parent.mkdir()
    target.write_bytes(b"an older one")

    size = write_archive(image, ["m"], store, target, kind="oci")

    assert size == target.stat().st_size
    assert target.read_bytes() == b"".join(stream_archive(image, ["m"], store))
    assert [path.name for path in target.parent.iterdir()] == ["image.tar"]


def test_a_failed_write_leaves_what_was_there(image: Image, store: Store, tmp_path: Path) -> None:
    target = tmp_path / "out" / "image.tar"
    target.parent.mkdir()
    target.write_bytes(b"an older one")
    store.blob(image.layers[1].digest).write_bytes(b"damaged")

    with pytest.raises(CorruptBlobError):
        write_archive(image, ["m"], store, target, kind="docker")
    assert target.read_bytes() == b"an older one"
    assert [path.name for path in target.parent.iterdir()] == ["image.tar"]


def test_places_that_cannot_take_a_file_are_refused(image: Image, store: Store, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for place in (tmp_path, fifo, tmp_path / "missing" / "image.tar"):
        with pytest.raises(UsageError) as caught:
            write_archive(image, ["m"], store, place, kind="oci")
        assert caught.value.hint
    assert fifo.is_fifo()


def test_a_full_disk_is_a_storage_error(
    image: Image, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="full") as caught:
        write_archive(image, ["m"], store, tmp_path / "image.tar", kind="oci")
    assert caught.value.hint
    assert not list(tmp_path.glob("*image*"))


def test_a_docker_archive_has_no_layer_that_an_older_engine_cannot_read(store: Store, tmp_path: Path) -> None:
    base = Layer(diff_id="sha256:" + "1" * 64, digest=store.put(b"zstd"), size=4, media_type=LAYER_ZSTD)
    image = make_image(store, {"a": b"1"}, base=(base,))

    with pytest.raises(UsageError, match="zstd"):
        write_archive(image, ["m"], store, tmp_path / "image.tar", kind="docker")
    assert write_archive(image, ["m"], store, tmp_path / "image.tar", kind="oci") > 0


@pytest.mark.registry
@pytest.mark.parametrize(("transport", "kind"), [("oci-archive", "oci"), ("docker-archive", "docker")])
def test_skopeo_inspects_and_copies_the_archive(
    image: Image, store: Store, tmp_path: Path, transport: str, kind: str
) -> None:
    archive = tmp_path / "image.tar"
    write_archive(image, ["m:1"], store, archive, kind="docker" if kind == "docker" else "oci")

    shown = subprocess.run(["skopeo", "inspect", f"{transport}:{archive}"], capture_output=True, check=True, text=True)
    copied = tmp_path / "copy"
    subprocess.run(["skopeo", "copy", "--quiet", f"{transport}:{archive}", f"dir:{copied}"], check=True)

    assert json.loads(shown.stdout)["Architecture"] == "amd64"
    assert (copied / image.config_digest[7:]).read_bytes() == image.config
    if kind == "oci":
        assert json.loads(shown.stdout)["Digest"] == image.manifest_digest
        assert (copied / "manifest.json").read_bytes() == image.manifest
