"""Builds of torch, from an index of tiny wheels laid out like PyTorch's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import NetworkError, ResolveError, UsageError
from envbuild.options import ACCELERATORS
from envbuild.resolver.relocating import relocated
from envbuild.resolver.torch import TorchBuilds, torch_builds
from envbuild.resolver.uv import find_uv

Make = Callable[..., Any]
LINUX = "cp311-cp311-manylinux_2_28_x86_64"
ARM = "cp311-cp311-manylinux_2_28_aarch64"
NVIDIA = 'nvidia-cublas-cu12==12.1.3.1 ; platform_machine == "x86_64"'


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


@pytest.fixture
def builds(index: Any, make_index: Make, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The default index with the usual torch, newer too, and a mirror of builds that has an own numpy."""
    for version in ("2.1.0", "2.2.0"):
        index.wheel("torch", version, requires=[NVIDIA, "numpy"], tag=LINUX)
    index.wheel("nvidia-cublas-cu12", "12.1.3.1", requires=["nvidia-nvjitlink-cu12"])
    index.wheel("nvidia-nvjitlink-cu12", "12.1")
    index.wheel("numpy", "2.4.6")
    index.wheel("torchvision", "0.16.0", requires=["torch==2.1.0"], tag=LINUX)
    index.wheel("sentences", requires=["torch>=2", "numpy"])
    mirror = make_index("mirror")

    def write_wheel(folder: Path, name: str, version: str, **more: Any) -> None:
        wheel = mirror.wheel(name, version, **more)
        wheel.rename(folder / wheel.name)

    for name, tags in (("cpu", (LINUX, ARM)), ("cu121", (LINUX,))):
        folder = mirror.folder / name
        folder.mkdir()
        for tag in tags:
            needs = [] if name == "cpu" else [NVIDIA]
            write_wheel(folder, "torch", f"2.1.0+{name}", requires=[*needs, "numpy"], tag=tag)
            write_wheel(folder, "torchvision", f"0.16.0+{name}", requires=["torch==2.1.0"], tag=tag)
        write_wheel(folder, "numpy", "9.9")
    monkeypatch.setenv("ENVBUILD_PYTORCH_INDEX", f"{mirror.base}/whl")
    return mirror


def test_the_accelerators_are_backends_that_uv_knows() -> None:
    said = subprocess.run([find_uv(), "pip", "compile", "--help"], capture_output=True, text=True, check=True).stdout
    for accelerator in ACCELERATORS:
        assert f" {accelerator.replace('cuda', 'cu')}," in " ".join(said.split())


def test_without_the_option_it_is_the_index_as_ever(builds: Any, env: Make, run: Make) -> None:
    found = versions(run(env("torch")))
    assert found["torch"] == "2.2.0"
    assert "nvidia-cublas-cu12" in found
    assert builds.requests == []


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_for_the_cpu_no_package_of_nvidia_comes(builds: Any, env: Make, run: Make, architecture: str) -> None:
    lock = run(env("torch==2.1.0"), accelerator="cpu", architecture=architecture)
    assert versions(lock) == {"numpy": "2.4.6", "torch": "2.1.0+cpu"}
    assert lock.packages[1].url.startswith(f"{builds.base}/files/cpu/torch-2.1.0+cpu-")


def test_for_cuda_torch_brings_its_libraries(builds: Any, env: Make, run: Make) -> None:
    assert versions(run(env("torch"), accelerator="cuda121")) == {
        "numpy": "2.4.6",
        "nvidia-cublas-cu12": "12.1.3.1",
        "nvidia-nvjitlink-cu12": "12.1",
        "torch": "2.1.0+cu121",
    }


def test_the_mirror_serves_torch_alone_and_also_where_another_package_asks_for_it(
    builds: Any, env: Make, run: Make
) -> None:
    found = versions(run(env("sentences", "torchvision"), accelerator="cpu"))
    assert found == {"numpy": "2.4.6", "sentences": "1.0", "torch": "2.1.0+cpu", "torchvision": "0.16.0+cpu"}
    assert not any("numpy" in path for _, path in builds.requests)


def test_who_needs_no_torch_gets_none(builds: Any, env: Make, run: Make) -> None:
    assert versions(run(env("numpy"), accelerator="cpu")) == {"numpy": "2.4.6"}
    assert builds.requests == []


def test_a_folder_of_that_name_in_an_address_is_no_package(
    env: Make, run: Make, make_index: Make, monkeypatch: Any
) -> None:
    index = make_index("index")
    folder = index.folder / "torch"
    folder.mkdir()
    index.wheel("alpha").rename(folder / "alpha-1.0-py3-none-any.whl")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.base}/whl/torch/")
    monkeypatch.setenv("ENVBUILD_PYTORCH_INDEX", f"{index.base}/whl")
    lock = run(env("alpha"), accelerator="cpu")
    assert lock.packages[0].url == f"{index.base}/files/torch/alpha-1.0-py3-none-any.whl"
    assert versions(lock) == {"alpha": "1.0"}
    with pytest.raises(ResolveError, match="beta was not found"):
        run(env("alpha", "beta"), accelerator="cpu")


def test_the_default_index_need_not_have_torch(builds: Any, index: Any, env: Make, run: Make) -> None:
    for path in index.folder.glob("torch*"):
        path.unlink()
    assert versions(run(env("sentences"), accelerator="cpu"))["torch"] == "2.1.0+cpu"


def test_a_pin_with_the_label_of_the_accelerator_resolves_and_another_is_told(
    builds: Any, env: Make, run: Make
) -> None:
    assert versions(run(env("torch==2.1.0+cu121"), accelerator="cuda121"))["torch"] == "2.1.0+cu121"
    asked = len(builds.requests)
    with pytest.raises(ResolveError) as caught:
        run(env("torch==2.1.0+cu121"), accelerator="cpu")
    assert caught.value.message == (
        "conda.yaml:7: torch==2.1.0+cu121 is built for CUDA 12.1, and --accelerator says cpu"
    )
    assert caught.value.hint == "write torch==2.1.0, or give --accelerator cuda121"
    assert len(builds.requests) == asked


@pytest.mark.parametrize(
    ("text", "accelerator", "says", "hint"),
    [
        ("torch==2.1.0+cpu", "cuda121", "torch==2.1.0+cpu is a build for cpu", "or give --accelerator cpu"),
        ("torchvision===0.16.0+cu118", "cuda121", "built for CUDA 11.8", "write torchvision===0.16.0, or"),
        ("torch==2.1.0+rocm5.6", "cpu", "is a build for rocm5.6", "write torch==2.1.0"),
    ],
)
def test_a_label_for_something_else_is_refused_before_anything_is_asked(
    builds: Any, index: Any, env: Make, run: Make, text: str, accelerator: str, says: str, hint: str
) -> None:
    with pytest.raises(ResolveError) as caught:
        run(env(text), accelerator=accelerator)
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert builds.requests == index.requests == []


@pytest.mark.parametrize("text", ["torch==2.5.0", "torch>=2.5", "torchvision==9.0"])
def test_what_pytorchs_index_lacks_is_looked_for_under_another_accelerator(
    builds: Any, env: Make, run: Make, text: str
) -> None:
    for accelerator in ("cpu", "cuda132"):
        with pytest.raises(ResolveError) as caught:
            run(env(text), accelerator=accelerator)
        assert f"the builds for {accelerator.replace('cuda', 'cu')} alone" in caught.value.hint
        assert "--accelerator" in caught.value.hint
        assert "ENVBUILD_PYTORCH_INDEX" in caught.value.hint
        assert "UV_DEFAULT_INDEX" not in caught.value.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_mirror_that_refuses_is_told_where_its_login_belongs(builds: Any, env: Make, run: Make, status: int) -> None:
    builds.answers["/whl/cpu/torch/"] = [status] * 9
    with pytest.raises(ResolveError) as caught:
        run(env("torch==2.1.0"), accelerator="cpu")
    assert (
        "ENVBUILD_PYTORCH_INDEX names a mirror of PyTorch's index, with its login in the address" in caught.value.hint
    )


def test_a_mirror_out_of_reach_is_named_and_not_the_default_index(
    builds: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVBUILD_PYTORCH_INDEX", "http://127.0.0.1:1/whl")
    with pytest.raises(NetworkError) as caught:
        run(env("torch==2.1.0"), accelerator="cpu")
    assert "ENVBUILD_PYTORCH_INDEX" in caught.value.hint
    assert "UV_DEFAULT_INDEX" not in caught.value.hint


def test_the_option_comes_before_uvs_variable_and_each_is_another_lock(
    builds: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_TORCH_BACKEND", "cu121")
    assert versions(run(env("torch")))["torch"] == "2.1.0+cu121"
    assert versions(run(env("torch"), accelerator="cpu"))["torch"] == "2.1.0+cpu"
    monkeypatch.delenv("UV_TORCH_BACKEND")
    assert run(env("torch"), accelerator="cpu").from_cache
    assert not run(env("torch"), accelerator="cuda121").from_cache
    assert versions(run(env("torch")))["torch"] == "2.2.0"
    monkeypatch.setenv("ENVBUILD_PYTORCH_INDEX", f"{builds.base}/whl/")
    assert run(env("torch"), accelerator="cpu").from_cache


def test_what_brings_nvidias_packages_into_a_cpu_image_is_named(builds: Any, index: Any, env: Make, run: Make) -> None:
    index.wheel("xgboost", "3.0", requires=["nvidia-nvjitlink-cu12"])
    with pytest.raises(ResolveError) as caught:
        run(env("torch", "xgboost==3.0"), accelerator="cpu")
    assert caught.value.message == (
        "--accelerator cpu allows no packages for NVIDIA GPUs, and there are 1: nvidia-nvjitlink-cu12\n"
        "asked for by xgboost 3.0 (conda.yaml:8)"
    )
    assert "xgboost-cpu" in (caught.value.hint or "")
    with pytest.raises(ResolveError, match=r"there are 2: .*\n.*conda.yaml:7, which lists nvidia-cublas-cu12"):
        run(env("nvidia-cublas-cu12"), accelerator="cpu")
    assert "nvidia-nvjitlink-cu12" in versions(run(env("torch", "xgboost==3.0"), accelerator="cuda121"))


def test_a_mirror_that_asks_for_a_password_gets_it_and_nobody_else_sees_it(
    builds: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    builds.login = "bob:s3cr:et"
    monkeypatch.setenv("ENVBUILD_PYTORCH_INDEX", f"{builds.base}/whl".replace("://", "://bob:s3cr%3Aet@"))
    lock = run(env("torch"), accelerator="cpu")
    assert versions(lock)["torch"] == "2.1.0+cpu"
    from envbuild.oci.store import Store
    from envbuild.resolver import fetch

    fetch(lock, Store(tmp_path / "store"))
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache" / "locks").rglob("*") if p.is_file())
    assert b"s3cr" not in kept + repr(lock).encode()


def test_a_lock_without_addresses_finds_the_builds_that_its_versions_name(
    builds: Any, env: Make, run: Make, tmp_path: Path
) -> None:
    from dataclasses import replace

    lock = run(env("torch"), accelerator="cuda121")
    bare = replace(lock, packages=tuple(replace(p, url="") for p in lock.packages))
    assert relocated(bare, [p.sha256 for p in lock.packages], cache=tmp_path / "uv").packages == lock.packages


def test_without_a_mirror_uv_is_told_the_backend() -> None:
    assert torch_builds("", {}) is None
    assert torch_builds("cuda128", {}) == TorchBuilds(backend="cu128")
    assert torch_builds("", {"UV_TORCH_BACKEND": "auto", "ENVBUILD_PYTORCH_INDEX": "https://m/whl"}) == TorchBuilds(
        backend="auto"
    )


def test_what_is_no_accelerator_and_what_is_no_address_are_refused() -> None:
    with pytest.raises(UsageError, match="--accelerator gpu"):
        torch_builds("gpu", {})
    for mirror in ("mirror/whl", "http://[broken/whl", "https:///whl", "ftp://mirror/whl"):
        with pytest.raises(UsageError, match="which is no address"):
            torch_builds("cpu", {"ENVBUILD_PYTORCH_INDEX": mirror})


def test_uv_really_goes_to_where_pytorch_has_its_builds(
    index: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("torch", "2.1.0")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(NetworkError, match="whl/cu121/torch"):
        run(env("torch"), accelerator="cuda121")
