"""What refers to an image, in a registry that keeps no list of it: what others have there is never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.errors import NetworkError
from envbuild.oci.canonical import canonical_json
from envbuild.oci.remote import RemoteImage
from envbuild.oci.transport import Transport
from envbuild.oci.types import INDEX, MANIFEST, Artifact
from envbuild.oci.uploads import Uploads
from envbuild.shipping.referring import refer

SUBJECT = "sha256:" + "a" * 64
TAG = SUBJECT.replace(":", "-")
OTHER = {"mediaType": MANIFEST, "digest": "sha256:" + "b" * 64, "size": 5, "artifactType": "application/x"}
ARTIFACT = Artifact(
    manifest=canonical_json(
        {"artifactType": "application/y", "config": None, "layers": [], "subject": {"digest": SUBJECT}}
    ),
    blobs=(),
)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def uploads(registry: WritableRegistry) -> Iterator[Uploads]:
    with Transport(pause=lambda _: None) as transport:
        yield Uploads(RemoteImage(domain=registry.address, path="team/model"), transport)


def listed(registry: WritableRegistry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(registry.manifests["team/model", TAG])["manifests"]
    return found


def has_others(registry: WritableRegistry) -> None:
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [OTHER]}
    registry.manifests["team/model", TAG] = canonical_json(index)


def asked_for_the_list(handler: Writer) -> bool:
    return handler.command == "GET" and handler.path.endswith(TAG)


def test_what_others_list_stays(registry: WritableRegistry, uploads: Uploads) -> None:
    has_others(registry)
    refer(ARTIFACT, uploads)
    refer(ARTIFACT, uploads)
    assert [entry["digest"] for entry in listed(registry)] == [OTHER["digest"], ARTIFACT.digest]


def test_where_nobody_lists_anything_a_list_is_begun(registry: WritableRegistry, uploads: Uploads) -> None:
    refer(ARTIFACT, uploads)
    assert [entry["digest"] for entry in listed(registry)] == [ARTIFACT.digest]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>please log in</html>",
        b'{"manifests": [',
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"manifests": {}}',
        b'{"manifests": ["text"]}',
        b'{"layers": [], "config": {}}',
        b"\xff\xfe",
    ],
)
def test_a_list_that_cannot_be_read_is_not_replaced(registry: WritableRegistry, uploads: Uploads, body: bytes) -> None:
    has_others(registry)
    registry.faults.append(lambda handler: asked_for_the_list(handler) and not handler.answer(200, body))
    with pytest.raises(NetworkError, match="no index"):
        refer(ARTIFACT, uploads)
    assert listed(registry) == [OTHER]


def test_a_list_that_breaks_off_is_read_again(registry: WritableRegistry, uploads: Uploads) -> None:
    has_others(registry)
    left = [2]

    def break_off(handler: Writer) -> bool:
        if not asked_for_the_list(handler) or not left[0]:
            return False
        left[0] -= 1
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"manifests": []')
        return handler.hang_up()

    registry.faults.append(break_off)
    refer(ARTIFACT, uploads)
    assert [entry["digest"] for entry in listed(registry)] == [OTHER["digest"], ARTIFACT.digest]


def test_one_that_always_breaks_off_is_told_and_not_replaced(registry: WritableRegistry, uploads: Uploads) -> None:
    has_others(registry)

    def break_off(handler: Writer) -> bool:
        if not asked_for_the_list(handler):
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        return handler.hang_up()

    registry.faults.append(break_off)
    with pytest.raises(NetworkError, match="tried 4 times"):
        refer(ARTIFACT, uploads)
    assert listed(registry) == [OTHER]
