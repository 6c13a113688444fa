"""Of an index that claim is believed by which engines choose, and what disagrees with it is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from tinyimages import tar_of

from envbuild.attesting.attestations import ATTESTATION, REFERENCE_DIGEST, REFERENCE_TYPE
from envbuild.attesting.opened import Opened
from envbuild.attesting.places import in_layout
from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store
from envbuild.oci.types import CONFIG, INDEX, MANIFEST

AMD, Z = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "s390x"}
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
Entry = dict[str, Any]


class Hub:
    """A layout whose index leads to images of any claims."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "store")
        self.folder = folder / "layout"
        write_layout(self._image({"a": "1"}), ["x:1"], self.store, self.folder)

    def _image(self, files: dict[str, str | bytes]) -> Any:
        return tinyimages.image(self.store, [tar_of(files)])

    def _put(self, value: Any, kind: str) -> Entry:
        data = canonical_json(value)
        digest = sha256_digest(data)
        (self.folder / "blobs/sha256" / digest[7:]).write_bytes(data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def image(self, name: str, said: Entry, **manifest: Any) -> Entry:
        """The descriptor of an image of its own, whose config (`said`) and manifest have these keys."""
        made = self._image({name: "1"})
        write_layout(made, [f"x:{name}"], self.store, self.folder)
        whole = json.loads(made.config)
        whole = {key: value for key, value in whole.items() if key not in ("os", "architecture")} | said
        content = {**json.loads(made.manifest), "config": self._put(whole, CONFIG), **manifest}
        return self._put(content, MANIFEST)

    def opened(self, *entries: Entry) -> Opened:
        """What is found for linux/amd64."""
        index = self._put({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)
        (self.folder / "index.json").write_bytes(canonical_json({"schemaVersion": 2, "manifests": [index]}))
        with in_layout(self.folder, platform="linux/amd64", preferred="linux/amd64") as found:
            return found


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def swapped(hub: Hub) -> list[Entry]:
    return [{**hub.image("evil", Z), "platform": AMD}, {**hub.image("good", AMD), "platform": Z}]


def of_no_variant(hub: Hub) -> list[Entry]:
    evil = hub.image("evil", {**AMD, "variant": "unknown"})
    return [{**evil, "platform": AMD}, {**hub.image("good", AMD), "platform": Z}]


def for_nobody(hub: Hub) -> list[Entry]:
    return [{**hub.image("evil", UNKNOWN), "platform": AMD}, hub.image("good", AMD)]


def in_other_words(hub: Hub) -> list[Entry]:
    claimed = {"os": "Linux", "architecture": "x86_64"}
    return [{**hub.image("evil", Z), "platform": claimed}, {**hub.image("good", AMD), "platform": AMD}]


def twice(hub: Hub) -> list[Entry]:
    """The same manifest, first as something that is attached."""
    evil = hub.image("evil", Z)
    return [{**evil, "platform": UNKNOWN}, {**evil, "platform": AMD}, hub.image("good", AMD)]


def attesting(hub: Hub) -> list[Entry]:
    good = hub.image("good", AMD)
    notes = {REFERENCE_TYPE: ATTESTATION, REFERENCE_DIGEST: good["digest"]}
    return [{**hub.image("evil", Z), "platform": AMD, "annotations": notes}, good]


def of_another_type(hub: Hub) -> list[Entry]:
    return [{**hub.image("evil", AMD), "platform": AMD, "mediaType": "x/y"}, hub.image("good", AMD)]


def of_another_config(hub: Hub) -> list[Entry]:
    evil = hub.image("evil", AMD, config={"mediaType": "x/y", "digest": "sha256:" + "0" * 64, "size": 2})
    return [{**evil, "platform": AMD}, hub.image("good", AMD)]


@pytest.mark.parametrize(
    "make",
    [swapped, of_no_variant, for_nobody, in_other_words, twice, attesting, of_another_type, of_another_config],
)
def test_what_claims_a_platform_is_an_image_for_it_or_an_error(hub: Hub, make: Callable[[Hub], list[Entry]]) -> None:
    with pytest.raises(IntegrityError, match=r"names .* as an image for linux/amd64, and"):
        hub.opened(*make(hub))


@pytest.mark.parametrize("claims", [{}, {"platform": AMD}])
@pytest.mark.parametrize("more", [{"subject": {"digest": "sha256:" + "0" * 64}}, {"artifactType": "x/y"}])
def test_an_image_that_calls_itself_something_else_is_still_run_and_so_still_one(
    hub: Hub, claims: Entry, more: Entry
) -> None:
    with pytest.raises(BaseImageError, match="holds 2 images for linux/amd64"):
        hub.opened({**hub.image("evil", AMD, **more), **claims}, {**hub.image("good", AMD), **claims})


def test_an_image_in_the_coat_of_an_attestation_is_one(hub: Hub) -> None:
    good = hub.image("good", AMD)
    notes = {REFERENCE_TYPE: ATTESTATION, REFERENCE_DIGEST: good["digest"]}
    with pytest.raises(BaseImageError, match="holds 2 images"):
        hub.opened({**hub.image("evil", AMD), "annotations": notes}, good)


@pytest.mark.parametrize(
    ("claim", "config", "platform"),
    [
        (AMD, AMD, "linux/amd64"),
        ({"os": "linux", "architecture": "x86_64"}, AMD, "linux/amd64"),
        (AMD, {**AMD, "variant": "v1"}, "linux/amd64/v1"),
        ({**AMD, "variant": "v2"}, AMD, "linux/amd64/v2"),
        ({}, {"architecture": "amd64"}, "linux/amd64"),
    ],
)
def test_an_entry_and_a_config_that_agree_are_an_image(hub: Hub, claim: Entry, config: Entry, platform: str) -> None:
    good = {**hub.image("good", config), "platform": claim}
    other = {**hub.image("other", Z), "platform": Z}
    attached = {**hub.image("attached", UNKNOWN), "platform": UNKNOWN}
    found = hub.opened(other, attached, good)
    assert (found.platform, found.manifest_digest) == (platform, good["digest"])
    assert found.platforms == ("linux/s390x", platform)


def test_a_signature_in_the_form_of_an_image_is_for_no_platform(hub: Hub) -> None:
    good = hub.image("good", AMD)
    attached = hub.image("signature", {"os": "", "architecture": ""}, subject={"digest": good["digest"]})
    assert hub.opened(attached, good).manifest_digest == good["digest"]
