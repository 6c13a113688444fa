"""Real machines, real registries, and a file that is large for a test."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from benchmarks import model
from benchmarks.registry.arrivals import arrivals
from benchmarks.registry.large import FILE, large
from benchmarks.registry.machines import Machine, made


def test_a_machine_has_nothing_of_this_machines_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/else")
    monkeypatch.setenv("UV_CACHE_DIR", "/somewhere/else")
    found = made(tmp_path / "one").environment()
    assert "/somewhere/else" not in found.values()
    assert found["HOME"] == str(tmp_path / "one")
    assert Path(found["ENVBUILD_CACHE_DIR"]).is_relative_to(found["HOME"])


def test_wheels_are_told_from_what_else_a_cache_holds(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path)
    blobs = machine.cache / "store/blobs/sha256"
    blobs.mkdir(parents=True)
    assert machine.wheels() == 0
    for name, inside in (("a", "one-1.dist-info/WHEEL"), ("b", "model/weights.npy")):
        with zipfile.ZipFile(blobs / name, "w") as archive:
            archive.writestr(inside, "x")
    (blobs / "c").write_bytes(b"PK\x03\x04 and nothing more")
    (blobs / "d").write_bytes(b"a layer")
    assert machine.wheels() == 1


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.registry
def test_a_second_machine_sends_less_and_a_large_file_is_sent_once(tmp_path: Path) -> None:
    forest = model.copy(tmp_path / "forest")
    found, first = arrivals(forest, tmp_path / "machines", turns=1)
    assert found.wheels[0] > 40
    assert found.first[0].sent > found.first[0].content > 50e6
    assert found.second[0].content > 0
    assert found.second[0].sent < found.first[0].sent / 50
    assert found.second[0].unseen > 0
    assert found.second_wheels == (0,)
    size = 30_000_000
    told = large(forest, first, tmp_path / "large", size=size, turns=1, again=1)
    assert not (forest / FILE).exists()
    assert not (tmp_path / "large").exists()
    assert len(told.hashed) == 2
    assert 0 < told.bare[0] < 600
    assert 0 < told.copied[0] < 600
    assert {name: len(values) for name, values in told.seconds.items()} == {
        "layout": 1, "layout_again": 1, "push": 1, "push_again": 1,
    }  # fmt: skip
    assert told.rest > 300e6
    assert 20e6 < told.peaks["push"].resident < 1e9
    phases = {name: {phase.name for phase in profile.phases} for name, profile in told.profiles.items()}
    assert "write" in phases["layout"]
    assert "push" in phases["push"]
    assert told.profiles["push"].registry_cpu > 0
