"""EB506: a wheel for another architecture than the base."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..editing import spans_of
from ..types import Finding, Locked, Target
from ..wheel_tags import machine_of, platform_tags


class ArchMismatch(BaseRule):
    """A chosen wheel is for another architecture or another system than the base image.

    *What it does*: compares the platform tags of each wheel with the architecture of the base.

    *Why it breaks*: the wheel's libraries do not load: "wrong ELF class", or "cannot open shared object file".

    *Example*: a lock of linux/amd64 that is laid down on a base for linux/arm64.

    *Use instead*: a base of the architecture that the packages were chosen for, or `--upgrade`, which chooses anew.

    *Source*: PEP 425; PEP 600.
    """

    code = "EB506"
    name = "arch-mismatch"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each such wheel."""
        machine = machine_of(locked.base.architecture)
        for package in locked.lock.packages:
            tags = platform_tags(package.filename)
            if not tags or any(_runs(tag.system, tag.machine, machine) for tag in tags):
                continue
            yield self.finding(
                f"the wheel of {package.name} {package.version} is for {', '.join(tag.text for tag in tags)}, and "
                f"{locked.base.name} is linux/{locked.base.architecture}",
                hint="choose a base of that architecture with --base or --platform, or resolve anew with --upgrade",
                spans=spans_of(model, package.name),
            )


def _runs(system: str, tagged: str, machine: str) -> bool:
    return system == "any" or (system in ("glibc", "linux") and tagged == machine)
