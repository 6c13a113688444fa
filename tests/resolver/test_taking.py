"""A lock that a person names is taken without a solver, and what does not fit it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import IntegrityError, LockFileError
from envbuild.model.types import Environment, Line, Span
from envbuild.oci.store import Store
from envbuild.progress import Progress
from envbuild.resolver import fetch, write_pylock
from envbuild.resolver.asking import Wish
from envbuild.resolver.origin import origin_of
from envbuild.resolver.requirements import Ask, Inputs
from envbuild.resolver.taking import take, unmet
from envbuild.resolver.target import Platform, platform_of
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.resolver.vouching import is_vouched
from envbuild.servers.types import Server, ServerPackage

Make = Callable[..., Any]
BOOKWORM = platform_of("3.11.2", "2.36", "amd64")


class Warnings(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Locking:
    """A lock of `alpha` for a server that brings `serve`, written to a file; then no uv and no index."""

    def __init__(self, folder: Path, run: Make, profile: Make) -> None:
        self.folder = folder
        self.run = run
        self.server: Server = profile(ServerPackage(name="serve", requirement="serve>=1", why="it serves"))
        self.path = folder / "pylock.toml"

    def wish(self, environment: Environment, platform: Platform = BOOKWORM, server: Server | None = None) -> Wish:
        return Wish(
            environment=environment, server=server or self.server, platform=platform, model_root=self.folder / "model"
        )

    def write(self, environment: Environment) -> Lock:
        lock: Lock = self.run(environment, self.server)
        write_pylock(lock, self.path, replace(origin_of(self.wish(environment)), base="tiny:1", base_digest="sha256:0"))
        return lock

    def take(self, wish: Wish, **more: Any) -> tuple[Lock, list[str]]:
        told = Warnings()
        return take(self.path, wish, cache=self.folder / "cache2", progress=told, **more), told.warnings


@pytest.fixture
def locking(index: Any, tmp_path: Path, run: Make, profile: Make, monkeypatch: pytest.MonkeyPatch) -> Locking:
    index.wheel("alpha", requires=["beta"])
    for version in ("1.0", "2.0"):
        index.wheel("beta", version)
        index.wheel("serve", version)
    made = Locking(tmp_path, run, profile)
    write = made.write

    def without_uv_from_then_on(environment: Environment) -> Lock:
        lock = write(environment)
        monkeypatch.setattr("envbuild.resolver.uv.find_uv", lambda: pytest.fail("uv was started"))
        return lock

    monkeypatch.setattr(made, "write", without_uv_from_then_on)
    return made


def test_the_same_lock_comes_back_without_uv(locking: Locking, env: Make, tmp_path: Path) -> None:
    lock = locking.write(env("alpha"))
    found, warnings = locking.take(locking.wish(env("alpha")), locked=True)
    assert warnings == []
    assert (found.packages, found.digest, found.requirements) == (lock.packages, lock.digest, lock.requirements)
    assert found.from_cache
    # That somebody wrote it into a file does not tell that an index of this machine has it.
    assert not is_vouched(tmp_path / "cache2", found)
    fetched = fetch(found, Store(tmp_path / "store"))
    assert all(package.size for package in fetched.packages)


def test_equal_inputs_give_equal_bytes(locking: Locking, env: Make, tmp_path: Path) -> None:
    lock = locking.write(env("alpha"))
    first = locking.path.read_bytes()
    again = replace(lock, created="", from_cache=True, entry="")
    origin = replace(origin_of(locking.wish(env("alpha"))), base="tiny:1", base_digest="sha256:0")
    write_pylock(again, locking.path, origin)
    assert locking.path.read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_other_requirements_are_a_warning_that_names_them_and_an_error_with_locked(locking: Locking, env: Make) -> None:
    locking.write(env("alpha", "beta==2.0"))
    now = locking.wish(env("beta==1.0", "alpha", constraints=["serve<2"]))
    found, (warning,) = locking.take(now)
    assert {p.name: p.version for p in found.packages}["beta"] == "2.0"
    assert "beta==1.0 (conda.yaml:7) was beta==2.0; the constraint serve<2 (constraints.txt:1) is new" in warning
    with pytest.raises(LockFileError, match=r"pylock.toml would change, .*beta==1.0 \(conda.yaml:7\) was beta==2.0"):
        locking.take(now, locked=True)
    _, (gone,) = locking.take(locking.wish(env("alpha")))
    assert "beta==2.0 is gone" in gone


def test_a_setting_that_changed_is_named_and_other_indexes_matter_with_locked_alone(
    locking: Locking, env: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    locking.write(env("alpha"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/other")
    assert locking.take(locking.wish(env("alpha")))[1] == []
    with pytest.raises(LockFileError, match="UV_DEFAULT_INDEX names other places"):
        locking.take(locking.wish(env("alpha")), locked=True)
    monkeypatch.setenv("UV_PRERELEASE", "allow")
    (warning,) = locking.take(locking.wish(env("alpha")))[1]
    assert "UV_PRERELEASE is allow, it was not set" in warning
    assert "127.0.0.1" not in locking.path.read_text().partition("[tool.envbuild]")[2]


def test_another_lock_of_the_model_itself_is_told(locking: Locking, env: Make) -> None:
    model = locking.folder / "model"
    model.mkdir()
    (model / "pyproject.toml").touch()
    locking.write(env("alpha"))
    (model / "uv.lock").write_text("version = 1")
    (warning,) = locking.take(locking.wish(env("alpha")))[1]
    assert "the model's own lock is new" in warning


@pytest.mark.parametrize(
    ("platform", "says"),
    [
        (platform_of("3.12.1", "2.36", "amd64"), "is for Python 3.11, and the image has Python 3.12"),
        (platform_of("3.11.2", "2.36", "arm64"), "is for linux/amd64, and the image is for linux/arm64"),
    ],
)
def test_a_lock_for_another_python_or_machine_is_refused(
    locking: Locking, env: Make, platform: Platform, says: str
) -> None:
    locking.write(env("alpha"))
    with pytest.raises(LockFileError, match=says):
        locking.take(locking.wish(env("alpha"), platform))


def test_another_glibc_or_patch_of_python_is_taken_with_a_word(locking: Locking, env: Make) -> None:
    locking.write(env("alpha"))
    newer = platform_of("3.11.9", "2.41", "amd64")
    found, (warning,) = locking.take(locking.wish(env("alpha"), newer))
    assert (found.python, found.platform) == ("3.11.9", "manylinux_2_41_x86_64")
    assert "the base has Python 3.11.9, it had 3.11.2" in warning
    assert "the platform is manylinux_2_41_x86_64" in warning


def test_what_the_server_needs_must_be_there(locking: Locking, env: Make, profile: Make) -> None:
    locking.write(env("alpha"))
    other = profile(ServerPackage(name="other", requirement="other>=1", why="it serves"))
    with pytest.raises(LockFileError, match="it has no other, and the tiny server needs other>=1"):
        locking.take(locking.wish(env("alpha"), server=other))
    newer = profile(ServerPackage(name="serve", requirement="serve>=3", why="it serves"))
    with pytest.raises(LockFileError, match=r"it has serve 2.0, and the tiny server needs serve>=3"):
        locking.take(locking.wish(env("alpha"), server=newer))


def test_packages_that_were_changed_by_hand_are_noticed(locking: Locking, env: Make) -> None:
    locking.write(env("alpha"))
    text = locking.path.read_text()
    locking.path.write_text(text.replace(_sha(next(row for row in text.splitlines() if "beta-2.0" in row)), "0" * 64))
    (warning,) = locking.take(locking.wish(env("alpha")))[1]
    assert "its packages were changed by hand" in warning
    with pytest.raises(LockFileError, match="changed by hand"):
        locking.take(locking.wish(env("alpha")), locked=True)


def test_what_is_lacking_in_a_lock_that_was_changed_by_hand_is_named(locking: Locking, env: Make) -> None:
    locking.write(env("alpha"))
    head, *packages = locking.path.read_text().split("[[packages]]")
    tail = packages[-1].partition("\n[tool")
    packages[-1] = tail[0]
    rest = [each for each in packages if 'name = "alpha"' not in each]
    assert len(rest) == len(packages) - 1
    locking.path.write_text("[[packages]]".join([head, *rest]) + "".join(tail[1:]))
    (warning,) = locking.take(locking.wish(env("alpha")))[1]
    assert "its packages were changed by hand; it has no alpha, and conda.yaml:7 asks for alpha" in warning


def _sha(line: str) -> str:
    return line.partition('sha256 = "')[2].partition('"')[0]


def test_a_lock_of_another_tool_is_taken_for_what_it_has(locking: Locking, env: Make) -> None:
    lock = locking.write(env("alpha"))
    # As `uv pip compile` wrote it.
    text = Path(lock.entry, "pylock.toml").read_text()
    assert 'created-by = "uv"' in text
    locking.path.write_text(text)
    found, warnings = locking.take(locking.wish(env("alpha", "beta>=1")))
    assert warnings == []
    assert found.packages == lock.packages
    assert found.requirements == ("alpha", "beta>=1", "serve>=1")
    (warning,) = locking.take(locking.wish(env("alpha==3.0", "gamma")))[1]
    assert "it has alpha 1.0, and conda.yaml:7 asks for alpha==3.0" in warning
    assert "it has no gamma, and conda.yaml:8 asks for gamma" in warning
    with pytest.raises(LockFileError, match="does not say what it was made for"):
        locking.take(locking.wish(env("alpha")), locked=True)


def test_the_hashes_that_the_model_lists_hold_for_it_too(locking: Locking, env: Make) -> None:
    locking.write(env("alpha"))
    span = Span(file="conda.yaml", line=7, column=2)
    listed = replace(env("alpha"), lines=(Line(text="--hash=sha256:" + "1" * 64, span=span),))
    with pytest.raises(IntegrityError, match="alpha"):
        locking.take(locking.wish(listed))


def test_a_file_that_is_not_as_locked_is_refused_when_it_is_fetched(
    locking: Locking, env: Make, tmp_path: Path
) -> None:
    locking.write(env("alpha"))
    text = locking.path.read_text()
    locking.path.write_text(text.replace(_sha(next(row for row in text.splitlines() if "beta-2.0" in row)), "0" * 64))
    found, _ = locking.take(locking.wish(env("alpha")))
    with pytest.raises(IntegrityError, match="is not the file that was locked"):
        fetch(found, Store(tmp_path / "store"))


def test_packages_for_gpus_are_refused_for_the_cpu(locking: Locking, index: Any, env: Make) -> None:
    index.wheel("nvidia-cublas-cu12")
    asked = env("alpha", "nvidia-cublas-cu12")
    locking.write(asked)
    assert len(locking.take(locking.wish(asked))[0].packages) == 4
    with pytest.raises(LockFileError, match=r"pylock.toml: nvidia-cublas-cu12 is for GPUs, and --accelerator is cpu"):
        locking.take(replace(locking.wish(asked), accelerator="cpu"))


@pytest.mark.parametrize(("text", "version"), [("a==1", "9" * 5000), (f"a=={'9' * 5000}", "1"), ("a==1", "none")])
def test_a_version_that_cannot_be_compared_is_not_the_one_that_is_asked_for(text: str, version: str) -> None:
    asked = Ask(name="a", text=text, where="requirements.txt:1")
    there = LockedPackage(name="a", version=version, filename="a.whl", sha256="0" * 64, size=0)
    ((ask, why),) = unmet(Inputs(asks=(asked,)), (there,), BOOKWORM)
    assert (ask, why) == (asked, f"it has a {version}")
