"""Where source is built, on a base that is not whole any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinyimages import put_layer, tar_of

from envbuild.bases.types import Base
from envbuild.errors import CorruptBlobError, ResolveError
from envbuild.oci.maintenance import prune
from envbuild.oci.store import Store
from envbuild.resolver.source.bench import Bench
from envbuild.resolver.source.sandbox import find_sandbox

Make = Callable[..., Any]


def test_a_base_whose_python_does_not_start_is_told_as_such(bench: Make, store: Store) -> None:
    base = replace(bench().base, digest=f"sha256:{'3' * 64}", layers=(put_layer(store, tar_of({"usr/x": "x"})),))
    with pytest.raises(ResolveError) as caught:
        Bench(base, store).open()
    assert (
        f"{base.interpreter.executable} of the base does not start under bubblewrap (bwrap: execvp"
        in caught.value.message
    )
    assert caught.value.hint == "choose another base with --base"


def test_a_base_that_is_damaged_in_the_cache_is_named_by_its_blob(bench: Make, store: Store) -> None:
    layer = put_layer(store, tar_of({"usr/x": "x"}))
    store.blob(layer.digest).write_bytes(b"y")
    base = replace(bench().base, digest=f"sha256:{'3' * 64}", layers=(layer,))
    with pytest.raises(CorruptBlobError, match=layer.digest):
        Bench(base, store).open()
    assert not (store.root / "rootfs" / ("3" * 64)).exists()


def test_a_base_that_is_gone_is_no_reason_for_a_crash(bubblewrap: str, tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="No such file or directory"):
        find_sandbox("/usr/bin/python3", lambda anew: tmp_path / "gone", lambda: None)


@pytest.mark.parametrize(
    ("script", "python", "says"),
    [
        ("kill -9 $$", "/usr/bin/python3", "ended by signal 9"),
        ("exit 137", "/usr/bin/python3", "ended by signal 9"),
        ("echo 'bwrap: execvp /root/python3: No such file' >&2; exit 1", "/root/python3", "No such file"),
    ],
)
def test_a_base_that_has_lost_nothing_is_not_unpacked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, python: str, says: str
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    asked: list[bool] = []

    def root(anew: bool) -> Path:
        asked.append(anew)
        return tmp_path

    with pytest.raises(ResolveError, match=says):
        find_sandbox(python, root, lambda: None)
    assert asked == [False]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("lost", ["usr/lib", "."])
def test_a_base_that_lost_files_since_it_was_unpacked_is_unpacked_anew(
    debian_base: tuple[Base, Path], store: Store, bubblewrap: str, lost: str
) -> None:
    base, root = debian_base
    shutil.copytree(root, store.root, dirs_exist_ok=True, copy_function=os.link)
    Bench(base, store).open()
    place = store.root / "rootfs" / base.digest.removeprefix("sha256:")
    shutil.rmtree(place / lost)
    place.mkdir(exist_ok=True)
    assert Bench(base, store).open()[0].title == "bubblewrap"
    # Another run may still be in the old one, which stays until `cache prune`.
    (old,) = (store.root / "tmp").iterdir()
    assert (old / "usr").is_dir() == (lost != ".")
    prune(store, days=30)
    assert old.exists()
    os.utime(old, (0, 0))
    prune(store, days=30)
    assert not old.exists()
