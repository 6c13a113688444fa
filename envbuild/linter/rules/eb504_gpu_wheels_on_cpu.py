"""EB504: NVIDIA's libraries in an image that asked for no GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..editing import spans_of
from ..types import Finding, Locked, Target

_ASKED = re.compile(r"\+cu\d|and-cuda|\[cuda|-gpu\b|-cu\d\d|cupy|tensorrt|vllm", re.IGNORECASE)
# Packages whose usual wheels bring NVIDIA's libraries, and what does without.
_WITHOUT = {
    "torch": "--accelerator cpu takes its builds without them",
    "xgboost": "list xgboost-cpu of the same version in its place, if there is one",
}


class GpuWheelsOnCpu(BaseRule):
    """NVIDIA's CUDA libraries are among the packages, and the model asks for no GPU.

    *What it does*: looks for `nvidia-*` packages among those chosen, unless the model lists a GPU build by name or
    `--accelerator` says what the packages run on.

    *Why it breaks*: nothing breaks; the image is gigabytes larger than it need be, on each node and in each registry.

    *Example*: `torch==2.5.1`, whose usual Linux wheel asks for a dozen nvidia packages.

    *Use instead*: `--accelerator cpu`, which lets no such package in; `xgboost-cpu` for xgboost. For a GPU,
    `--accelerator cuda121` or another CUDA says so.

    *Source*: uv, "Using uv with PyTorch".
    """

    code = "EB504"
    name = "gpu-wheels-on-cpu"
    severity = "warning"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, at the listed packages that bring them."""
        if target.accelerator:
            return
        found = [package for package in locked.lock.packages if package.name.startswith("nvidia-")]
        listed = model.environment.pip
        if not found or any(r.name.startswith("nvidia-") or _ASKED.search(r.text) for r in listed):
            return
        if any(d.name.startswith(("cuda", "cudnn", "pytorch-cuda")) for d in model.environment.conda):
            return
        names = {package.name for package in locked.lock.packages}
        owners = [name for name in _WITHOUT if name in names]
        for name, contents in locked.contents.items():
            if name not in owners and not name.startswith("nvidia-") and _asks_for_nvidia(contents.requires):
                owners.append(name)
        size = sum(package.size for package in found)
        large = f" of {size / 1e6:,.0f} MB" if size >= 1_000_000 else ""
        plural = "s" if len(found) != 1 else ""
        brought = f", which {' and '.join(owners)} bring{'s' if len(owners) == 1 else ''}" if owners else ""
        ways = [_WITHOUT[name] for name in owners if name in _WITHOUT]
        yield self.finding(
            f"the image holds {len(found)} package{plural}{large} for NVIDIA GPUs{brought}",
            hint="; ".join([*ways, "for a GPU say so: --accelerator cuda121, or another CUDA"]),
            spans=spans_of(model, *owners),
        )


def _asks_for_nvidia(requires: tuple[str, ...]) -> bool:
    return any(line.startswith("nvidia-") and "extra ==" not in line for line in requires)
