"""What a registry says of an earlier build: believed of the names that were given, and only as far as it fits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from writable_registry import WritableRegistry, serving

from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.remote import RemoteImage
from envbuild.oci.types import CONFIG, INDEX, LAYER_GZIP, MANIFEST
from envbuild.shipping.recall import COMPRESSOR, KEY, PACKAGES, Recalled, packages_artifact, recall, recall_packages

DIFF = "sha256:" + "d" * 64
BLOB = "sha256:" + "b" * 64
NOTE = {KEY: "sha256:key", COMPRESSOR: "gzip-1"}


@pytest.fixture(autouse=True)
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))


@pytest.fixture
def registry() -> Iterator[WritableRegistry]:
    with serving(WritableRegistry()) as running:
        yield running


def store(registry: WritableRegistry, raw: bytes, *, repository: str = "team/model") -> dict[str, Any]:
    digest = sha256_digest(raw)
    registry.blobs[repository, digest] = raw
    return {"digest": digest, "size": len(raw)}


def add(registry: WritableRegistry, *notes: Any, tag: str = "1", diff_ids: tuple[str, ...] = (), **more: Any) -> None:
    """An image with a layer for each of `notes`, which are its annotations; `more` are members of the manifest."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids or [DIFF] * len(notes))},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **store(registry, canonical_json(config))},
        "layers": [
            {"mediaType": LAYER_GZIP, "digest": BLOB, "size": 7, **({"annotations": note} if note else {})}
            for note in notes
        ],
        **more,
    }
    registry.manifests["team/model", tag] = canonical_json(manifest)


def recalled(
    registry: WritableRegistry, *tags: str, compressor: str = "gzip-1"
) -> tuple[tuple[Recalled, ...], tuple[str, ...]]:
    names = [RemoteImage(domain=registry.address, path="team/model", tag=tag) for tag in tags or ("1",)]
    return recall(names, platform="linux/amd64", compressor=compressor)


def test_a_layer_is_known_by_its_key_with_the_diff_id_of_the_config(registry: WritableRegistry) -> None:
    add(registry, None, NOTE)
    ((found,), reasons) = recalled(registry)
    assert reasons == ()
    (layer,) = found.layers.values()
    assert (layer.diff_id, layer.digest, layer.size, layer.media_type) == (DIFF, BLOB, 7, LAYER_GZIP)
    assert list(found.layers) == ["sha256:key"]


def test_a_name_that_is_not_there_offers_nothing_and_is_no_trouble(registry: WritableRegistry) -> None:
    add(registry, NOTE, tag="2")
    assert recalled(registry, "1") == ((), ())


def test_layers_of_another_compressor_are_passed_over(registry: WritableRegistry) -> None:
    add(registry, NOTE)
    ((found,), _) = recalled(registry, compressor="gzip-2")
    assert found.layers == {}


@pytest.mark.parametrize("note", [{KEY: "k"}, {COMPRESSOR: "gzip-1"}, {KEY: 5, COMPRESSOR: "gzip-1"}, "text", ["list"]])
def test_an_annotation_that_is_none_offers_nothing(registry: WritableRegistry, note: Any) -> None:
    add(registry, note)
    ((found,), reasons) = recalled(registry)
    assert (found.layers, reasons) == ({}, ())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.update(layers=content["layers"] * 2),
        lambda content: content["layers"][0].update(digest="sha256:short"),
        lambda content: content["layers"][0].update(size=-1),
        lambda content: content["layers"][0].update(mediaType="application/x-tar"),
        lambda content: content.update(config={}),
        lambda content: content.update(artifactType="application/x"),
        lambda content: content.update(layers={}),
        lambda content: content.update(manifests=[]),
        lambda content: content.update(schemaVersion=1),
    ],
)
def test_a_manifest_that_makes_no_sense_is_passed_over_with_the_reason(registry: WritableRegistry, spoil: Any) -> None:
    add(registry, NOTE)
    content = json.loads(registry.manifests["team/model", "1"])
    spoil(content)
    registry.manifests["team/model", "1"] = canonical_json(content)
    found, reasons = recalled(registry)
    assert found == ()
    assert len(reasons) == 1
    assert "is no cache of layers" in reasons[0]


def test_a_config_that_was_altered_is_not_believed(registry: WritableRegistry) -> None:
    add(registry, NOTE)
    entry = json.loads(registry.manifests["team/model", "1"])["config"]
    raw = registry.blobs["team/model", entry["digest"]]
    registry.blobs["team/model", entry["digest"]] = raw.replace(DIFF.encode(), b"sha256:" + b"e" * 64)
    found, reasons = recalled(registry)
    assert found == ()
    assert "has another hash" in reasons[0]


def test_an_index_leads_to_the_image_of_the_platform(registry: WritableRegistry) -> None:
    add(registry, NOTE)
    raw = registry.manifests["team/model", "1"]
    digest = sha256_digest(raw)
    registry.manifests["team/model", digest] = raw
    entries = [
        {"mediaType": MANIFEST, "digest": "sha256:" + "0" * 64, "size": 1, "platform": {"os": "unknown"}},
        {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": len(raw),
            "platform": {"os": "linux", "architecture": "amd64"},
        },
    ]
    registry.manifests["team/model", "1"] = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    )
    ((found,), _) = recalled(registry)
    assert list(found.layers) == ["sha256:key"]


def test_what_the_wheels_hold_comes_back_as_it_was_told(registry: WritableRegistry) -> None:
    record = {"revision": 3, "wheels": {"a": {"modules": "x y"}}}
    artifact = packages_artifact(record)
    for data in artifact.blobs:
        store(registry, data)
    registry.manifests["team/model", artifact.digest] = artifact.manifest
    add(registry, NOTE, annotations={PACKAGES: artifact.digest})
    ((found,), _) = recalled(registry)
    assert recall_packages(found) == record


@pytest.mark.parametrize(
    "named", ["latest", "../../other/model/manifests/1", "sha256:short", "sha256:" + "A" * 64, "md5:x"]
)
def test_a_record_is_asked_for_by_its_digest_alone(registry: WritableRegistry, named: str) -> None:
    """A tag, or a path, would lead to what nobody compares with anything."""
    artifact = packages_artifact({"wheels": {}})
    for data in artifact.blobs:
        store(registry, data)
    registry.faults.append(lambda handler: named in handler.path and not handler.answer(200, artifact.manifest))
    add(registry, NOTE, annotations={PACKAGES: named})
    ((found,), _) = recalled(registry)
    assert found.packages == ""
    asked = len(registry.asked)
    assert recall_packages(Recalled(image=found.image, packages=named)) is None
    assert len(registry.asked) == asked


def test_nor_is_a_path_taken_for_the_blob_of_a_record(registry: WritableRegistry) -> None:
    manifest = json.loads(packages_artifact({"wheels": {}}).manifest)
    manifest["layers"][0]["digest"] = "../manifests/1"
    raw = canonical_json(manifest)
    registry.manifests["team/model", sha256_digest(raw)] = raw
    add(registry, NOTE, annotations={PACKAGES: sha256_digest(raw)})
    ((found,), _) = recalled(registry)
    before = registry.count("GET", "blobs")
    assert recall_packages(found) is None
    assert registry.count("GET", "blobs") == before


@pytest.mark.parametrize(
    "manifest",
    [
        b"{}",
        b"[1",
        canonical_json({"artifactType": "other", "layers": []}),
        canonical_json({"layers": [{"digest": BLOB, "size": 1 << 40}]}),
    ],
)
def test_what_is_no_record_of_wheels_says_nothing(registry: WritableRegistry, manifest: bytes) -> None:
    digest = sha256_digest(manifest)
    add(registry, NOTE, annotations={PACKAGES: digest})
    ((found,), _) = recalled(registry)
    assert recall_packages(found) is None
    registry.manifests["team/model", digest] = manifest
    assert recall_packages(found) is None


def deep_index(registry: WritableRegistry) -> None:
    raw = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    for _ in range(8):
        digest = sha256_digest(raw)
        registry.manifests["team/model", digest] = raw
        entry = {"mediaType": INDEX, "digest": digest, "size": len(raw)}
        raw = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    registry.manifests["team/model", "1"] = raw


def long_manifest(registry: WritableRegistry) -> None:
    add(registry, NOTE, annotations={"long": "x" * (5 << 20)})


def many_layers(registry: WritableRegistry) -> None:
    add(registry, *[NOTE] * 15_000, diff_ids=(DIFF,))


def long_config(registry: WritableRegistry) -> None:
    add(registry, NOTE)
    content = json.loads(registry.manifests["team/model", "1"])
    content["config"].update(store(registry, b"[" * (5 << 20)))
    registry.manifests["team/model", "1"] = canonical_json(content)


def nested_config(registry: WritableRegistry) -> None:
    add(registry, NOTE)
    content = json.loads(registry.manifests["team/model", "1"])
    content["config"].update(store(registry, b"[" * (1 << 20)))
    registry.manifests["team/model", "1"] = canonical_json(content)


@pytest.mark.parametrize("make", [deep_index, long_manifest, many_layers, long_config, nested_config])
def test_a_bomb_offers_nothing_and_is_told(
    registry: WritableRegistry, make: Callable[[WritableRegistry], None]
) -> None:
    make(registry)
    began = time.process_time()
    found, reasons = recalled(registry)
    assert found == ()
    assert len(reasons) == 1
    assert len(reasons[0]) < 1000
    assert time.process_time() - began < 10


@pytest.mark.parametrize("data", [b"[" * (5 << 20), b"{" * 100_000, b'{"wheels": ' + b"[" * 100_000])
def test_a_record_that_is_a_bomb_says_nothing(registry: WritableRegistry, data: bytes) -> None:
    artifact = packages_artifact({})
    manifest = json.loads(artifact.manifest)
    manifest["layers"][0].update(store(registry, data))
    raw = canonical_json(manifest)
    registry.manifests["team/model", sha256_digest(raw)] = raw
    add(registry, NOTE, annotations={PACKAGES: sha256_digest(raw)})
    ((found,), _) = recalled(registry)
    assert recall_packages(found) is None


def test_a_registry_that_is_gone_is_a_reason_and_no_error(registry: WritableRegistry) -> None:
    names = [RemoteImage(domain="127.0.0.1:1", path="team/model", tag="1")]
    found, reasons = recall(names, platform="linux/amd64", compressor="gzip-1")
    assert found == ()
    assert len(reasons) == 1
