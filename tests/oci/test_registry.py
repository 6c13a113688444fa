"""Reading from one repository of a registry whose connections break."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.oci.canonical import canonical_json
from envbuild.oci.registry import Registry
from envbuild.oci.remote import RemoteImage
from envbuild.oci.transport import Transport
from envbuild.oci.types import INDEX

SUBJECT = "sha256:" + "a" * 64
ENTRY = {"digest": "sha256:" + "b" * 64, "size": 5}


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def registry(running: WritableRegistry) -> Iterator[Registry]:
    with Transport(pause=lambda _: None) as transport:
        yield Registry(RemoteImage(domain=running.address, path="team/model"), transport)


def test_a_list_of_referrers_that_breaks_off_is_read_again(running: WritableRegistry, registry: Registry) -> None:
    index = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [ENTRY]})
    asked: list[int] = []

    def answer(handler: Writer) -> bool:
        if "/referrers/" not in handler.path:
            return False
        asked.append(1)
        if len(asked) == 3:
            handler.answer(200, index)
            return True
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(index)))
        handler.end_headers()
        handler.wfile.write(index[:10])
        return handler.hang_up()

    running.faults.append(answer)
    assert registry.referrers(SUBJECT) == [ENTRY]
    assert len(asked) == 3


def test_a_registry_without_such_a_list_is_asked_for_the_tag_in_its_place(
    running: WritableRegistry, registry: Registry
) -> None:
    assert registry.referrers(SUBJECT) == []
    running.manifests["team/model", SUBJECT.replace(":", "-")] = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [ENTRY]}
    )
    assert registry.referrers(SUBJECT) == [ENTRY]


@pytest.mark.parametrize("page", [b"<html>Welcome</html>", b"[]", b"[" * 100_000], ids=["html", "list", "deep"])
def test_a_page_in_the_place_of_that_list_is_none(running: WritableRegistry, registry: Registry, page: bytes) -> None:
    def answer(handler: Writer) -> bool:
        if "/referrers/" not in handler.path:
            return False
        handler.answer(200, page)
        return True

    running.faults.append(answer)
    assert registry.referrers(SUBJECT) == []
    running.manifests["team/model", SUBJECT.replace(":", "-")] = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [ENTRY]}
    )
    assert registry.referrers(SUBJECT) == [ENTRY]
