"""A conda-lock.yml that a person names is taken, and what does not fit it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tinyconda
import yaml
from tinywheels import make_wheel

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import LockFileError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.progress import Progress
from envbuild.resolver import resolve
from envbuild.resolver.asking import Wish
from envbuild.resolver.conda.madefor import conda_origin
from envbuild.resolver.conda.part import CondaPart
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.taking import take_conda
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.target import Platform, platform_of
from envbuild.servers.envbuild import SERVER

NAME = "prod.conda-lock.yml"


class Warnings(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def taken(
    environment: Callable[..., Environment], channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[str]]:
    """What is warned of where the file is taken; it is written for `app` and `beside` in Python 3.11.7."""
    wheels, cache = tmp_path / "wheels", tmp_path / "cache"
    wheels.mkdir()
    make_wheel(wheels, "app")
    make_wheel(wheels, "beside")
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_DEFAULT_INDEX", wheels.as_uri())
    tinyconda.make_python(channel)
    address = tinyconda.index(channel)
    server = replace(SERVER, packages=(), constraints=(), optional=())
    target: dict[str, Any] = {"glibc": "2.36", "architecture": "amd64", "cache": cache, "model_root": tmp_path}

    def wish_for(environment: Environment, platform: Platform, part: CondaPart) -> Wish:
        return Wish(
            environment=environment,
            server=server,
            platform=platform,
            model_root=tmp_path,
            environ={},
            provided=part.provided,
        )

    listed = environment(channels=(address,), pip=("app", "beside"))
    lock = resolve(listed, server, python="3.13.5", wanted="3.11.7", conda="always", **target)
    ask = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64")
    wish = wish_for(
        replace(listed, conda=()), platform_of(lock.python, "2.36", "amd64"), CondaPart(packages=lock.conda)
    )
    write_conda_lock(lock, tmp_path / NAME, store=Store(cache / "store"), origin=conda_origin(wish, ask))

    def take(*conda: str, wanted: str = "3.11.7") -> list[str]:
        told = Warnings()
        asked = environment(*conda, channels=(address,), pip=("app", "beside"))
        take_conda(tmp_path / NAME, asked, wish_for, conda="always", wanted=wanted, **target, progress=told)
        return told.warnings

    return take


def test_what_is_lacking_in_a_lock_that_was_changed_by_hand_is_named(
    taken: Callable[..., list[str]], tmp_path: Path
) -> None:
    assert taken() == []
    path = tmp_path / NAME
    whole = yaml.safe_load(path.read_text())
    whole["package"] = [row for row in whole["package"] if row["name"] != "beside"]
    path.write_text(yaml.safe_dump(whole))
    (warning,) = taken()
    assert "its packages were changed by hand; it has no beside, and conda.yaml:21 asks for beside" in warning


def test_another_python_is_asked_for_by_the_option_and_not_by_the_file(taken: Callable[..., list[str]]) -> None:
    with pytest.raises(LockFileError) as caught:
        taken(wanted="3.12")
    assert caught.value.message.endswith(f"{NAME} is for Python 3.11.7, and --python asks for python=3.12")
    assert "--python" in caught.value.hint


def test_a_file_that_was_named_is_not_the_models(taken: Callable[..., list[str]]) -> None:
    with pytest.raises(LockFileError, match=r"conda\.yaml:7 asks for gdal, and the lock has none") as caught:
        taken("gdal")
    assert "name another one with --lock" in caught.value.hint
