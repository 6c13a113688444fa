"""A conda-lock.yml is written anew: what it has stays, but for what is to be chosen anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tinyconda
from tinywheels import make_wheel

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import LockFileError, UsageError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.progress import Progress
from envbuild.resolver import resolve
from envbuild.resolver.asof import AsOf
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.types import Lock
from envbuild.servers.envbuild import SERVER

Make = Callable[..., Lock]
slow = partial(pytest.param, marks=pytest.mark.slow)
CONDA = ("tiny-py", "tiny-native", "tiny-data")
PIP = ("app", "beside")


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def versions(lock: Lock) -> dict[str, str]:
    """Those of conda's packages beside Python, and of pip's."""
    return {p.name: p.version for p in (*lock.conda, *lock.packages) if p.name != "python"}


OLD = {"tiny-py": "1.0", "tiny-native": "1.0", "tiny-data": "1.0", "app": "1.0", "beside": "1.0"}


@pytest.fixture
def make(
    environment: Callable[..., Environment], channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """Locks of three conda packages and two of pip's, each of version 1.0; grown() adds a 2.0 of each."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    tinyconda.make_python(channel)
    tinyconda.make_module(channel, "tiny-py")
    tinyconda.make_package(channel, "tiny-native", form="conda")
    tinyconda.make_package(channel, "tiny-data", noarch="generic")
    address = tinyconda.index(channel)
    make_wheel(wheels, "app", requires=["tiny-py"])
    make_wheel(wheels, "beside")
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_DEFAULT_INDEX", wheels.as_uri())
    server = replace(SERVER, packages=(), constraints=(), optional=())

    def resolved(*conda: str, pip: tuple[str, ...] = PIP, **changes: Any) -> Lock:
        listed = environment(*(conda or CONDA), channels=(address,), pip=pip)
        given: dict[str, Any] = {"python": "3.13.5", "glibc": "2.36", "architecture": "amd64"}
        given |= {"cache": tmp_path / "cache", "model_root": tmp_path, "wanted": "3.11.7"}
        return resolve(listed, server, **{**given, **changes})

    return resolved


@pytest.fixture
def file(make: Make, channel: Path, tmp_path: Path) -> Path:
    """The first lock in a file, when each of its packages has got a newer version."""
    path = tmp_path / "out" / "prod.conda-lock.yml"
    path.parent.mkdir()
    write_conda_lock(make(), path, store=Store(tmp_path / "cache" / "store"))
    tinyconda.make_module(channel, "tiny-py", "2.0", depends=("python", "tiny-native >=2"))
    tinyconda.make_package(channel, "tiny-native", "2.0", form="conda")
    tinyconda.make_package(channel, "tiny-data", "2.0", noarch="generic")
    tinyconda.index(channel)
    make_wheel(tmp_path / "wheels", "app", "2.0")
    make_wheel(tmp_path / "wheels", "beside", "2.0")
    return path


def test_what_a_file_has_stays_where_the_cache_knows_nothing(make: Make, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert versions(make(cache=other, rewritten=file)) == OLD
    assert versions(make(cache=other)) == dict.fromkeys(OLD, "2.0"), "without the file it has no part in it"
    assert versions(make(cache=other, rewritten=file)) == OLD, "nor has what the cache knows by now in the file"
    assert versions(make(cache=other, rewritten=file, upgrade=True)) == dict.fromkeys(OLD, "2.0")


def test_what_is_asked_for_anew_is_added_and_the_others_stay(make: Make, file: Path, channel: Path) -> None:
    tinyconda.make_package(channel, "one-more")
    tinyconda.index(channel)
    assert versions(make(*CONDA, "one-more", rewritten=file)) == {**OLD, "one-more": "1.0"}
    assert versions(make("tiny-py>=2", *CONDA[1:], rewritten=file)) == {**OLD, "tiny-py": "2.0", "tiny-native": "2.0"}


@pytest.mark.parametrize("source", ["rewritten", slow("keep"), slow("cache")])
@pytest.mark.parametrize(
    ("names", "changed", "said"),
    [
        slow(("tiny-data",), {"tiny-data": "2.0"}, ["changed: tiny-data (conda) 1.0 -> 2.0"]),
        slow(
            ("tiny-py",),
            {"tiny-py": "2.0", "tiny-native": "2.0"},
            ["changed: tiny-native (conda) 1.0 -> 2.0, tiny-py (conda) 1.0 -> 2.0"],
        ),
        slow(("beside",), {"beside": "2.0"}, ["changed: beside 1.0 -> 2.0"]),
        (
            ("beside", "tiny-data"),
            {"beside": "2.0", "tiny-data": "2.0"},
            ["changed: tiny-data (conda) 1.0 -> 2.0", "changed: beside 1.0 -> 2.0"],
        ),
    ],
)
def test_only_what_is_named_is_chosen_anew_of_either_part_and_by_whichever_lock(
    make: Make,
    file: Path,
    tmp_path: Path,
    source: str,
    names: tuple[str, ...],
    changed: dict[str, str],
    said: list[str],
) -> None:
    told = Told()
    changes: dict[str, Any] = {} if source == "cache" else {source: file, "cache": tmp_path / "other"}
    found = make(upgrade_packages=names, progress=told, **changes)
    assert versions(found) == {**OLD, **changed}
    assert [note for note in told.notes if note.startswith("changed")] == said
    assert told.warnings == []
    if source == "cache":
        assert versions(make()) == versions(found), "the cache keeps what was chosen"


def test_a_name_that_is_of_neither_is_told(make: Make, file: Path) -> None:
    told = Told()
    assert versions(make(upgrade_packages=("delta",), rewritten=file, progress=told)) == OLD
    assert told.warnings == ["--upgrade-package delta: it is not among the packages"]


def test_what_its_channel_has_no_more_is_chosen_anew(make: Make, file: Path, channel: Path, tmp_path: Path) -> None:
    next(channel.rglob("tiny-data-1.0-0.*")).unlink()
    tinyconda.index(channel)
    assert versions(make(rewritten=file, cache=tmp_path / "other")) == {**OLD, "tiny-data": "2.0"}


def test_of_another_day_only_what_was_there_then_stays(make: Make, file: Path, channel: Path, tmp_path: Path) -> None:
    make_now = make(rewritten=file, upgrade=True)
    write_conda_lock(make_now, file, store=Store(tmp_path / "cache" / "store"))
    tinyconda.date_packages(channel, {"tiny-data-2": "2024-01-01"})
    then = AsOf(moment="2023-01-01T00:00:00Z", where="--as-of")
    found = versions(make(rewritten=file, as_of=then))
    assert (found["tiny-data"], found["tiny-py"]) == ("1.0", "2.0")


def test_a_file_that_is_no_lock_keeps_nothing_or_is_refused_where_it_counts(make: Make, file: Path) -> None:
    file.write_text("version: 1\n")
    told = Told()
    assert versions(make(rewritten=file, upgrade=False, progress=told)) == dict.fromkeys(OLD, "2.0")
    assert len(told.warnings) >= 1 and "nothing of it stays" in told.warnings[0]
    with pytest.raises(LockFileError, match=r"prod\.conda-lock\.yml is no conda-lock\.yml"):
        make(rewritten=file, upgrade_packages=("beside",))


def test_the_models_own_lock_has_chosen_unless_it_is_the_one_that_is_written(
    make: Make, file: Path, tmp_path: Path
) -> None:
    own = tmp_path / "conda-lock.yml"
    own.write_bytes(file.read_bytes())
    other = tmp_path / "other"
    assert versions(make(cache=other, upgrade=True)) == OLD
    assert versions(make(cache=other, rewritten=own)) == OLD
    assert versions(make(cache=other, rewritten=own, upgrade_packages=("tiny-data",))) == {**OLD, "tiny-data": "2.0"}
    assert versions(make(cache=other, rewritten=own, upgrade=True)) == dict.fromkeys(OLD, "2.0")
    for name in ("tiny-data", "beside"):
        with pytest.raises(UsageError, match=rf"--upgrade-package {name}: the model's conda-lock\.yml has chosen it"):
            make(cache=other, upgrade_packages=(name,))


@pytest.mark.parametrize(
    ("conda", "said"),
    [
        ("auto", r"--lock .*prod\.conda-lock\.yml: the model's own conda-lock\.yml has chosen"),
        ("never", r"--lock .*prod\.conda-lock\.yml: the model takes nothing from conda channels"),
    ],
)
def test_a_file_that_cannot_be_kept_is_told(make: Make, file: Path, tmp_path: Path, conda: str, said: str) -> None:
    (tmp_path / "conda-lock.yml").write_bytes(file.read_bytes())
    with pytest.raises(UsageError, match=said) as caught:
        make(keep=file, upgrade_packages=("another",), conda=conda)
    assert caught.value.hint


def test_a_second_run_over_the_file_asks_nobody(make: Make, file: Path, channel: Path, tmp_path: Path) -> None:
    import shutil

    before = hashlib.sha256(file.read_bytes()).hexdigest()
    shutil.rmtree(channel)
    shutil.rmtree(tmp_path / "wheels")
    found = make(rewritten=file)
    assert versions(found) == OLD and found.from_cache
    write_conda_lock(found, file, store=Store(tmp_path / "cache" / "store"))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
