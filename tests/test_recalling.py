"""What a registry says of wheels: believed for the push at hand where a wheel is not here, and never of one that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinyimages import locked
from tinywheels import make_wheel
from writable_registry import WritableRegistry, serving

from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.reference import parse_reference
from envbuild.oci.store import Store
from envbuild.oci.types import CONFIG, MANIFEST
from envbuild.options import PushOptions
from envbuild.progress import SILENT
from envbuild.recalling import Recalling
from envbuild.resolver.contents import as_json, read_contents, wheel_key
from envbuild.resolver.handing import contents_record, unknown_wheels, with_sizes
from envbuild.resolver.types import Lock
from envbuild.shipping.recall import PACKAGES, packages_artifact


class Bench:
    """A registry with an image whose record of its wheels says what it is told to, and an empty machine."""

    def __init__(self, registry: WritableRegistry, folder: Path) -> None:
        self.registry = registry
        self.wheels = [make_wheel(folder, "a", files={"a.py": "x = 1\n"}), make_wheel(folder, "b")]
        packages = tuple(map(locked, self.wheels))
        self.lock = Lock(packages=packages, python="3.11.2", platform="manylinux_2_36_x86_64", requirements=())
        self.store = Store(folder / "empty")
        other = Store(folder / "other")
        for wheel in self.wheels:
            other.put(wheel.read_bytes())
        self.truth = read_contents(self.lock, other)
        record = contents_record(self.lock, other, {})
        assert record is not None
        self.record = record

    def lie(self) -> None:
        """Have the registry say that the first wheel holds another module, and is another size."""
        said = {**as_json(self.truth["a"]), "modules": "lie", "size": 7}
        self.push({**self.record, "wheels": {**self.record["wheels"], self.lock.packages[0].sha256: said}})

    def push(self, record: dict[str, Any]) -> None:
        artifact = packages_artifact(record)
        blobs = self.registry.blobs
        for data in (*artifact.blobs, CONFIG_BYTES):
            blobs["team/model", sha256_digest(data)] = data
        self.registry.manifests["team/model", artifact.digest] = artifact.manifest
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": sha256_digest(CONFIG_BYTES), "size": len(CONFIG_BYTES)},
            "layers": [],
            "annotations": {PACKAGES: artifact.digest},
        }
        self.registry.manifests["team/model", "1"] = canonical_json(manifest)

    def recalling(self) -> Recalling:
        names = [parse_reference(f"{self.registry.address}/team/model:1")]
        return Recalling(names, PushOptions(), platform="linux/amd64", progress=SILENT)


CONFIG_BYTES = canonical_json({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with serving(WritableRegistry()) as running:
        yield Bench(running, tmp_path)


def test_what_is_told_of_wheels_stands_in_for_wheels_that_are_not_here(bench: Bench) -> None:
    bench.push(bench.record)
    told = bench.recalling().contents(bench.lock, bench.store)
    assert told == bench.truth
    assert read_contents(bench.lock, bench.store, told=told) == bench.truth
    assert contents_record(bench.lock, bench.store, told) == bench.record
    unsized = replace(bench.lock, packages=tuple(replace(p, size=0) for p in bench.lock.packages))
    assert with_sizes(unsized, bench.store, told) == bench.lock


def test_it_is_not_remembered(bench: Bench) -> None:
    bench.lie()
    told = bench.recalling().contents(bench.lock, bench.store)
    assert read_contents(bench.lock, bench.store, told=told)["a"].modules == {"lie"}
    assert contents_record(bench.lock, bench.store, told) is not None
    assert len(unknown_wheels(bench.lock, bench.store)) == 2
    assert contents_record(bench.lock, bench.store, {}) is None
    for wheel in bench.wheels:
        bench.store.put(wheel.read_bytes())
    assert read_contents(bench.lock, bench.store) == bench.truth


@pytest.mark.parametrize("read", [False, True])
def test_a_wheel_that_is_here_is_read_and_not_told_of(bench: Bench, read: bool) -> None:
    bench.lie()
    bench.store.put(bench.wheels[0].read_bytes())
    recalling = bench.recalling()
    if read:
        package = bench.lock.packages[0]
        bench.store.put_key(wheel_key(package, bench.lock), as_json(bench.truth["a"]))
    told = recalling.contents(bench.lock, bench.store)
    assert set(told) == {"b"}
    assert read_contents(bench.lock, bench.store, told={**told, "a": bench.truth["b"]}) == bench.truth
    assert contents_record(bench.lock, bench.store, told) == bench.record


def test_the_registry_is_asked_once_and_only_where_something_is_not_known(bench: Bench) -> None:
    bench.push(bench.record)
    recalling = bench.recalling()
    recalling.contents(bench.lock, bench.store)
    asked = len(bench.registry.asked)
    assert asked
    recalling.contents(bench.lock, bench.store)
    assert len(bench.registry.asked) == asked
    for wheel in bench.wheels:
        bench.store.put(wheel.read_bytes())
    assert bench.recalling().contents(bench.lock, bench.store) == {}
    assert len(bench.registry.asked) == asked


@pytest.mark.parametrize("change", [{"python": "3.10"}, {"machine": "aarch64"}, {"revision": 0}, {"wheels": []}])
def test_a_record_for_something_else_says_nothing(bench: Bench, change: dict[str, Any]) -> None:
    bench.push({**bench.record, **change})
    assert bench.recalling().contents(bench.lock, bench.store) == {}
