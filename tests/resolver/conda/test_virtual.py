"""What the base and the person say that an image has decides on builds, and nothing of this machine does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import LockFileError, ResolveError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.options import ACCELERATORS
from envbuild.progress import SILENT, Progress
from envbuild.resolver.conda.keeping import Kept
from envbuild.resolver.conda.locking import key_of, lock_conda
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.types import CondaAsk
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.origin import Origin
from envbuild.resolver.types import Lock


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    channel = tmp_path_factory.mktemp("gpus") / "channel"
    tinyconda.make_python(channel)
    tinyconda.make_package(channel, "tiny-torch", build="cuda12_1", build_number=1, depends=("__cuda >=12",))
    tinyconda.make_package(channel, "tiny-torch", build="cpu_0")
    return tinyconda.index(channel)


@pytest.fixture
def ask(environment: Callable[..., Environment], address: str) -> Callable[..., CondaAsk]:
    def make(*conda: str, **changes: Any) -> CondaAsk:
        listed = environment(*conda, channels=(address,))
        return ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64", **changes)

    return make


def build(ask: CondaAsk, cache: Path) -> str:
    return next(package.build for package in solve(ask, cache)[0] if package.name == "tiny-torch")


@pytest.mark.parametrize(
    ("accelerator", "expected"),
    [("", "cpu_0"), ("cpu", "cpu_0"), ("cuda118", "cpu_0"), ("cuda120", "cuda12_1"), ("cuda126", "cuda12_1")],
)
def test_the_build_is_that_of_the_accelerator_which_is_asked_for(
    ask: Callable[..., CondaAsk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accelerator: str, expected: str
) -> None:
    """CONDA_OVERRIDE_CUDA is for the machine that it is set on, and the image runs on another."""
    for override in ("12.9", "", "11.0"):
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA", override)
        assert build(ask("tiny-torch", accelerator=accelerator), tmp_path) == expected


def test_every_accelerator_has_its_version_of_cuda(ask: Callable[..., CondaAsk]) -> None:
    found = {name: ask(accelerator=name).cuda for name in ACCELERATORS}
    assert found.pop("cpu") == ""
    assert found["cuda126"] == "12.6" and found["cuda100"] == "10.0"
    assert found == {name: f"{name[4:6]}.{name[6:]}" for name in found}


def test_a_build_for_gpus_that_is_pinned_is_refused_with_the_option_that_has_one(
    ask: Callable[..., CondaAsk], tmp_path: Path
) -> None:
    with pytest.raises(ResolveError) as caught:
        solve(ask("tiny-torch=*=cuda*"), tmp_path)
    assert "--accelerator names the CUDA" in caught.value.hint
    assert build(ask("tiny-torch=*=cuda*", accelerator="cuda126"), tmp_path) == "cuda12_1"
    with pytest.raises(ResolveError) as caught:
        solve(ask("tiny-torch=*=cuda*", accelerator="cuda118"), tmp_path)
    assert "choose another --accelerator than cuda118" in caught.value.hint


def test_a_line_that_names_cuda_itself_wants_the_option(ask: Callable[..., CondaAsk], tmp_path: Path) -> None:
    with pytest.raises(ResolveError) as caught:
        solve(ask("tiny-torch", "__cuda>=12"), tmp_path)
    assert "conda.yaml:8: __cuda>=12" in caught.value.message
    assert "--accelerator names the CUDA" in caught.value.hint
    assert build(ask("tiny-torch", "__cuda>=12", accelerator="cuda121"), tmp_path) == "cuda12_1"


def test_what_was_chosen_for_one_accelerator_is_not_taken_for_another(
    ask: Callable[..., CondaAsk], tmp_path: Path
) -> None:
    plain, gpu = ask("tiny-torch"), ask("tiny-torch", accelerator="cuda126")
    assert len({key_of(plain), key_of(gpu), key_of(ask("tiny-torch", accelerator="cuda121"))}) == 3
    for wanted, expected in ((plain, "cpu_0"), (gpu, "cuda12_1"), (plain, "cpu_0")):
        packages, _, _ = lock_conda(wanted, tmp_path, SILENT)
        assert {p.build for p in packages if p.name == "tiny-torch"} == {expected}


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.parametrize(
    ("before", "now", "build", "said"),
    [
        ("", "cuda126", "cuda12_1", "was made without --accelerator: all conda packages are chosen anew"),
        ("cuda126", "cpu", "cpu_0", "was made for --accelerator cuda126: all conda packages are chosen anew"),
        ("", "cpu", "cpu_0", ""),
    ],
)
@pytest.mark.parametrize("renewed", [(), ("python",)])
def test_a_file_that_was_made_for_another_accelerator_keeps_no_build(
    ask: Callable[..., CondaAsk],
    tmp_path: Path,
    before: str,
    now: str,
    build: str,
    said: str,
    renewed: tuple[str, ...],
) -> None:
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    packages, _, _ = lock_conda(ask("tiny-torch", accelerator=before), tmp_path, SILENT)
    path = tmp_path / "conda-lock.yml"
    lock = Lock(packages=(), python="3.11.7", platform="manylinux_2_36_x86_64", requirements=(), conda=packages)
    settings = {"accelerator": before} if before else {}
    origin = Origin(digest="sha256:1", server="envbuild", settings=settings)
    write_conda_lock(lock, path, store=Store(tmp_path / "store"), origin=origin)
    told, wanted = Told(), ask("tiny-torch", accelerator=now)
    kept = Kept(path, wanted, told, strict=bool(renewed))
    found, _, _ = lock_conda(wanted, tmp_path / "other", told, renewed=renewed, kept=kept)
    assert {p.build for p in found if p.name == "tiny-torch"} == {build}
    assert [note for note in told.notes if "made" in note] == ([f"{path} {said}"] if said else [])


def test_a_lock_for_gpus_is_held_against_the_accelerator_that_is_asked_for(
    ask: Callable[..., CondaAsk], tmp_path: Path
) -> None:
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    import hashlib
    from dataclasses import replace

    packages, _, _ = lock_conda(ask("tiny-torch", accelerator="cuda126"), tmp_path, SILENT)
    path = tmp_path / "conda-lock.yml"
    lock = Lock(packages=(), python="3.11.7", platform="manylinux_2_36_x86_64", requirements=(), conda=packages)
    write_conda_lock(lock, path, store=Store(tmp_path / "store"))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def taken(accelerator: str, *conda: str) -> object:
        wanted = ask("tiny-torch", *conda, accelerator=accelerator)
        return lock_conda(replace(wanted, lock=path, lock_sha256=sha256), tmp_path, SILENT)[0]

    assert taken("cuda126") == packages
    assert taken("cuda121", "__cuda>=12") == packages
    assert taken("") == packages, "whoever made it for GPUs did so on purpose"
    for accelerator in ("cpu", "cuda118"):
        with pytest.raises(LockFileError, match=rf"depends on __cuda >=12, which --accelerator {accelerator} does not"):
            taken(accelerator)
    with pytest.raises(
        LockFileError, match=r"conda\.yaml:8 asks for __cuda>=12, which the image does not have"
    ) as caught:
        taken("", "__cuda>=12")
    assert "--accelerator names the CUDA" in caught.value.hint
