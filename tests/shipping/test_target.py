"""Bringing blobs to one repository, beside another build that brings the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.oci.remote import RemoteImage
from envbuild.oci.store import Store
from envbuild.oci.transport import Transport
from envbuild.progress import SILENT
from envbuild.shipping.gone import GoneLayerError
from envbuild.shipping.target import Blob, Target

LARGE = b"a blob that another build sends"
GONE = Blob(digest="sha256:" + "0" * 64, size=1, path=None)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def held(registry: WritableRegistry, store: Store) -> Iterator[Blob]:
    """A blob that another build sends, and is not done with before the test is."""
    digest = store.put(LARGE)
    blob = Blob(digest=digest, size=len(LARGE), path=store.blob(digest))
    begun, on = threading.Event(), threading.Event()

    def wait(handler: Writer) -> bool:
        if handler.command == "PUT":
            begun.set()
            on.wait(20)
        return False

    registry.faults.append(wait)
    with Transport() as transport:
        other = threading.Thread(target=lambda: list(target(registry, transport, store).bring_all([blob])))
        other.start()
        assert begun.wait(10)
        try:
            yield blob
        finally:
            on.set()
            other.join()


def target(registry: WritableRegistry, transport: Transport, store: Store) -> Target:
    return Target(RemoteImage(domain=registry.address, path="team/model"), transport, store, {}, SILENT)


def test_a_failure_is_told_though_another_build_still_sends_a_blob(
    registry: WritableRegistry, store: Store, held: Blob
) -> None:
    began = time.monotonic()
    with Transport() as transport, pytest.raises(GoneLayerError):
        list(target(registry, transport, store).bring_all([held, GONE]))
    assert time.monotonic() - began < 10


def test_a_stop_does_not_wait_for_another_build(registry: WritableRegistry, store: Store, held: Blob) -> None:
    began = time.monotonic()
    with Transport() as transport:
        timer = threading.Timer(0.2, transport.stop.set)
        timer.start()
        assert list(target(registry, transport, store).bring_all([held])) == []
        timer.join()
    assert time.monotonic() - began < 10


def test_what_another_build_has_sent_is_not_sent_again(registry: WritableRegistry, store: Store) -> None:
    digest = store.put(LARGE)
    blob = Blob(digest=digest, size=len(LARGE), path=store.blob(digest))
    with Transport() as transport:

        def bring() -> None:
            list(target(registry, transport, store).bring_all([blob]))

        both = [threading.Thread(target=bring) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
    assert registry.problems() == []
    assert registry.received == len(LARGE)
