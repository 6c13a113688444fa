"""An assembled base is told by the image itself: nobody has to have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tinyimages import put_layer, tar_of

from envbuild.attesting.layers import in_store
from envbuild.attesting.opened import Opened
from envbuild.bases.manifest import assembled_config
from envbuild.oci.image import finish_image
from envbuild.oci.store import Store
from envbuild.rebasing.parts import apt_of, assembled_base_config


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    import json

    store = Store(tmp_path / "store")
    base, own = (put_layer(store, tar_of({name: name})) for name in ("base", "own"))
    image = finish_image(
        base_config=assembled_config("debian:bookworm", "arm64", base, ("libodbc2", "libgomp1")),
        base_layers=[base],
        layers=[(own, "envbuild: model")],
        config={"architecture": "arm64", "os": "linux", "variant": "v8", "config": {}},
        annotations={},
        created="1980-01-01T00:00:00Z",
    )
    return Opened(
        name="tiny",
        platform="linux/arm64/v8",
        platforms=("linux/arm64/v8",),
        config=json.loads(image.config),
        config_digest=image.config_digest,
        manifest_digest=image.manifest_digest,
        index_digest="",
        annotations={},
        layers=image.layers,
        blobs=in_store(store),
    )


def test_its_config_is_read_off_the_image(opened: Opened) -> None:
    found = assembled_base_config(opened, "debian:bookworm")
    assert found == assembled_config("debian:bookworm", "arm64", opened.layers[0], ("libodbc2", "libgomp1"))
    assert found is not None
    assert apt_of(found) == ("libodbc2", "libgomp1")


def test_another_history_tells_of_no_assembled_base(opened: Opened) -> None:
    assert assembled_base_config(opened, "debian:trixie") is None
    for history in ([], None, ["x"], [{"created_by": 7}], [{"created_by": "envbuild base"}]):
        assert assembled_base_config(replace(opened, config={**opened.config, "history": history}), "debian:x") is None
