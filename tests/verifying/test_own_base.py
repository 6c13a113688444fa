"""The base that only the image itself has: told as far as it can be, and held against a digest that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tinyimages import tar_of

from envbuild.attesting.layers import in_store
from envbuild.bases.manifest import assembled_config
from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.planner.paths import PREFIX
from envbuild.verifying.own_base import own_base

FILES = {
    "usr/bin/python3.11": "\x7fELF",
    "usr/lib/python3.11/os.py": "",
    "usr/include/python3.11/patchlevel.h": '#define PY_VERSION "3.11.2"\n',
    "usr/lib/x86_64-linux-gnu/libc.so.6": "\x7fELF GNU C Library (Test) stable release version 2.36.\n",
    "var/lib/dpkg/status.d/python3.11-minimal": "Package: python3.11-minimal\nVersion: 3.11.2-6\nArchitecture: amd64\n",
}
NAME = "debian:bookworm"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Store:
    """Where the image's layers are; the store of the machine has none of them."""
    return Store(tmp_path / "image")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def layer_in(store: Store, **more: str) -> Layer:
    data = tar_of({**FILES, **more})
    digest = store.put(data)
    return Layer(diff_id=digest, digest=digest, size=len(data))


def digest_of(layer: Layer, *apt: str) -> str:
    return make_image(canonical_json(assembled_config(NAME, "amd64", layer, apt)), [layer], {}).manifest_digest


def config_on(layer: Layer, *env: str) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": [f"PATH=/{PREFIX}/bin:/usr/bin", "MINE=1", *env], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id, "sha256:" + "0" * 64]},
        "history": [{"created_by": "base"}, {"created_by": "envbuild: server"}],
    }


def test_an_assembled_base_is_known_by_its_layer(store: Store, elsewhere: Store) -> None:
    layer = layer_in(elsewhere)
    base, wrong = own_base(
        in_store(elsewhere), [layer], config_on(layer), store, name=NAME, digest=digest_of(layer), apt=()
    )
    assert wrong == ""
    assert (base.assembled, base.public_name, base.digest) == (True, NAME, digest_of(layer))
    assert (base.interpreter.version, base.glibc) == ("3.11.2", "2.36")
    # What an image sets is not what its base set.
    assert "MINE=1" not in base.config["config"]["Env"]
    assert store.has(layer.digest)


def test_another_layer_than_the_digest_stands_for_is_wrong(store: Store, elsewhere: Store) -> None:
    digest = digest_of(layer_in(elsewhere))
    other = layer_in(elsewhere, **{"etc/evil": "x"})
    _, wrong = own_base(in_store(elsewhere), [other], config_on(other), store, name=NAME, digest=digest, apt=())
    assert digest in wrong


def test_packages_that_were_added_are_a_part_of_what_the_digest_stands_for(store: Store, elsewhere: Store) -> None:
    layer = layer_in(elsewhere)
    given = {"name": NAME, "digest": digest_of(layer, "libgomp1")}
    assert own_base(in_store(elsewhere), [layer], config_on(layer), store, apt=("libgomp1",), **given)[1] == ""
    assert own_base(in_store(elsewhere), [layer], config_on(layer), store, apt=(), **given)[1] != ""


@pytest.mark.parametrize("name", ["", "registry.example/base:1"])
def test_of_any_other_base_the_images_own_settings_are_taken(store: Store, elsewhere: Store, name: str) -> None:
    layer = layer_in(elsewhere)
    digest = "sha256:" + "1" * 64
    base, wrong = own_base(in_store(elsewhere), [layer], config_on(layer), store, name=name, digest=digest, apt=())
    assert wrong == ""
    assert (base.assembled, base.public_name, base.digest) == (False, name, digest)
    assert base.config["config"]["Env"] == ["PATH=/usr/bin", "MINE=1"]
    assert base.config["rootfs"]["diff_ids"] == [layer.diff_id]
    assert base.config["history"] == [{"created_by": "base"}]


def test_an_assembled_base_has_one_layer(store: Store, elsewhere: Store) -> None:
    layer = layer_in(elsewhere)
    with pytest.raises(BaseImageError, match="has one"):
        own_base(in_store(elsewhere), [layer] * 2, config_on(layer), store, name=NAME, digest="sha256:x", apt=())


def test_a_layer_that_is_not_what_the_config_says_is_refused(store: Store, elsewhere: Store) -> None:
    layer = layer_in(elsewhere)
    wrong = Layer(diff_id="sha256:" + "2" * 64, digest=layer.digest, size=layer.size)
    with pytest.raises(IntegrityError, match="the image config names"):
        own_base(in_store(elsewhere), [wrong], config_on(wrong), store, name=NAME, digest=digest_of(layer), apt=())


@pytest.mark.parametrize(
    "changes",
    [{"history": ["text", {"created_by": "base"}]}, {"history": 5}, {"config": {"Env": 5}}, {"config": {"Env": [5]}}],
)
def test_a_config_of_another_form_is_no_reason_to_break_off(
    store: Store, elsewhere: Store, changes: dict[str, Any]
) -> None:
    layer = layer_in(elsewhere)
    config = {**config_on(layer), **changes}
    base, _ = own_base(in_store(elsewhere), [layer], config, store, name="", digest="sha256:" + "1" * 64, apt=())
    assert base.config["history"] in ([], [{"created_by": "base"}])
    assert all(isinstance(entry, str) for entry in base.config["config"]["Env"])
