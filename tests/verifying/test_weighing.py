"""Which layer of an image stands beside which of the new one, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from tinyimages import put_layer, tar_of

from envbuild.attesting.layers import in_store
from envbuild.attesting.opened import Opened
from envbuild.errors import IntegrityError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.planner.types import LayerKind, PlannedLayer
from envbuild.verifying.weighing import Rebuilt, weighed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def opened(store: Store, *layers: Layer, remote: bool = False) -> Opened:
    history = [{"created_by": "ENV", "empty_layer": True}, *({"created_by": f"step {n}"} for n in range(len(layers)))]
    return Opened(
        name="image",
        platform="linux/amd64",
        platforms=("linux/amd64",),
        config={"history": history},
        config_digest="",
        manifest_digest="",
        index_digest="",
        annotations={},
        layers=layers,
        blobs=in_store(store),
        remote=remote,
    )


def layer(store: Store, name: str) -> Layer:
    return put_layer(store, tar_of({name: name}))


def planned(*made: Layer | None, kinds: tuple[LayerKind, ...] = ()) -> Rebuilt:
    found = kinds or ("wheel",) * len(made)
    return [
        (PlannedLayer(kind=k, title=f"{k} {n}", why=""), one)
        for n, (k, one) in enumerate(zip(found, made, strict=True))
    ]


def test_equal_layers_stand_beside_each_other_whatever_lies_between(store: Store) -> None:
    a, b, c, new = (layer(store, name) for name in "abcn")
    found = weighed(opened(store, a, new, b, c), planned(a, b, c), store, base=0)
    assert [(v.title, v.state) for v in found] == [
        ("wheel 0", "same"),
        ("step 1", "extra"),
        ("wheel 1", "same"),
        ("wheel 2", "same"),
    ]
    found = weighed(opened(store, a, c), planned(a, b, c), store, base=0)
    assert [v.state for v in found] == ["same", "missing", "same"]
    assert (found[1].image, found[1].rebuilt) == ("", b.diff_id)


def test_unequal_layers_at_one_place_are_walked(store: Store) -> None:
    a, b, c = (layer(store, name) for name in "abc")
    _, verdict, _ = weighed(opened(store, a, b, c), planned(a, layer(store, "x"), c), store, base=0)
    assert verdict.state == "differs"
    assert verdict.first is not None
    assert (verdict.first.path, verdict.first.what) == ("x", ("missing",))


def test_what_cannot_be_made_here_is_neither_the_same_nor_another(store: Store) -> None:
    a, code, c = (layer(store, name) for name in "abc")
    rebuilt = planned(a, None, c, kinds=("wheel", "bytecode", "model"))
    found = weighed(opened(store, a, code, c), rebuilt, store, base=0, left="no Python")
    assert [v.state for v in found] == ["same", "unchecked", "same"]
    assert (found[1].why, found[1].image) == ("no Python", code.diff_id)
    # One that the image does not have is missing all the same.
    assert [v.state for v in weighed(opened(store, a, c), rebuilt, store, base=0)] == ["same", "missing", "same"]


def test_a_layer_of_the_base_is_read_to_see_that_it_is_what_the_config_says(store: Store) -> None:
    a, b = layer(store, "a"), layer(store, "b")
    claimed = Layer(diff_id=a.diff_id, digest=b.digest, size=b.size)
    with pytest.raises(IntegrityError, match="the image config names"):
        weighed(opened(store, claimed), planned(a, kinds=("base",)), store, base=1)
    with pytest.raises(IntegrityError, match="the image config names"):
        weighed(opened(store, claimed, remote=True), planned(a, kinds=("base",)), store, base=1)


def test_the_very_blob_that_is_here_is_not_fetched(store: Store, tmp_path: Path) -> None:
    a = layer(store, "a")
    elsewhere = opened(Store(tmp_path / "nothing"), a, remote=True)
    (verdict,) = weighed(elsewhere, planned(a, kinds=("base",)), store, base=1)
    assert verdict.state == "same"
