"""What the packages run on goes the whole road: torch's build, the plan, the image's variables, and who verifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tinyroad import Road
from tinywheels import make_wheel, serve


@pytest.fixture
def torch(road: Road, tmp_path: Path) -> Iterator[Road]:
    """The road of a model that lists torch, with a mirror of PyTorch's builds."""
    for build in ("cpu", "cu121"):
        folder = tmp_path / "mirror" / build
        (folder / "torch").mkdir(parents=True)
        wheel = make_wheel(folder, "torch", f"2.4.0+{build}", tag="py3-none-manylinux_2_17_x86_64")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (folder / "torch" / "index.html").write_text(f'<a href="../{wheel.name}#sha256={digest}">{wheel.name}</a>')
    for name in ("conda.yaml", "requirements.txt"):
        with (road.model / name).open("a") as file:
            file.write("  - torch==2.4.0\n" if name == "conda.yaml" else "torch==2.4.0\n")
    with serve(tmp_path / "mirror") as url:
        road.environment["ENVBUILD_PYTORCH_INDEX"] = url
        yield road


def built(road: Road, *arguments: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON result of a build into the layout `image`, and the image's variables."""
    out = road.folder / "image"
    done = road.image("--json", "--platform", "linux/amd64", "--output", f"oci-dir={out}", *arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    config = json.loads((out / "blobs" / result["config_digest"].replace(":", "/")).read_text())
    return result, dict(entry.partition("=")[::2] for entry in config["config"]["Env"])


def test_a_cuda_image_sees_the_gpus_says_so_in_its_plan_and_can_be_verified(torch: Road) -> None:
    result, variables = built(torch, "--accelerator", "cuda121")
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert variables["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    (decision,) = [one for one in result["decisions"] if one["what"] == "accelerator"]
    assert (decision["value"], "NVIDIA GPUs" in decision["why"]) == ("cuda121", True)
    torch.environment["ENVBUILD_CACHE_DIR"] = str(torch.folder / "another")
    done = torch.run("verify", str(torch.folder / "image"), "--own-base")
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_persons_own_variables_come_first(torch: Road) -> None:
    _, variables = built(torch, "--accelerator", "cuda121", "--env", "NVIDIA_VISIBLE_DEVICES=0")
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "0"


def test_a_cpu_image_has_the_build_for_it_and_no_such_variables(torch: Road) -> None:
    result, variables = built(torch, "--accelerator", "cpu")
    assert not [name for name in variables if name.startswith("NVIDIA")]
    assert {"accelerator": "cpu"}.items() <= {one["what"]: one["value"] for one in result["decisions"]}.items()
    (lock,) = torch.cache.glob("locks/*/lock.json")
    assert "2.4.0+cpu" in {row["version"] for row in json.loads(lock.read_text())["packages"]}


def test_another_one_is_refused_with_those_that_there_are(torch: Road) -> None:
    done = torch.run("plan", str(torch.model), "--accelerator", "gpu")
    assert (done.returncode, "cuda128" in done.stderr) == (2, True)
