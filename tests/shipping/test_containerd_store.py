"""An engine that keeps images in containerd: fetched from Debian, started beside the machine's own, stopped after."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from newerengine import SUITES, newer_engine

from envbuild.errors import EngineError
from envbuild.oci import archive
from envbuild.oci.archive import stream_archive
from envbuild.oci.image import make_image as of_layers
from envbuild.oci.reading import read_docker_archive
from envbuild.oci.reference import Reference
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_GZIP, Image, Layer
from envbuild.shipping.engine import Engine, RefusedError
from envbuild.shipping.load import load
from envbuild.shipping.unix import UnixEngine

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.network]

Names = list[Reference]


@pytest.fixture(scope="module", params=SUITES)
def socket(request: pytest.FixtureRequest) -> Iterator[Path]:
    with newer_engine(request.param, request.config.cache.mkdir(f"containerd-store-{request.param}")) as (path, _):
        yield path


@pytest.fixture
def engine(socket: Path, names: Names) -> Iterator[Engine]:
    found = UnixEngine(str(socket))
    yield found
    for name in names:
        found.remove_image(name.familiar)
    found.close()


def saved(engine: Engine, name: Reference, store: Store) -> list[str]:
    """The layers of an image as the engine gives them out."""
    with engine.save(name.familiar) as stream:
        return [layer.diff_id for layer in read_docker_archive(stream, store).layers]


def diff_ids(image: Image) -> list[str]:
    return [layer.diff_id for layer in image.layers]


def test_everything_that_holds_for_an_engine_holds_here(socket: Path) -> None:
    env = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "ENVBUILD_TEST_REQUIRE": "engine"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "engine"]
    tests = str(Path(__file__).with_name("test_load.py"))
    done = subprocess.run([*command, tests], env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-5000:]


def test_the_store_is_told_and_the_id_is_that_of_the_manifest(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    image = make_image()

    assert engine.info().store == "containerd"
    assert load(image, names, store, engine).image_id == image.manifest_digest


def test_only_the_changed_layer_is_sent_and_the_image_is_whole(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    load(make_image(), names[:1], store, engine)
    changed = make_image(b"changed")

    loaded = load(changed, names[:1], store, engine)

    assert loaded.omitted == 2
    assert loaded.sent < changed.layers[-1].size + 20_000
    assert saved(engine, names[0], Store(tmp_path / "other")) == diff_ids(changed)


def test_an_image_that_the_engine_has_in_part_is_not_believed(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    image = make_image()
    omit = frozenset(diff_ids(image)[:2])
    with suppress(RefusedError):
        engine.load(stream_archive(image, names, store, omit=omit))
    claimed = engine.inspect_image(names[0].familiar)
    assert claimed is not None
    assert claimed["Id"] == image.manifest_digest

    loaded = load(image, names, store, engine)

    assert not loaded.already
    assert loaded.sent > image.size
    assert saved(engine, names[0], Store(tmp_path / "other")) == diff_ids(image)


def test_a_name_does_not_stay_with_an_image_in_part(
    make_image: Any, names: Names, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_image(), make_image(b"second")
    load(first, names[:1], store, engine)
    top = frozenset({second.layers[-1].diff_id})
    monkeypatch.setattr(archive, "stream_archive", lambda *given, omit: stream_archive(*given, omit=omit | top))

    with pytest.raises(EngineError):
        load(second, names[:1], store, engine)

    found = engine.inspect_image(names[0].familiar)
    assert found is None or found["Id"] == first.manifest_digest


def test_a_layer_that_the_engine_has_in_another_compression_is_sent(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    plain = make_image()
    lower = plain.layers[0]
    packed = gzip.compress(store.read(lower.digest), mtime=0)
    other = Layer(diff_id=lower.diff_id, digest=store.put(packed), size=len(packed), media_type=LAYER_GZIP)
    image = of_layers(plain.config, [other, *plain.layers[1:]], {})
    load(plain, names[:1], store, engine)

    loaded = load(image, names[1:], store, engine)

    assert loaded.image_id == image.manifest_digest
    assert loaded.omitted == 2
    engine.remove_image(names[0].familiar)
    assert saved(engine, names[1], Store(tmp_path / "other")) == diff_ids(image)
