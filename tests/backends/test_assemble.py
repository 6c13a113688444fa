"""Layers that are there are taken as they are; what is missing is made, and what changed meanwhile is refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tinywheels import make_wheel

from envbuild.backends.assemble import Assembled, assemble
from envbuild.bases.types import Base, Interpreter
from envbuild.errors import CorruptBlobError, EnvbuildError, ModelError, StorageError
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.planner.types import Decision, FileEntry, Plan, PlannedLayer, Wheel

SETTINGS = {"prefix": "opt/envbuild", "python": "3.11", "keep_tests": False}


def entry(source: Path, path: str) -> FileEntry:
    data = source.read_bytes()
    return FileEntry(path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data), mode=0o644, source=source)


class Bench:
    """A store, a base, a wheel and a model file, and the plan of an image of them."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "store")
        self.model = folder / "weights.bin"
        self.model.write_bytes(b"weights")
        self.wheel = make_wheel(folder, "tiny")
        self.fetched: list[list[str]] = []
        layer = build_layer(self.store, lambda tar: tar.data("etc/os-release", b"ID=test\n"))
        self.base = Base(
            name="test",
            digest="sha256:" + "0" * 64,
            architecture="amd64",
            interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
            glibc="2.36",
            layers=(layer,),
            config={},
            cached=True,
        )

    def plan(self) -> Plan:
        sha256 = hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        wheel = Wheel(name="tiny", version="1.0", filename=self.wheel.name, sha256=sha256)
        layers = (
            PlannedLayer(kind="base", title="base", why="", diff_id=self.base.layers[0].diff_id),
            PlannedLayer(kind="wheels", title="tiny", why="", wheels=(wheel,), settings=SETTINGS),
            PlannedLayer(kind="model", title="model", why="", files=(entry(self.model, "model/weights.bin"),)),
        )
        return Plan(
            server="envbuild",
            base="test",
            base_digest=self.base.digest,
            python="3.11.2",
            platform="linux/amd64",
            lock_digest="",
            bytecode="off",
            layers=layers,
            config={"architecture": "amd64", "os": "linux", "config": {"Labels": {"a": "b"}}},
            decisions=(Decision(what="server", value="envbuild", why=""),),
            left_out=(),
            annotations={"dev.envbuild.lock": "sha256:l"},
        )

    def fetch(self, wanted: Sequence[str]) -> None:
        self.fetched.append(list(wanted))
        self.store.put(self.wheel.read_bytes())

    def assemble(self, plan: Plan | None = None) -> Assembled:
        return assemble(plan or self.plan(), base=self.base, store=self.store, fetch=self.fetch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def hits(assembled: Assembled) -> list[bool]:
    return [hit for _, _, hit in assembled.layers]


def test_a_second_assembly_makes_nothing_and_fetches_nothing(bench: Bench) -> None:
    first = bench.assemble()
    assert hits(first) == [True, False, False]
    bench.store.drop("sha256:" + bench.plan().layers[1].wheels[0].sha256)
    second = bench.assemble()
    assert hits(second) == [True, True, True]
    assert len(bench.fetched) == 1
    assert second.image.config_digest == first.image.config_digest


def test_the_config_lists_every_layer_and_no_clock(bench: Bench) -> None:
    config: dict[str, Any] = json.loads(bench.assemble().image.config)
    assert len(config["rootfs"]["diff_ids"]) == 3
    assert config["created"] == "1980-01-01T00:00:00Z"
    assert [h["created_by"] for h in config["history"]][1:] == ["envbuild: tiny", "envbuild: model"]


def test_the_manifest_has_the_annotations_of_the_plan(bench: Bench) -> None:
    assert json.loads(bench.assemble().image.manifest)["annotations"] == {"dev.envbuild.lock": "sha256:l"}


def test_a_model_file_that_changes_meanwhile_is_refused(bench: Bench) -> None:
    plan = bench.plan()
    bench.model.write_bytes(b"WEIGHTS")
    with pytest.raises(ModelError, match=r"weights\.bin changed while"):
        bench.assemble(plan)
    assert bench.store.get_key("layer:" + plan.layers[2].key) is None


def test_a_model_file_that_grows_meanwhile_is_refused(bench: Bench) -> None:
    plan = bench.plan()
    bench.model.write_bytes(b"weights and more")
    with pytest.raises(ModelError, match=r"weights\.bin changed while"):
        bench.assemble(plan)


def test_a_model_file_that_shrinks_and_goes_meanwhile_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bench.plan()
    write = LayerTar.file

    def shrunk(self: LayerTar, *rest: Any) -> None:
        os.truncate(bench.model, 3)
        bench.model.unlink()
        write(self, *rest)

    monkeypatch.setattr(LayerTar, "file", shrunk)
    with pytest.raises(ModelError, match=r"weights\.bin changed while"):
        bench.assemble(plan)


def test_a_model_file_that_is_gone_is_named(bench: Bench) -> None:
    plan = bench.plan()
    bench.model.unlink()
    with pytest.raises(ModelError, match=r"weights\.bin is gone"):
        bench.assemble(plan)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_model_file_that_may_not_be_read_is_named(bench: Bench) -> None:
    plan = bench.plan()
    bench.model.chmod(0)
    with pytest.raises((ModelError, StorageError), match=r"weights\.bin"):
        bench.assemble(plan)


def test_a_damaged_wheel_in_the_cache_is_fetched_again(bench: Bench) -> None:
    sha256 = bench.plan().layers[1].wheels[0].sha256
    bench.store.put(bench.wheel.read_bytes())
    bench.store.blob("sha256:" + sha256).write_bytes(b"damaged")
    whole = bench.assemble()
    assert bench.fetched == [[sha256]]
    assert hits(whole) == [True, False, False]


def test_a_wheel_that_does_not_arrive_is_named(bench: Bench) -> None:
    with pytest.raises(EnvbuildError, match=r"tiny-1\.0"):
        assemble(bench.plan(), base=bench.base, store=bench.store, fetch=lambda wanted: None)


def test_a_damaged_layer_is_told_when_it_is_read(bench: Bench) -> None:
    layer = bench.assemble().layers[2][1]
    blob = bench.store.blob(layer.digest)
    blob.write_bytes(b"\0" * layer.size)
    with pytest.raises(CorruptBlobError):
        list(bench.store.stream(layer.digest))
