"""EB806: the packages are large."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..editing import spans_of
from ..types import Finding, Locked, Target

_BUDGET = 1 << 30
_SHOWN = 5


class SizeBudget(BaseRule):
    """The chosen wheels are more than 1 GiB together.

    *What it does*: adds up the sizes of the locked wheels, packed as they are downloaded, and names the largest.

    *Why it breaks*: it does not. An image of several gigabytes takes minutes to push, to pull and to start on a new
    node, and scoring endpoints have a limit on how long that may take.

    *Example*: `- torch` on a machine without a graphics card: its CUDA libraries are larger than all the rest.

    *Use instead*: builds of the large packages for what the image runs on (`--accelerator cpu` for torch,
    `tensorflow-cpu`), and an environment without what the model does not predict with.

    *Source*: Azure ML, "Troubleshoot online endpoints", ImageBuildFailure and liveness probes.
    """

    code = "EB806"
    name = "size-budget"
    severity = "info"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding."""
        packages = sorted(locked.lock.packages, key=lambda package: (-package.size, package.name))
        total = sum(package.size for package in packages)
        if total <= _BUDGET:
            return
        largest = packages[:_SHOWN]
        shown = ", ".join(f"{package.name} ({_megabytes(package.size)})" for package in largest)
        yield self.finding(
            f"the packages are {_megabytes(total)} packed; the largest are {shown}",
            hint="look for builds without what the image does not use (--accelerator cpu takes torch without CUDA); "
            "leave out what predicts nothing",
            spans=spans_of(model, *(package.name for package in largest)),
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
