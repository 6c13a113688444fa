"""The benchmark's registry: what it stores and what its images consist of, as a real one tells."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import registry as support

from benchmarks import needs
from benchmarks.errors import BenchError
from benchmarks.registry import server
from benchmarks.registry.server import Stored, serving, weigh

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layout(folder: Path, layers: dict[str, bytes]) -> int:
    """An OCI layout with an image of such layers, by what made them; the bytes of all its blobs."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}

    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(d).hexdigest()}" for d in layers.values()]},
        # What leaves no layer stands in the history too.
        "history": [{"created_by": "ENV A=b", "empty_layer": True}, *({"created_by": name} for name in layers)],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put(json.dumps(config).encode(), CONFIG),
        "layers": [put(gzip.compress(data, mtime=0), LAYER) for data in layers.values()],
    }
    top = {"schemaVersion": 2, "manifests": [put(json.dumps(manifest).encode(), MANIFEST)]}
    (folder / "index.json").write_text(json.dumps(top))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return sum(path.stat().st_size for path in blobs.iterdir())


@pytest.mark.registry
def test_bytes_are_those_of_blobs_and_a_shared_one_counts_once(tmp_path: Path) -> None:
    base, one, two = (os.urandom(size) for size in (50_000, 10_000, 7_000))
    first = layout(tmp_path / "one", {"base": base, "COPY dir:a": one})
    second = layout(tmp_path / "two", {"base": base, "COPY dir:b": two})
    shared = len(gzip.compress(base, mtime=0))
    with serving(tmp_path / "registry") as found:
        assert found.stored() == 0
        support.push(tmp_path / "one", found.address, "bench/one:1")
        assert found.stored() == first
        support.push(tmp_path / "two", found.address, "bench/two:1")
        assert found.stored() == first + second - shared
        layers = found.layers("bench/two", "1")
        assert [layer.made_by for layer in layers] == ["base", "COPY dir:b"]
        assert [layer.size for layer in layers] == [len(gzip.compress(data, mtime=0)) for data in (base, two)]
        assert found.layers("bench/one", "1")[0] == layers[0]
        with pytest.raises(BenchError, match="answered 404 for /v2/bench/one/manifests/2"):
            found.layers("bench/one", "2")
        pid = found.pid
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(BenchError, match="does not answer"):
        found.layers("bench/one", "1")


@pytest.mark.registry
def test_a_registry_that_does_not_start_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CONFIG", "version: 0.1\nstorage: {{none: {{}}}}\n")
    with pytest.raises(BenchError, match=r"(?s)does not start:.*none"), serving(tmp_path):
        pass


@pytest.mark.registry
def test_the_registry_tells_its_version() -> None:
    told = subprocess.run(["docker-registry", "--version"], capture_output=True, text=True, check=True).stdout
    assert server.version() in told
    assert server.version()[0].isdigit()


def test_the_weights_are_found_by_the_history_or_it_is_said() -> None:
    layers = (
        Stored(made_by="envbuild: numpy", digest="sha256:a", size=5),
        Stored(made_by="envbuild: model", digest="sha256:b", size=7),
    )
    assert weigh(layers, "envbuild: model") == layers[1:]
    with pytest.raises(BenchError, match="no layer of the image says that it holds the model"):
        weigh(layers, "COPY dir:")


def test_a_disk_that_is_too_small_is_told_before_anything_is_made(tmp_path: Path) -> None:
    needs.space(tmp_path, 1)
    with pytest.raises(BenchError, match=r"1000000\.0 GB are needed: make room"):
        needs.space(tmp_path, 10**15)
