"""An archive that Docker and everybody else read in two ways leads both to the same image."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from tinyimages import tar_of

from envbuild.attesting.places import in_archive
from envbuild.errors import IntegrityError
from envbuild.oci.archive import blob_path, write_archive
from envbuild.oci.store import Store
from envbuild.oci.types import Image

Docker = list[dict[str, Any]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def images(store: Store) -> tuple[Image, Image]:
    """The one that is looked at, and another whose config is for another platform."""
    good = tinyimages.image(store, [tar_of({"a": "1"}), tar_of({"b": "2"})])
    return good, tinyimages.image(store, [tar_of({"evil": "1"})], architecture="s390x")


def entry(image: Image) -> dict[str, Any]:
    layers = [blob_path(layer.digest) for layer in image.layers]
    return {"Config": blob_path(image.config_digest), "RepoTags": ["x:1"], "Layers": layers}


def archive(
    folder: Path, images: tuple[Image, ...], store: Store, change: Callable[[Docker], Any], *, index: bool = False
) -> Path:
    """The archive of the first image with the blobs of all, and a manifest.json that was changed; None takes it out.

    `index` has index.json lead to all of them.
    """
    members: dict[str, bytes] = {}
    listed = []
    for number, image in enumerate(images):
        path = folder / f"{number}.tar"
        write_archive(image, [f"x:{number}"], store, path, kind="docker")
        with tarfile.open(path) as tar:
            found = {m.name: source.read() for m in tar if (source := tar.extractfile(m)) is not None}
        listed += json.loads(found["index.json"])["manifests"]
        members = found | members
    docker = json.loads(members.pop("manifest.json"))
    changed = change(docker)
    if changed is not None:
        members["manifest.json"] = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    elif images[1:]:
        members["repositories"] = b'{"x": {"1": "evil"}}'
    if index:
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    with tarfile.open(folder / "made.tar", "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return folder / "made.tar"


def opened(path: Path, tmp_path: Path, *, platform: str = "", tag: str = "") -> str:
    with in_archive(path, Store(tmp_path / "o"), platform=platform, preferred="linux/amd64", reference=tag) as found:
        return found.config_digest


@pytest.mark.parametrize(
    "change",
    [
        lambda good, evil: [entry(evil)],
        lambda good, evil: [entry(good), entry(evil)],
        lambda good, evil: [entry(good) | {"Config": entry(evil)["Config"]}],
        lambda good, evil: [entry(good) | {"Layers": entry(evil)["Layers"]}],
        lambda good, evil: [entry(good) | {"config": entry(evil)["Config"]}],
        lambda good, evil: [{"Layers": entry(good)["Layers"]}],
        lambda good, evil: [],
        lambda good, evil: {},
        lambda good, evil: [None],
        lambda good, evil: [entry(good) | {"Layers": 5}],
        lambda good, evil: None,
    ],
)
@pytest.mark.parametrize("index", [False, True])
def test_an_archive_out_of_which_docker_loads_another_image_is_refused(
    store: Store, images: tuple[Image, Image], tmp_path: Path, change: Any, index: bool
) -> None:
    path = archive(tmp_path, images, store, lambda _: change(*images), index=index)
    with pytest.raises(IntegrityError) as caught:
        opened(path, tmp_path)
    assert "docker load would take another image" in caught.value.hint


def test_an_archive_of_several_images_is_one_where_both_lists_have_them(
    store: Store, images: tuple[Image, Image], tmp_path: Path
) -> None:
    path = archive(tmp_path, images, store, lambda _: [entry(one) for one in images], index=True)
    assert opened(path, tmp_path, tag="1") == images[1].config_digest
    assert opened(path, tmp_path, platform="linux/s390x") == images[1].config_digest
    other = archive(tmp_path, images, store, lambda _: [entry(images[1])], index=True)
    with pytest.raises(IntegrityError):
        opened(other, tmp_path, tag="0")


@pytest.mark.parametrize("change", [lambda docker: docker, lambda _: None])
def test_an_archive_whose_lists_agree_or_that_is_none_of_dockers_is_read(
    store: Store, images: tuple[Image, Image], tmp_path: Path, change: Any
) -> None:
    path = archive(tmp_path, images[:1], store, change)
    assert opened(path, tmp_path) == images[0].config_digest
