"""An image is opened wherever it lies, with what is attached to it; and what it says is not believed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from tinyimages import tar_of

from envbuild.attesting import opened as module
from envbuild.attesting.attestations import Statement, attested
from envbuild.attesting.files import read_files
from envbuild.attesting.opened import Opened
from envbuild.attesting.places import in_archive, in_layout
from envbuild.errors import BaseImageError, EnvbuildError, IntegrityError
from envbuild.oci.archive import write_archive
from envbuild.oci.canonical import canonical_json
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store
from envbuild.oci.types import Image, ImageIndex

STATEMENT = Statement(predicate_type="https://cyclonedx.org/bom", predicate={"bomFormat": "CycloneDX"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def image(store: Store) -> Image:
    return tinyimages.image(store, [tar_of({"a": "1"}), tar_of({"b": "2"})], Labels={"x": "y"})


def layout(path: Path, **options: str) -> Opened:
    with in_layout(
        path, platform=options.get("platform", ""), preferred="linux/amd64", reference=options.get("tag", "")
    ) as found:
        return found


def paths(found: Opened) -> set[str]:
    return set(read_files(found.blobs, found.layers, keep=lambda _: False, hashed=lambda _: False).entries)


@pytest.mark.parametrize("statements", [(), (STATEMENT,)])
def test_a_layout_and_both_kinds_of_archive_give_the_same_image(
    store: Store, image: Image, tmp_path: Path, statements: tuple[Statement, ...]
) -> None:
    whole = attested(image, statements).index if statements else image
    write_layout(whole, ["tiny:1"], store, tmp_path / "layout")
    write_archive(whole, ["tiny:1"], store, tmp_path / "a.tar", kind="oci")
    write_archive(image, ["tiny:1"], store, tmp_path / "d.tar", kind="docker")
    found = [layout(tmp_path / "layout"), layout(tmp_path / "layout", tag="1")]
    for name in ("a.tar", "d.tar"):
        with in_archive(tmp_path / name, Store(tmp_path / "other"), platform="", preferred="linux/amd64") as one:
            assert paths(one) == {"a", "b"}
            found.append(one)
    for one in found:
        assert (one.config_digest, one.manifest_digest) == (image.config_digest, image.manifest_digest)
        assert (one.platform, one.annotations) == ("linux/amd64", {"annotated": "yes"})
    assert paths(found[0]) == {"a", "b"}
    for one in found[:3]:
        assert one.statements == statements
        assert one.index_digest == (whole.digest if isinstance(whole, ImageIndex) else "")


def test_a_statement_about_another_image_is_not_believed(store: Store, image: Image, tmp_path: Path) -> None:
    other = tinyimages.image(store, [tar_of({"z": "1"})])
    theirs = attested(other, [STATEMENT]).index.artifacts[0]
    (blob,) = [x for x in theirs.blobs if x != b"{}"]
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    index = json.loads(attested(image, [STATEMENT]).index.content)
    # The manifest says that it is about this image; what lies in it is about the other.
    index["manifests"][1] |= {"digest": theirs.digest, "size": len(theirs.manifest)}
    write_layout(
        ImageIndex(content=canonical_json(index), images=(image,), artifacts=(theirs,)), [], store, tmp_path / "layout"
    )
    found = layout(tmp_path / "layout")
    assert found.statements == ()
    assert found.notes == (f"{digest[:19]}, which is attached, says nothing of this image",)


def test_one_of_several_platforms_is_chosen(store: Store, image: Image, tmp_path: Path) -> None:
    arm = tinyimages.image(store, [tar_of({"arm": "1"})], architecture="arm64")
    write_layout(image, ["tiny:1"], store, tmp_path / "layout")
    write_layout(arm, ["tiny:2"], store, tmp_path / "layout")
    assert layout(tmp_path / "layout").config_digest == image.config_digest
    assert layout(tmp_path / "layout", platform="linux/arm64").config_digest == arm.config_digest
    assert layout(tmp_path / "layout", tag="2").config_digest == arm.config_digest
    assert layout(tmp_path / "layout").platforms == ("linux/amd64", "linux/arm64")
    with pytest.raises(BaseImageError, match=r"is not there for linux/s390x, only for linux/amd64, linux/arm64"):
        layout(tmp_path / "layout", platform="linux/s390x")


def test_several_images_of_one_platform_have_to_be_named(store: Store, image: Image, tmp_path: Path) -> None:
    write_layout(image, ["tiny:1"], store, tmp_path / "layout")
    write_layout(tinyimages.image(store, [tar_of({"c": "3"})]), ["tiny:2"], store, tmp_path / "layout")
    with pytest.raises(BaseImageError, match="holds 2 images for linux/amd64") as caught:
        layout(tmp_path / "layout")
    assert "oci:DIR:TAG" in caught.value.hint


class Bomb:
    """A layout of any documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(self, value: Any, kind: str = "index") -> dict[str, Any]:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        media_type = f"application/vnd.oci.image.{kind}.v1+json"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def close(self, *entries: Any) -> Path:
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": list(entries)}))
        return self.folder


def deep(bomb: Bomb) -> list[Any]:
    entry = bomb.put({"manifests": []})
    for _ in range(10):
        entry = bomb.put({"manifests": [entry]})
    return [entry]


def wide(bomb: Bomb) -> list[Any]:
    return [bomb.put({"manifests": [], "number": number}) for number in range(600)]


def without_layers(bomb: Bomb) -> list[Any]:
    config = bomb.put({"rootfs": {"diff_ids": ["sha256:" + "0" * 64] * 2}}, "config")
    return [bomb.put({"config": config, "layers": []}, "manifest")]


def without_config(bomb: Bomb) -> list[Any]:
    return [bomb.put({"config": {"digest": "../../etc/passwd", "size": 1}, "layers": []}, "manifest")]


def huge(bomb: Bomb) -> list[Any]:
    return [bomb.put(b"[" * (5 << 20), "manifest")]


def nested(bomb: Bomb) -> list[Any]:
    return [bomb.put(b"[" * (1 << 20), "manifest")]


def many_layers(bomb: Bomb) -> list[Any]:
    layer = {**bomb.put(b"x", "layer"), "mediaType": "application/vnd.oci.image.layer.v1.tar"}
    config = bomb.put({"rootfs": {"diff_ids": ["sha256:" + "0" * 64] * 600}}, "config")
    return [bomb.put({"config": config, "layers": [layer] * 600}, "manifest")]


def no_config_at_all(bomb: Bomb) -> list[Any]:
    return [bomb.put({"layers": []}, "manifest")]


def another_hash(bomb: Bomb) -> list[Any]:
    entry = bomb.put({"layers": []}, "manifest")
    (bomb.folder / "blobs/sha256" / entry["digest"][7:]).write_bytes(b'{"layers": [0]}'[: entry["size"]])
    return [entry]


BOMBS = [
    deep,
    wide,
    without_layers,
    without_config,
    huge,
    nested,
    many_layers,
    no_config_at_all,
    another_hash,
    lambda _: [],
]


@pytest.mark.parametrize("make", BOMBS)
def test_a_bomb_or_nonsense_is_refused_in_words(tmp_path: Path, make: Callable[[Bomb], list[Any]]) -> None:
    bomb = Bomb(tmp_path / "layout")
    with pytest.raises(EnvbuildError) as caught:
        layout(bomb.close(*make(bomb)))
    assert isinstance(caught.value, (BaseImageError, IntegrityError))


def test_what_is_no_image_in_an_index_is_passed_over(store: Store, image: Image, tmp_path: Path) -> None:
    """A signature or a chart, as tools from before OCI 1.1 write them: told by the type of the config alone."""
    write_layout(image, ["tiny:1"], store, tmp_path / "layout")
    listed = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
    (tmp_path / "layout/blobs").rename(tmp_path / "blobs")
    (tmp_path / "layout/oci-layout").unlink()
    bomb = Bomb(tmp_path / "layout")
    for blob in (tmp_path / "blobs/sha256").iterdir():
        bomb.put(blob.read_bytes())
    config = {**bomb.put({}), "mediaType": "application/vnd.cncf.helm.config.v1+json"}
    other = bomb.put({"schemaVersion": 2, "config": config, "layers": []}, "manifest")
    assert layout(bomb.close(other, *listed)).config_digest == image.config_digest


def test_statements_have_an_end(store: Store, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_STATEMENT", 100)
    write_layout(attested(image, [STATEMENT]).index, [], store, tmp_path / "layout")
    with pytest.raises(BaseImageError, match="100 are the most"):
        layout(tmp_path / "layout")


def test_a_damaged_layer_of_a_layout_is_told_when_it_is_read(store: Store, image: Image, tmp_path: Path) -> None:
    write_layout(image, [], store, tmp_path / "layout")
    blob = tmp_path / "layout/blobs/sha256" / image.layers[0].digest[7:]
    data = bytearray(blob.read_bytes())
    data[600] ^= 1
    blob.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="has another hash"):
        paths(layout(tmp_path / "layout"))


def test_what_is_no_archive_of_an_image_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar")
    with tarfile.open(tmp_path / "any.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("file"), io.BytesIO())
    for name in ("text", "any.tar"):
        with pytest.raises(BaseImageError), in_archive(tmp_path / name, store, platform="", preferred="linux/amd64"):
            pass
