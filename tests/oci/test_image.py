from __future__ import annotations

import json
from typing import Any

import pytest

from envbuild.errors import IntegrityError, UsageError
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.image import finish_image
from envbuild.oci.types import LAYER_GZIP, Image, Layer

CREATED = "1980-01-01T00:00:00Z"


def layer(name: str, media_type: str = "") -> Layer:
    diff_id = sha256_digest(name.encode())
    if media_type:
        return Layer(diff_id=diff_id, digest=sha256_digest(b"z" + name.encode()), size=7, media_type=media_type)
    return Layer(diff_id=diff_id, digest=diff_id, size=10)


BASE_LAYERS = (layer("one"), layer("two", LAYER_GZIP))
HISTORY = [
    {"created": "2024-05-01T10:00:00.123456789Z", "created_by": "ADD rootfs # ü"},
    {"created": "2024-05-01T10:00:01Z", "created_by": "CMD bash", "empty_layer": True, "x-vendor": 1},
    {"created": "2024-05-01T10:00:02Z", "created_by": "RUN apt"},
]


def base(**changes: Any) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-05-01T10:00:02Z",
        "author": "somebody",
        "x.vendor": {"kept": [1, 2.5, None]},
        "config": {"Env": ["PATH=/bin"], "Cmd": ["bash"], "OnBuild": ["RUN x"], "x-inner": "kept"},
        "rootfs": {"type": "layers", "diff_ids": [item.diff_id for item in BASE_LAYERS]},
        "history": HISTORY,
        **changes,
    }


def finish(config: dict[str, Any] | None = None, *, own: tuple[str, ...] = ("model",), **changes: Any) -> Image:
    return finish_image(
        base_config=config or base(),
        base_layers=changes.get("base_layers", BASE_LAYERS),
        layers=[(layer(name), f"envbuild: {name}") for name in own],
        config={"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"], "User": "65532:65532"}},
        annotations=changes.get("annotations", {"b": "2", "a": "1"}),
        created=CREATED,
    )


def test_the_config_lists_every_layer_and_one_filled_history_entry_for_each() -> None:
    image = finish(own=("server", "model"))
    config = json.loads(image.config)

    assert config["rootfs"]["diff_ids"] == [item.diff_id for item in image.layers]
    assert sum(1 for entry in config["history"] if not entry.get("empty_layer")) == len(image.layers) == 4
    assert config["history"][-1] == {"created": CREATED, "created_by": "envbuild: model"}
    assert config["created"] == CREATED


def test_the_base_keeps_its_history_descriptors_and_unknown_keys() -> None:
    image = finish()
    config, manifest = json.loads(image.config), json.loads(image.manifest)

    assert config["history"][: len(HISTORY)] == HISTORY
    assert config["x.vendor"] == {"kept": [1, 2.5, None]}
    assert config["author"] == "somebody"
    assert config["config"]["x-inner"] == "kept"
    assert [(entry["digest"], entry["size"], entry["mediaType"]) for entry in manifest["layers"][:2]] == [
        (item.digest, item.size, item.media_type) for item in BASE_LAYERS
    ]


def test_the_settings_are_the_new_ones_alone() -> None:
    config = json.loads(finish().config)["config"]

    assert config == {"Env": ["A=1"], "User": "65532:65532", "x-inner": "kept"}


def test_the_manifest_names_the_config_by_its_exact_bytes() -> None:
    image = finish()
    manifest = json.loads(image.manifest)

    assert manifest["config"]["digest"] == sha256_digest(image.config) == image.config_digest
    assert manifest["config"]["size"] == len(image.config)
    assert manifest["schemaVersion"] == 2
    assert manifest["annotations"] == {"a": "1", "b": "2"}


def test_equal_inputs_in_another_order_give_equal_bytes() -> None:
    turned = dict(reversed(list(base().items())))
    one, other = finish(annotations={"a": "1", "b": "2"}), finish(turned, annotations={"b": "2", "a": "1"})

    assert one.config == other.config
    assert one.manifest == other.manifest
    assert one.config_digest == "sha256:1f2610cf20688141676eabd119c590baa4fb45b8d6d831995ce6b58b5c712358"


def test_another_compression_of_the_base_gives_the_same_image_id() -> None:
    plain = (layer("one"), layer("two"))
    one, other = finish(), finish(base_layers=plain)

    assert one.config_digest == other.config_digest
    assert one.manifest_digest != other.manifest_digest


@pytest.mark.parametrize("history", [[], None, HISTORY[:1], HISTORY * 3])
def test_a_history_that_does_not_fit_its_layers_is_made_to_fit(history: Any) -> None:
    entries = json.loads(finish(base(history=history)).config)["history"]

    assert sum(1 for entry in entries if not entry.get("empty_layer")) == 3
    assert entries[-1]["created_by"] == "envbuild: model"


def test_a_config_of_other_layers_is_refused() -> None:
    with pytest.raises(IntegrityError, match="other layers"):
        finish(base_layers=(layer("one"), layer("three")))


def test_more_layers_than_an_engine_mounts_are_refused() -> None:
    with pytest.raises(UsageError, match="128 layers"):
        finish(own=tuple(f"layer-{number}" for number in range(126)))


def test_docker_types_of_layers_become_those_of_oci() -> None:
    docker = layer("two", "application/vnd.docker.image.rootfs.diff.tar.gzip")
    manifest = json.loads(finish(base_layers=(layer("one"), docker)).manifest)

    assert manifest["layers"][1] == {"mediaType": LAYER_GZIP, "digest": docker.digest, "size": 7}
