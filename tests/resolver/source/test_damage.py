"""What was built and is damaged in the cache: made good in the run that finds it, or told with what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinyroad import Road

from envbuild import Options, build, choosing, load, lock
from envbuild.bases.rootfs import rootfs
from envbuild.bases.types import Base
from envbuild.errors import ResolveError
from envbuild.oci.store import Store
from envbuild.resolver import write_pylock

Make = Callable[..., Any]


def spoilt(store: Store) -> tuple[Path, bytes]:
    """Spoil the wheel that was built, as a power cut does, and have nobody know what was made of it."""
    (key,) = [key for path in store.key_files() if "built" in (key := json.loads(path.read_bytes())["value"])]
    blob = store.blob(key["digest"])
    good = blob.read_bytes()
    blob.write_bytes(bytes(len(good)))
    for path in store.key_files():
        if json.loads(path.read_bytes())["key"].startswith(("verdict:", "contents:", "lock-contents:")):
            path.unlink()
    return blob, good


@pytest.mark.parametrize("keep_tests", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_wheel_that_was_damaged_since_is_built_again_in_the_same_run(
    road: Road, options: Options, store: Store, notes: Any, keep_tests: bool
) -> None:
    output = f"oci-archive={road.folder / 'tiny.tar'}"
    first = build(load(road.model), tags=["tiny"], options=options, output=output)
    blob, good = spoilt(store)
    # With other layers it is read for the image too.
    again = replace(options, keep_tests=keep_tests)
    found = build(load(road.model), tags=["tiny"], options=again, output=output, progress=notes)
    assert blob.read_bytes() == good
    assert [said for said in notes.notes if said.startswith("building only-source 1.0")]
    if not keep_tests:
        assert found.config_digest == first.config_digest


@pytest.mark.slow
def test_a_base_that_is_damaged_in_the_cache_is_made_anew_before_anything_is_built_on_it(
    road: Road, options: Options, bench: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpacked(job: Any, base: Base) -> Any:
        rootfs(base, store)
        layers.extend(store.blob(layer.digest) for layer in base.layers)
        return bench()

    layers: list[Path] = []
    monkeypatch.setattr(choosing, "_bench", unpacked)
    first = lock(load(road.model), options=options)
    good = layers[0].read_bytes()
    layers[0].write_bytes(bytes(len(good)))
    for folder in (store.root / "rootfs").iterdir():
        if not folder.is_symlink():
            shutil.rmtree(folder)
    again = lock(load(road.model), options=replace(options, upgrade=True))
    assert again.packages == first.packages
    assert layers[0].read_bytes() == good


def test_where_it_may_not_be_built_it_says_what_to_do(road: Road, options: Options, store: Store) -> None:
    output = f"oci-archive={road.folder / 'tiny.tar'}"
    build(load(road.model), tags=["tiny"], options=options, output=output)
    path = road.folder / "pylock.toml"
    write_pylock(lock(load(road.model), options=options), path)
    spoilt(store)
    without = replace(options, lock=path, allow_build=())
    for _ in range(2):
        with pytest.raises(ResolveError) as caught:
            build(load(road.model), tags=["tiny"], options=without, output=output)
        assert "--allow-build only-source builds it" in caught.value.hint
