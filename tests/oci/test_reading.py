from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci import inflate
from envbuild.oci.archive import stream_archive, write_archive
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.image import finish_image
from envbuild.oci.layer import build_layer
from envbuild.oci.reading import checked_config, read_docker_archive, read_oci_archive, read_oci_layout
from envbuild.oci.store import Store
from envbuild.oci.types import INDEX, LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, MANIFEST, Image

AMD64 = "linux/amd64"
Tar = dict[str, bytes | tarfile.TarInfo]


def plain_tar(text: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("opt/file")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return out.getvalue()


@dataclass
class Layout:
    """An OCI layout in memory, made by hand."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    index: list[dict[str, Any]] = field(default_factory=list)

    def put(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        digest = sha256_digest(data)
        self.blobs[f"blobs/sha256/{digest[7:]}"] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def manifest(self, layers: list[tuple[bytes, str]], architecture: str = "amd64", **more: Any) -> dict[str, Any]:
        """A manifest of layers as (plain tar, media type), put and described."""
        packed = {LAYER_TAR: bytes, LAYER_GZIP: lambda data: gzip.compress(data, mtime=0)}
        config = {
            "architecture": architecture,
            "os": "linux",
            "x-kept": 1,
            "rootfs": {"type": "layers", "diff_ids": [sha256_digest(data) for data, _ in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "config": self.put(canonical_json(config), "application/vnd.oci.image.config.v1+json"),
            "layers": [self.put(packed.get(kind, bytes)(data), kind) for data, kind in layers],
        }
        return self.put(canonical_json(manifest), MANIFEST, **more)

    def files(self) -> dict[str, bytes]:
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": canonical_json({"schemaVersion": 2, "manifests": self.index}),
            **self.blobs,
        }

    def write(self, root: Path) -> Path:
        for name, data in self.files().items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return root


def tar_of(files: Tar) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo()
    entry.type, entry.linkname = kind, target
    return entry


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def layout() -> Layout:
    made = Layout()
    made.index.append(made.manifest([(plain_tar(b"one"), LAYER_GZIP), (plain_tar(b"two"), LAYER_TAR)]))
    return made


Read = Callable[[dict[str, bytes]], Any]


@pytest.fixture(params=["folder", "tar", "tar.gz"])
def read(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Read:
    """Reads the files of a layout, from a folder and from an archive."""

    def from_folder(files: dict[str, bytes]) -> Any:
        for name, data in files.items():
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_bytes(data)
        return read_oci_layout(tmp_path / "in", store, platform=AMD64)

    def from_archive(files: dict[str, bytes]) -> Any:
        data = tar_of({f"./{name}": content for name, content in files.items()})
        (tmp_path / "in.tar").write_bytes(gzip.compress(data) if request.param == "tar.gz" else data)
        return read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)

    return from_folder if request.param == "folder" else from_archive


def test_layers_are_kept_byte_for_byte_with_the_hash_of_their_plain_tar(
    layout: Layout, read: Read, store: Store
) -> None:
    stored = read(layout.files())

    assert stored.manifest_digest == layout.index[0]["digest"]
    assert stored.config["x-kept"] == 1
    assert [layer.diff_id for layer in stored.layers] == [sha256_digest(plain_tar(x)) for x in (b"one", b"two")]
    assert [layer.media_type for layer in stored.layers] == [LAYER_GZIP, LAYER_TAR]
    for layer in stored.layers:
        assert store.read(layer.digest) == layout.blobs[f"blobs/sha256/{layer.digest[7:]}"]
        assert layer.size == len(store.read(layer.digest))


def test_the_platform_is_chosen_from_an_index_and_attestations_are_passed_over(read: Read) -> None:
    made = Layout()
    arm = made.manifest([(plain_tar(b"arm"), LAYER_TAR)], "arm64", platform={"os": "linux", "architecture": "arm64"})
    amd = made.manifest([(plain_tar(b"amd"), LAYER_TAR)], platform={"os": "linux", "architecture": "amd64"})
    seal = made.manifest([(plain_tar(b"x"), LAYER_TAR)], platform={"os": "unknown", "architecture": "unknown"})
    inner = made.put(canonical_json({"schemaVersion": 2, "manifests": [seal, arm, amd]}), INDEX)
    made.index.append({**inner, "annotations": {"org.opencontainers.image.ref.name": "1"}})

    stored = read(made.files())

    assert stored.manifest_digest == amd["digest"]
    assert stored.reference == "1"


def test_another_platform_alone_is_an_error_that_names_it(read: Read) -> None:
    made = Layout()
    made.index.append(made.manifest([(plain_tar(b"arm"), LAYER_TAR)], "arm64"))

    with pytest.raises(BaseImageError, match="only for linux/arm64"):
        read(made.files())


def test_one_of_several_images_is_chosen_by_name(tmp_path: Path, store: Store) -> None:
    made = Layout()
    for name in ("a", "b"):
        notes = {"io.containerd.image.name": f"docker.io/library/{name}:1"}
        made.index.append(made.manifest([(plain_tar(name.encode()), LAYER_TAR)], annotations=notes))
    root = made.write(tmp_path / "in")

    with pytest.raises(BaseImageError, match="several images"):
        read_oci_layout(root, store, platform=AMD64)
    stored = read_oci_layout(root, store, platform=AMD64, reference="docker.io/library/b:1")
    assert stored.manifest_digest == made.index[1]["digest"]


def damaged_blob(layout: Layout) -> None:
    name = list(layout.blobs)[-2]  # the plain layer
    layout.blobs[name] = layout.blobs[name][:-1] + b"!"


def damaged_manifest(layout: Layout) -> None:
    name = "blobs/sha256/" + layout.index[0]["digest"][7:]
    layout.blobs[name] = layout.blobs[name][:-1] + b" "


def short_blob(layout: Layout) -> None:
    name = list(layout.blobs)[-2]
    layout.blobs[name] = layout.blobs[name][:-1]


def wrong_diff_id(layout: Layout) -> None:
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}
    layers = [layout.put(gzip.compress(b"x"), LAYER_GZIP)]
    made = {"config": layout.put(canonical_json(config), "c"), "layers": layers}
    layout.index[:] = [layout.put(canonical_json(made), MANIFEST)]


def broken_gzip(layout: Layout) -> None:
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}
    layers = [layout.put(gzip.compress(os.urandom(5000))[:3000], LAYER_GZIP)]
    made = {"config": layout.put(canonical_json(config), "c"), "layers": layers}
    layout.index[:] = [layout.put(canonical_json(made), MANIFEST)]


def path_for_a_digest(layout: Layout) -> None:
    layout.index[0]["digest"] = "sha256:../../../etc/passwd"


@pytest.mark.parametrize(
    "damage", [damaged_blob, damaged_manifest, short_blob, wrong_diff_id, broken_gzip, path_for_a_digest]
)
def test_bytes_that_are_not_what_they_should_be_are_an_integrity_error(
    layout: Layout, read: Read, damage: Callable[[Layout], None]
) -> None:
    damage(layout)

    with pytest.raises(IntegrityError):
        read(layout.files())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", b"{"),
        ("index.json", b"[]"),
        ("index.json", b'{"manifests": 3}'),
        ("index.json", b'{"manifests": []}'),
        ("index.json", b"[" * 200_000),
        ("index.json", b'{"manifests": [' + b" " * (5 << 20) + b"]}"),
        ("index.json", b'{"manifests": [{"mediaType": "' + MANIFEST.encode() + b'"}]}'),
        ("oci-layout", b"{}"),
        ("oci-layout", b"\xff\xfe"),
    ],
)
def test_malformed_json_is_a_base_image_error(layout: Layout, read: Read, name: str, content: bytes) -> None:
    with pytest.raises(BaseImageError):
        read({**layout.files(), name: content})


@pytest.mark.parametrize("config", ['{"Env": ["A=\\ud800"]}', '{"Labels": {"\\udfff": ""}}'])
def test_half_of_a_character_in_a_config_is_a_base_image_error(config: str) -> None:
    """No other program could read what would be written of it."""
    with pytest.raises(BaseImageError, match="surrogate"):
        checked_config({"rootfs": {"diff_ids": []}, "config": json.loads(config)})


def test_missing_files_are_a_base_image_error(layout: Layout, read: Read) -> None:
    files = layout.files()
    del files["blobs/sha256/" + layout.index[0]["digest"][7:]]

    with pytest.raises(BaseImageError, match="has no file"):
        read(files)


def test_indexes_that_name_each_other_many_times_end(read: Read) -> None:
    made = Layout()
    inner = made.manifest([(plain_tar(b"x"), LAYER_TAR)])
    for _ in range(4):
        inner = made.put(canonical_json({"manifests": [inner] * 300}), INDEX)
    made.index.extend([inner] * 300)

    assert read(made.files()).layers


def test_a_type_of_layer_that_is_not_known_is_refused(read: Read) -> None:
    made = Layout()
    made.index.append(made.manifest([(plain_tar(b"x"), "application/vnd.oci.image.layer.nondistributable.v1.tar")]))

    with pytest.raises(BaseImageError, match="nondistributable"):
        read(made.files())


@pytest.mark.parametrize("what", ["link", "folder link", "fifo", "device link"])
def test_links_and_devices_in_a_layout_are_refused(layout: Layout, tmp_path: Path, store: Store, what: str) -> None:
    root = layout.write(tmp_path / "in")
    blob = root / list(layout.blobs)[1]
    if what == "folder link":
        (root / "blobs/sha256").rename(tmp_path / "elsewhere")
        (root / "blobs/sha256").symlink_to(tmp_path / "elsewhere")
    else:
        blob.rename(tmp_path / "moved")
        if what == "fifo":
            os.mkfifo(blob)
        else:
            blob.symlink_to(tmp_path / "moved" if what == "link" else "/dev/zero")

    with pytest.raises(BaseImageError):
        read_oci_layout(root, store, platform=AMD64)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_an_archive_with_a_path_outside_is_refused(layout: Layout, tmp_path: Path, store: Store, name: str) -> None:
    data = tar_of({**layout.files(), name: b"x"})
    (tmp_path / "in.tar").write_bytes(data)

    with pytest.raises(IntegrityError, match="outside"):
        read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)
    with pytest.raises(IntegrityError, match="outside"):
        read_docker_archive(io.BytesIO(data), store)


def test_an_archive_with_a_link_for_a_blob_is_refused(layout: Layout, tmp_path: Path, store: Store) -> None:
    files: Tar = {**layout.files(), list(layout.blobs)[1]: link("/etc/passwd")}
    (tmp_path / "in.tar").write_bytes(tar_of(files))

    with pytest.raises(BaseImageError, match="link"):
        read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)


def test_an_archive_with_a_file_twice_is_refused(layout: Layout, tmp_path: Path, store: Store) -> None:
    files = layout.files()
    (tmp_path / "in.tar").write_bytes(tar_of({**files, "./index.json": files["index.json"]}))

    with pytest.raises(IntegrityError, match="twice"):
        read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)


@pytest.mark.parametrize("data", [b"", b"not a tar at all" * 100, b"\x1f\x8b\x08broken"])
def test_what_is_no_tar_is_a_base_image_error(tmp_path: Path, store: Store, data: bytes) -> None:
    (tmp_path / "in.tar").write_bytes(data)

    with pytest.raises(BaseImageError):
        read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)
    with pytest.raises(BaseImageError):
        read_docker_archive(io.BytesIO(data), store)
    with pytest.raises(BaseImageError):
        read_oci_archive(tmp_path / "missing.tar", store, platform=AMD64)
    with pytest.raises(BaseImageError):
        read_oci_layout(tmp_path / "missing", store, platform=AMD64)


def test_a_truncated_archive_is_an_error_and_leaves_no_blob(layout: Layout, store: Store) -> None:
    files = {**layout.files(), "big": b"b" * 3_000_000}

    with pytest.raises(BaseImageError):
        read_docker_archive(io.BytesIO(tar_of(files)[:2_000_000]), store)
    assert not list((store.root / "tmp").iterdir())


def docker_files(layers: list[bytes], **config: Any) -> dict[str, Any]:
    """The files of a Docker archive as engines before version 25 write them: every layer in its own folder."""
    raw = canonical_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [sha256_digest(data) for data in layers]},
            **config,
        }
    )
    name = hashlib.sha256(raw).hexdigest() + ".json"
    files: dict[str, Any] = {f"{number}a/layer.tar": data for number, data in enumerate(layers)}
    listed = [{"Config": name, "RepoTags": ["m:1"], "Layers": list(files)}]
    return {**files, name: raw, "repositories": b"{}", "manifest.json": canonical_json(listed)}


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_docker_archive_of_an_older_engine_is_read(store: Store, size: int) -> None:
    layers = [plain_tar(b"1" * size), plain_tar(b"2")]

    stored = read_docker_archive(io.BytesIO(tar_of(docker_files(layers))), store)

    assert [layer.digest for layer in stored.layers] == [sha256_digest(data) for data in layers]
    assert [store.read(layer.digest) for layer in stored.layers] == layers
    assert stored.reference == "m:1"
    assert stored.manifest_digest.startswith("sha256:")


def test_a_repeated_layer_of_a_docker_archive_is_a_link_to_the_first(store: Store) -> None:
    files = docker_files([plain_tar(b"1"), plain_tar(b"1")])
    files["1a/layer.tar"] = link("../0a/layer.tar")

    assert len(read_docker_archive(io.BytesIO(tar_of(files)), store).layers) == 2


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "layer.tar", "../1a/layer.tar"])
def test_a_link_out_of_a_docker_archive_leads_nowhere(store: Store, target: str) -> None:
    files = docker_files([plain_tar(b"1"), plain_tar(b"2")])
    files["1a/layer.tar"] = link(target)

    with pytest.raises(BaseImageError):
        read_docker_archive(io.BytesIO(tar_of(files)), store)


def test_a_docker_archive_of_several_images_is_refused_by_name(store: Store) -> None:
    files = docker_files([plain_tar(b"1")])
    (entry,) = json.loads(files["manifest.json"])
    files["manifest.json"] = canonical_json([entry, {**entry, "RepoTags": ["other:2"]}])

    with pytest.raises(BaseImageError, match=r"m:1, other:2"):
        read_docker_archive(io.BytesIO(tar_of(files)), store)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"[3]", b"x", b'[{"Config": "no"}]', b"[{}]"])
def test_a_malformed_docker_manifest_is_a_base_image_error(store: Store, content: bytes) -> None:
    files = {**docker_files([plain_tar(b"1")]), "manifest.json": content}

    with pytest.raises(BaseImageError):
        read_docker_archive(io.BytesIO(tar_of(files)), store)


def test_a_changed_layer_of_a_docker_archive_is_an_integrity_error(store: Store) -> None:
    files = {**docker_files([plain_tar(b"1")]), "0a/layer.tar": plain_tar(b"2")}

    with pytest.raises(IntegrityError):
        read_docker_archive(io.BytesIO(tar_of(files)), store)


@pytest.fixture
def own(tmp_path: Path) -> tuple[Image, Store]:
    source = Store(tmp_path / "source")
    layers = [build_layer(source, lambda tar, n=n: tar.data(f"opt/{n}", b"x" * n)) for n in (10, 2_000_000)]
    image = finish_image(
        base_config={},
        base_layers=(),
        layers=[(layer, "x") for layer in layers],
        config={"architecture": "amd64", "os": "linux", "config": {}},
        annotations={},
        created="1980-01-01T00:00:00Z",
    )
    return image, source


def test_an_archive_of_envbuild_is_read_back_by_both_readers(
    own: tuple[Image, Store], tmp_path: Path, store: Store
) -> None:
    image, source = own
    write_archive(image, ["m:1"], source, tmp_path / "in.tar", kind="oci")

    with (tmp_path / "in.tar").open("rb") as stream:
        docker = read_docker_archive(stream, store)
    oci = read_oci_archive(tmp_path / "in.tar", store, platform=AMD64)

    assert docker.layers == oci.layers == image.layers
    assert docker.manifest_digest == oci.manifest_digest == image.manifest_digest
    assert docker.config == oci.config == json.loads(image.config)
    assert (docker.reference, oci.reference) == ("m:1", "docker.io/library/m:1")


def test_a_changed_blob_of_a_hybrid_archive_is_an_integrity_error(own: tuple[Image, Store], store: Store) -> None:
    image, source = own
    data = b"".join(stream_archive(image, ["m:1"], source))
    at = data.rindex(b"x" * 1000)

    with pytest.raises(IntegrityError):
        read_docker_archive(io.BytesIO(data[:at] + b"y" + data[at + 1 :]), store)


def test_the_hash_of_an_unpacked_layer_is_remembered(
    layout: Layout, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = layout.write(tmp_path / "in")
    first = read_oci_layout(root, store, platform=AMD64)
    monkeypatch.setattr(inflate, "_gunzip", lambda chunks: pytest.fail("decompressed again"))

    assert read_oci_layout(root, store, platform=AMD64) == first


def test_layers_that_the_zstd_command_compressed_are_read(tmp_path: Path, store: Store) -> None:
    zstd = shutil.which("zstd")
    if zstd is None:
        pytest.skip("needs the zstd command")
    plain = plain_tar(b"one")
    packed = subprocess.run([zstd, "-q"], input=plain, capture_output=True, check=True).stdout
    made = Layout()
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [sha256_digest(plain)]}}
    manifest = {"config": made.put(canonical_json(config), "c"), "layers": [made.put(packed, LAYER_ZSTD)]}
    made.index.append(made.put(canonical_json(manifest), MANIFEST))
    root = made.write(tmp_path / "in")
    assert read_oci_layout(root, store, platform=AMD64).layers[0].diff_id == sha256_digest(plain)


@pytest.mark.registry
def test_an_archive_that_skopeo_wrote_is_read(own: tuple[Image, Store], tmp_path: Path, store: Store) -> None:
    image, source = own
    write_archive(image, ["m:1"], source, tmp_path / "in.tar", kind="oci")
    for target in (f"docker-archive:{tmp_path}/docker.tar:m:1", f"oci:{tmp_path}/layout:m"):
        subprocess.run(["skopeo", "copy", "-q", f"oci-archive:{tmp_path}/in.tar", target], check=True)

    with (tmp_path / "docker.tar").open("rb") as stream:
        docker = read_docker_archive(stream, store)
    oci = read_oci_layout(tmp_path / "layout", store, platform=AMD64)

    for stored in (docker, oci):
        assert [layer.diff_id for layer in stored.layers] == [layer.diff_id for layer in image.layers]
        assert stored.config == json.loads(image.config)
