"""The conda packages of a lock without addresses: what lies in the store already proves nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import tinyconda
from condas import conda_environment
from tinywheels import serve

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import NetworkError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.progress import SILENT
from envbuild.resolver.conda.byhash import brought
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.types import CondaPackage
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.types import Lock


def locked(environment: Environment, cache: Path) -> tuple[CondaPackage, ...]:
    ask = ask_of(environment, python="3.11.7", glibc="2.36", architecture="amd64")
    return lock_conda(ask, cache, SILENT)[0]


def test_a_token_is_asked_with_and_written_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "web" / "t" / "tk-s3cr3t" / "private"
    tinyconda.make_python(private, "3.11.7")
    tinyconda.index(private)
    cache = tmp_path / "cache"
    with serve(tmp_path / "web") as url:
        monkeypatch.setenv("ENVBUILD_CONDA_CREDENTIALS", f"{url}/t/tk-s3cr3t/private")
        environment = conda_environment(channels=(f"{url}/private",))
        unknown = [replace(package, url="") for package in locked(environment, tmp_path / "other")]
        found = brought(unknown, environment, tmp_path, store=Store(cache / "store"), cache=cache, progress=SILENT)
    assert [package.url for package in found] == [f"{url}/private/linux-64/python-3.11.7-0.tar.bz2"]
    assert [path for path in cache.rglob("*") if path.is_file()]
    for path in cache.rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes(), path


def test_what_the_lock_in_the_image_names_is_fetched_once_though_it_is_there(tmp_path: Path) -> None:
    channel, cache, model = tmp_path / "channel", tmp_path / "cache", tmp_path / "model"
    tinyconda.make_python(channel, "3.11.7")
    environment = conda_environment(channels=(tinyconda.index(channel),))
    packages = locked(environment, cache)
    store = Store(cache / "store")
    model.mkdir()
    lock = Lock(packages=(), python="3.11.7", platform="manylinux_2_36_x86_64", requirements=(), conda=packages)
    write_conda_lock(lock, model / "conda-lock.yml", store=store)
    unknown = [replace(package, url="") for package in packages]
    shutil.move(channel, tmp_path / "away")
    with pytest.raises(NetworkError):
        brought(unknown, environment, model, store=store, cache=cache, progress=SILENT)
    assert store.has(f"sha256:{packages[0].sha256}")
    shutil.move(tmp_path / "away", channel)
    assert brought(unknown, environment, model, store=store, cache=cache, progress=SILENT)
    shutil.rmtree(channel)
    assert brought(unknown, environment, model, store=store, cache=cache, progress=SILENT)
