"""A rebased image in a registry: what is there is neither fetched nor sent, and what is gone is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rebasebench import Bench, moved, opened, pushed
from registry import push as copied
from registry import registry
from writable_registry import WritableRegistry, serving

from envbuild.attesting.opened import Opened
from envbuild.describing import Wanted
from envbuild.errors import BaseImageError
from envbuild.oci.store import Store


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def seen(name: str, bench: Bench) -> Opened:
    return opened(f"docker://{name}", bench.store)


def held_of(image: Opened, store: Store) -> dict[str, bool]:
    """Whether the store has each of the layers that envbuild laid."""
    titles = [text["created_by"].removeprefix("envbuild: ") for text in image.config["history"][3:]]
    return {title: store.has(layer.digest) for title, layer in zip(titles, image.layers[2:], strict=True)}


@pytest.mark.registry
def test_only_the_base_and_what_names_it_are_sent(bench: Bench, first: str, address: str) -> None:
    name = f"{address}/team/tiny"
    pushed(bench, first, f"{name}:1")
    base = bench.base()
    store = Store(bench.new("cache") / "store")
    found = moved(bench, f"{name}:1", base, f"{name}:2", store=store, old_base=first)
    assert found.pushed is not None
    # The layer that the bases do not share, and the config; what the wheels hold lies beside the image already.
    assert (found.pushed.uploaded, found.pushed.mounted) == (2, 0)
    before, after = seen(f"{name}:1", bench), seen(f"{name}:2", bench)
    assert after.layers[2:] == before.layers[2:]
    assert after.layer_annotations == before.layer_annotations
    assert after.annotations["dev.envbuild.packages"] == before.annotations["dev.envbuild.packages"]
    # A build on that base is that image, down to the manifest.
    # What the wheels ask for stands beside the image: none of their layers was fetched.
    assert [title for title, held in held_of(before, store).items() if held] == [
        "server envbuild",
        "model",
        "what it was made from",
    ]
    wanted = pushed(bench, base, f"{address}/team/other:1")
    assert wanted.config_digest == found.config_digest
    assert wanted.manifest_digest == found.manifest_digest == after.manifest_digest


@pytest.mark.registry
@pytest.mark.slow
def test_no_layer_of_the_model_is_fetched(bench: Bench, first: str, address: str) -> None:
    """What is read are the server's layer, the record, and what may hold programs: no large file."""
    name = f"{address}/team/large:1"
    weights = bench.model / "weights.safetensors"
    weights.write_bytes(bytes(65 << 20))
    try:
        pushed(bench, first, name)
    finally:
        weights.unlink()
    store = Store(bench.new("cache") / "store")
    moved(bench, name, bench.base(), f"{address}/team/large:2", store=store, old_base=first)
    assert not held_of(seen(name, bench), store)["weights.safetensors"]


@pytest.mark.registry
def test_another_repository_takes_the_layers_over(bench: Bench, first: str, address: str) -> None:
    pushed(bench, first, f"{address}/team/one:1")
    own = len(seen(f"{address}/team/one:1", bench).layers) - 2
    base = copied(Path(bench.base().removeprefix("oci:")), address, "bases/python:1")
    found = moved(bench, f"{address}/team/one:1", base, f"{address}/mine/one:1", old_base=first)
    assert found.pushed is not None
    # envbuild's own from the old repository, and the base's from the base's.
    assert found.pushed.mounted == own + 2
    assert found.after.name == base
    labels = seen(f"{address}/mine/one:1", bench).config["config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == base
    # The base is in a registry now, and is asked for there: nobody has to name it.
    again = moved(bench, f"{address}/mine/one:1", bench.base(), f"{address}/mine/one:2")
    assert "org.opencontainers.image.base.name" not in seen(f"{address}/mine/one:2", bench).annotations
    assert again.changed


@pytest.mark.registry
def test_another_registry_gets_all_of_it(bench: Bench, first: str, address: str, tmp_path: Path) -> None:
    name = f"{address}/team/far:1"
    pushed(bench, first, name)
    with registry(tmp_path / "registry") as other:
        found = moved(bench, name, bench.base(), f"{other}/far:1", old_base=first)
        assert found.pushed is not None
        after = seen(f"{other}/far:1", bench)
        assert found.pushed.uploaded == len({layer.digest for layer in after.layers}) + 3
        assert after.layers[2:] == seen(name, bench).layers[2:]
        command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{other}/far:1"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)["Layers"]) == len(after.layers)


@pytest.mark.registry
def test_what_is_attached_is_left_behind_and_said_to_be(bench: Bench, first: str, address: str) -> None:
    name = f"{address}/team/attested"
    pushed(bench, first, f"{name}:1", attach=Wanted(sbom=True))
    digest = seen(f"{name}:1", bench).manifest_digest
    copied(Path(first.removeprefix("oci:")), address, f"team/attested:{digest.replace(':', '-')}.sig")
    moved(bench, f"{name}:1", bench.base(), f"{name}:2", old_base=first)
    assert any("what is attached" in note for note in bench.listener.notes)
    assert any("--sign-key signs the new one" in note for note in bench.listener.notes)
    after = seen(f"{name}:2", bench)
    assert (after.statements, after.index_digest) == ((), "")


@pytest.mark.registry
def test_a_base_that_nobody_finds_has_to_be_named(bench: Bench, first: str, address: str) -> None:
    name = f"{address}/team/unknown:1"
    pushed(bench, first, name)
    with pytest.raises(BaseImageError, match="is not known here") as caught:
        moved(bench, name, bench.base(), name)
    assert "--old-base" in caught.value.hint
    with pytest.raises(BaseImageError, match="is on the base"):
        moved(bench, name, bench.base(), name, old_base=bench.base())


@pytest.mark.registry
@pytest.mark.slow
def test_a_base_that_its_registry_has_no_more_has_to_be_named(bench: Bench, address: str, tmp_path: Path) -> None:
    """The copy that is named has other blobs, and so another digest, and the same layers."""
    layout, name = bench.base(), f"{address}/team/orphan"
    with registry(tmp_path) as other:
        base = copied(Path(layout.removeprefix("oci:")), other, "bases/python:1")
        pushed(bench, base, f"{name}:1")
        shutil.rmtree(tmp_path / "data" / "docker" / "registry" / "v2" / "repositories" / "bases")
        with pytest.raises(BaseImageError, match="cannot be asked for") as caught:
            moved(bench, f"{name}:1", bench.base(), f"{name}:2")
    assert "--old-base" in caught.value.hint
    assert moved(bench, f"{name}:1", bench.base(), f"{name}:2", old_base=layout).changed


def test_a_layer_that_the_registry_does_not_let_be_taken_over_is_fetched_and_sent(bench: Bench, first: str) -> None:
    with serving(WritableRegistry()) as server:
        name = f"{server.address}/team/one:1"
        pushed(bench, first, name)
        server.mounts = 202
        found = moved(bench, name, bench.base(), f"{server.address}/team/two:1", old_base=first)
        assert found.pushed is not None
        assert found.pushed.mounted == 0
        assert server.problems() == []
