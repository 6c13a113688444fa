"""What a conda-lock.yml says that it was made for: written, read, and held against what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from condas import FILE

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import LockFileError, UsageError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.resolver.asking import Wish
from envbuild.resolver.conda.madefor import conda_origin, made_for
from envbuild.resolver.conda.part import with_lock
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.origin import Origin, changes
from envbuild.resolver.target import platform_of
from envbuild.resolver.types import Lock
from envbuild.servers.envbuild import SERVER

ORIGIN = Origin(
    digest="sha256:1",
    server="envbuild",
    requirements=("app", "beside>=1 ; python_version > '3'"),
    constraints=("app<2",),
    settings={"UV_DEFAULT_INDEX": "sha256:abc", "as-of": "2023-01-01T00:00:00Z", "channels": "conda-forge, mine"},
    base="debian:bookworm",
    base_digest="sha256:2",
    conda=("conda-forge::gdal>=3,<4", "python=3.11.7"),
)


@pytest.fixture
def written(lock: Lock, tmp_path: Path) -> Path:
    store = Store(tmp_path / "store")
    store.put(FILE)
    python, zone = lock.conda
    brought = replace(lock, conda=(python, replace(zone, python=(("tzdata", "2024.1"),))))
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(brought, path, store=store, origin=ORIGIN)
    return path


def test_what_is_written_is_read(written: Path) -> None:
    made = made_for(written)
    assert made is not None
    assert made.origin == ORIGIN
    assert (made.platform.tag, made.platform.python) == ("manylinux_2_36_x86_64", "3.11.7")
    assert made.provided == (("tzdata", "2024.1"),)
    assert not made.edited
    assert "secret" not in written.read_text()


def test_packages_that_were_changed_by_hand_are_noticed(written: Path) -> None:
    text = written.read_text()
    for old, new in (
        ("sha256: bbbb", "sha256: cbbb"),
        ("version: 2024a", "version: 2024b"),
        ("category: main", "category: dev"),
        ("platform: linux-64", "platform: linux-aarch64"),
    ):
        assert old in text
        written.write_text(text.replace(old, new))
        made = made_for(written)
        assert made is not None and made.edited


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("envbuild.platform: manylinux_2_36_x86_64", "envbuild.platform: macosx_11_0_arm64"),
        ("envbuild.python: 3.11.7", "envbuild.python: soon"),
        ("envbuild.server: envbuild", "other: row"),
        ("envbuild.provided: tzdata==2024.1", "envbuild.provided: tzdata"),
    ],
)
def test_rows_that_cannot_be_are_told(written: Path, old: str, new: str) -> None:
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new))
    with pytest.raises(LockFileError, match=r"conda-lock\.yml: what custom_metadata says of envbuild"):
        made_for(written)


@pytest.mark.parametrize("metadata", ["", "metadata: 1\n", "metadata:\n  custom_metadata: [a]\n", "metadata: {a: b}\n"])
def test_a_file_that_does_not_say_it_is_none_of_ours(tmp_path: Path, metadata: str) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_text(f"version: 1\n{metadata}package: []\n")
    assert made_for(path) is None


def test_what_changed_is_told_of_channels_and_match_specs(written: Path) -> None:
    now = replace(
        ORIGIN,
        digest="sha256:3",
        conda=("mine::gdal>=4", "python=3.11.7", "proj"),
        settings={**ORIGIN.settings, "channels": "mine"},
        places={"proj": "conda.yaml:9"},
    )
    made = made_for(written)
    assert made is not None
    assert changes(made.origin, now) == [
        "the conda package mine::gdal>=4 was conda-forge::gdal>=3,<4",
        "the conda package proj (conda.yaml:9) is new",
        "the channels are mine, they were conda-forge, mine",
    ]


def test_a_model_s_own_lock_of_a_day_is_that_of_the_same_day_alone(
    written: Path, environment: Callable[..., Environment]
) -> None:
    listed = environment("gdal")

    def taken(as_of: str) -> Path | None:
        ask = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64", as_of=as_of)
        return with_lock(ask, listed, written.parent).lock

    assert taken("2023-01-01T00:00:00Z") == taken("") == written
    with pytest.raises(UsageError, match=r"the model's conda-lock\.yml has chosen others"):
        taken("2024-01-01T00:00:00Z")


def test_the_models_own_lock_that_has_chosen_counts(
    written: Path, environment: Callable[..., Environment], tmp_path: Path
) -> None:
    listed, platform = environment("gdal"), platform_of("3.11.7", "2.36", "amd64")
    wish = Wish(environment=environment(), server=SERVER, platform=platform, model_root=tmp_path, environ={})
    ask = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64")
    plain = conda_origin(wish, ask)
    chosen = conda_origin(wish, with_lock(ask, listed, written.parent))
    assert conda_origin(wish, with_lock(ask, listed, written.parent, written)) == plain, "it is the one that is written"
    assert changes(plain, chosen) == ["the model's own lock is new"]
    assert changes(chosen, plain) == ["the model's own lock is gone"]
    written.write_text(written.read_text() + "\n")
    assert changes(chosen, conda_origin(wish, with_lock(ask, listed, written.parent))) == [
        "the model's own lock is not what it was"
    ]
