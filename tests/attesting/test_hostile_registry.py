"""Images of a registry that are made to exhaust whoever looks at them, or tell of what they are not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_registry import OCI, FaultyRegistry, Handler, serving, tar_of

from envbuild.attesting.attestations import ATTESTATION, IN_TOTO, REFERENCE_DIGEST, REFERENCE_TYPE
from envbuild.attesting.files import read_files
from envbuild.attesting.opened import Opened
from envbuild.attesting.places import in_registry
from envbuild.errors import BaseImageError, EnvbuildError, IntegrityError
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.registry import Registry
from envbuild.oci.remote import RemoteImage
from envbuild.oci.store import Store
from envbuild.oci.transport import Transport

INDEX, MANIFEST, CONFIG = OCI + "index.v1+json", OCI + "manifest.v1+json", OCI + "config.v1+json"
Entry = dict[str, Any]


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    with serving(FaultyRegistry()) as running:
        yield running


@pytest.fixture
def opened(registry: FaultyRegistry, tmp_path: Path) -> Iterator[Callable[[], Opened]]:
    environment = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "none")}
    image = RemoteImage(domain=registry.address, path="team/base", tag="1")
    with Transport(environment, pause=lambda _: None) as transport:

        def look() -> Opened:
            store = Store(tmp_path / "store")
            return in_registry(Registry(image, transport), store, image, platform="", preferred="linux/amd64")

        yield look


def add(registry: FaultyRegistry, content: Any, kind: str = INDEX, *tags: str) -> Entry:
    digest = registry.add_manifest(content, kind, *tags)
    return {"mediaType": kind, "digest": digest, "size": len(registry.manifests[digest][1])}


def index(*entries: Entry, **more: Any) -> Entry:
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries), **more}


def image(registry: FaultyRegistry, layer: bytes = b"", **changes: Any) -> Entry:
    """A manifest of one plain layer; `changes` are to its descriptors, by name."""
    layer = layer or tar_of({"file": b"x"})
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [sha256_digest(layer)]}}
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.put(canonical_json(config), CONFIG) | changes.get("config", {}),
        "layers": [registry.put(layer, OCI + "layer.v1.tar") | changes.get("layer", {})],
    }


def deep(registry: FaultyRegistry) -> None:
    entry = add(registry, image(registry), MANIFEST)
    for _ in range(9):
        entry = add(registry, index(entry), INDEX, "1")


def wide(registry: FaultyRegistry) -> None:
    entries = [add(registry, index(number=number)) for number in range(520)]
    add(registry, index(*entries), INDEX, "1")


def long(registry: FaultyRegistry) -> None:
    add(registry, index(more="x" * (5 << 20)), INDEX, "1")


def nested(registry: FaultyRegistry) -> None:
    add(registry, b'{"manifests":' * 300_000, INDEX, "1")


def many_layers(registry: FaultyRegistry) -> None:
    whole = image(registry)
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:" + "0" * 64] * 20_000}}
    whole["config"] = registry.put(canonical_json(config), CONFIG)
    add(registry, {**whole, "layers": whole["layers"] * 20_000}, MANIFEST, "1")


def long_config(registry: FaultyRegistry) -> None:
    add(registry, {**image(registry), "config": registry.put(b"[" * (5 << 20), CONFIG)}, MANIFEST, "1")


def config_without_end(registry: FaultyRegistry) -> None:
    """The descriptor tells of a small one, and the registry sends on and on."""
    whole = image(registry)
    registry.blobs[whole["config"]["digest"]] += b" " * (64 << 20)
    add(registry, whole, MANIFEST, "1")


def another_config(registry: FaultyRegistry) -> None:
    whole = image(registry)
    digest = whole["config"]["digest"]
    registry.blobs[digest] = registry.blobs[digest].replace(b"amd64", b"arm64")
    add(registry, whole, MANIFEST, "1")


def a_name_for_a_digest(registry: FaultyRegistry) -> None:
    add(registry, image(registry, config={"digest": "../../manifests/1"}), MANIFEST, "1")


@pytest.mark.parametrize(
    "make",
    [deep, wide, long, nested, many_layers, long_config, config_without_end, another_config, a_name_for_a_digest],
)
def test_a_bomb_is_refused_in_words_and_soon(
    registry: FaultyRegistry, opened: Callable[[], Opened], make: Callable[[FaultyRegistry], None]
) -> None:
    make(registry)
    began = time.process_time()
    with pytest.raises(EnvbuildError) as caught:
        opened()
    assert caught.value.message
    assert len(caught.value.message) < 1000
    assert time.process_time() - began < 10
    assert len(registry.asked) <= 510


@pytest.mark.parametrize("spoil", ["longer", "another", "gone"])
def test_a_layer_that_is_not_what_its_digest_says_is_not_read(
    registry: FaultyRegistry, opened: Callable[[], Opened], tmp_path: Path, spoil: str
) -> None:
    whole = image(registry)
    add(registry, whole, MANIFEST, "1")
    digest = whole["layers"][0]["digest"]
    data = registry.blobs[digest]
    if spoil == "gone":
        del registry.blobs[digest]
    else:
        registry.blobs[digest] = data + data if spoil == "longer" else bytes(len(data))
    found = opened()
    with pytest.raises((IntegrityError, BaseImageError)):
        read_files(found.blobs, found.layers, keep=lambda _: True, hashed=lambda _: True)
    assert not (tmp_path / "store/blobs/sha256" / digest[7:]).exists()


def test_what_is_attached_has_an_end(registry: FaultyRegistry, opened: Callable[[], Opened]) -> None:
    """Whoever may write to the repository may attach as much as they like, and list it as often."""
    main = add(registry, image(registry), MANIFEST)
    notes = {REFERENCE_TYPE: ATTESTATION, REFERENCE_DIGEST: main["digest"]}
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": {}}
    attached = []
    for number in range(200):
        layers = [registry.put(json.dumps({**statement, "n": [number, n]}).encode(), IN_TOTO) for n in range(3)]
        content = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}
        attached.append({**add(registry, content, MANIFEST), "annotations": notes})
    add(registry, index(main, *attached), INDEX, "1")

    def referrers(handler: Handler) -> bool:
        if "/referrers/" not in handler.path:
            return False
        handler.answer(200, canonical_json(index(*(attached * 20))), **{"Content-Type": INDEX})
        return True

    registry.faults.append(referrers)
    found = opened()
    assert found.statements == ()
    assert registry.count("GET", "/blobs/") <= 1 + 50 * 3
