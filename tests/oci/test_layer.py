from __future__ import annotations

import json

import pytest

from envbuild.oci.layer import build_layer, layer_from_key, remember_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar


def test_a_layer_is_remembered_by_its_key(store: Store) -> None:
    layer = build_layer(store, lambda tar: tar.data("a/b", b"content"))
    assert layer.diff_id == layer.digest
    assert store.has(layer.digest, layer.size)
    assert layer_from_key(store, "key") is None
    remember_layer(store, "key", layer)
    assert layer_from_key(Store(store.root), "key") == layer
    assert layer_from_key(store, "other") is None


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    def write(tar: LayerTar) -> None:
        tar.data("a", b"x" * 3_000_000)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        build_layer(store, write)
    assert list((store.root / "blobs/sha256").iterdir()) == list((store.root / "tmp").iterdir()) == []


def test_a_blob_of_another_size_or_gone_is_a_miss(store: Store) -> None:
    layer = build_layer(store, lambda tar: tar.data("a", b""))
    remember_layer(store, "key", layer)
    blob = store.blob(layer.digest)
    blob.write_bytes(blob.read_bytes()[:-512])
    assert layer_from_key(store, "key") is None
    blob.unlink()
    assert layer_from_key(store, "key") is None


@pytest.mark.parametrize(
    "change", [{"digest": "../../etc/passwd"}, {"digest": 7}, {"size": "1"}, {"diff_id": "x"}, {"media_type": None}]
)
def test_a_key_with_nonsense_is_a_miss(store: Store, change: dict[str, object]) -> None:
    layer = build_layer(store, lambda tar: tar.data("a", b""))
    remember_layer(store, "key", layer)
    (path,) = store.key_files()
    entry = json.loads(path.read_bytes())
    entry["value"].update(change)
    path.write_text(json.dumps(entry))
    assert layer_from_key(store, "key") is None
