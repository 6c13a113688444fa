"""Ctrl-C, kill -9 and two builds at once leave no half image and a cache that works."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tinyroad import Road


def start(road: Road, output: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        road.command(*road.image_arguments(output)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=road.variables(),
        cwd=road.folder,
        start_new_session=True,
    )


@pytest.fixture
def heavy_road(road: Road) -> Road:
    """A model with enough bytes that a signal meets the build at work."""
    (road.model / "weights.bin").write_bytes(os.urandom(1 << 20) * 64)
    return road


@pytest.mark.parametrize(
    "delay", [0.05, 0.4, *(pytest.param(late, marks=pytest.mark.slow) for late in (0.2, 0.7, 1.0))]
)
def test_a_killed_build_leaves_a_cache_that_works(heavy_road: Road, delay: float) -> None:
    output = heavy_road.folder / "tiny.tar"
    process = start(heavy_road, output)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    written = output.read_bytes() if output.exists() else None
    whole = heavy_road.config_digest()
    assert written in (None, output.read_bytes())
    fresh = heavy_road.config_digest(ENVBUILD_CACHE_DIR=str(heavy_road.folder / "fresh"))
    assert whole == fresh


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.3, 0.6, 0.9])
def test_an_interrupted_build_says_so_and_leaves_nothing(heavy_road: Road, sent: signal.Signals, delay: float) -> None:
    output = heavy_road.folder / "tiny.tar"
    process = start(heavy_road, output)
    time.sleep(delay)
    os.killpg(process.pid, sent)
    stdout, stderr = process.communicate(timeout=30)
    if process.returncode == 0 or stdout:
        pytest.skip("the build was done before the signal")
    # Before the command line is up, Python itself answers a signal.
    early = "site.py" in stderr or process.returncode == -sent or "<frozen" in stderr
    assert early or process.returncode == 128 + sent, stderr
    assert early or "Traceback" not in stderr
    assert stdout == ""
    assert not output.exists()
    assert [p.name for p in heavy_road.folder.iterdir() if p.name.startswith(".")] == []
    assert heavy_road.image().returncode == 0


def test_two_builds_at_once_on_one_cache_give_the_same_image(heavy_road: Road) -> None:
    outputs = [heavy_road.folder / f"{name}.tar" for name in ("one", "two", "three")]
    processes = [start(heavy_road, output) for output in outputs]
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], [err for _, err in results]
    assert len({output.read_bytes() for output in outputs}) == 1


def test_a_damaged_layer_in_the_cache_is_made_anew(heavy_road: Road) -> None:
    before = heavy_road.config_digest()
    blobs = sorted((heavy_road.cache / "store" / "blobs" / "sha256").iterdir(), key=lambda p: p.stat().st_size)
    largest = blobs[-1]
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.chmod(0o644)
    largest.write_bytes(data)
    assert heavy_road.config_digest() == before


def test_every_damaged_blob_is_a_miss_and_never_a_wrong_image(road: Road) -> None:
    before = road.config_digest()
    for blob in sorted((road.cache / "store" / "blobs" / "sha256").iterdir()):
        blob.chmod(0o644)
        blob.write_bytes(b"\0" * blob.stat().st_size)
    assert road.config_digest() == before
    for key in sorted((road.cache / "store" / "keys").iterdir()):
        key.write_text("{")
    assert road.config_digest() == before


def test_a_layout_that_was_altered_and_the_cache_that_shares_it_are_made_whole(heavy_road: Road) -> None:
    layout = heavy_road.folder / "layout"
    first = heavy_road.config_digest("--output", f"oci-dir={layout}")
    largest = max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    with largest.open("r+b") as blob:
        blob.seek(1 << 20)
        blob.write(b"altered")
    assert heavy_road.config_digest("--output", f"oci-dir={layout}") == first
    for folder in (layout, heavy_road.cache / "store"):
        for path in (folder / "blobs" / "sha256").iterdir():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
