"""EB505: a wheel that needs a newer glibc than the base has."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..editing import spans_of
from ..types import Finding, Locked, Target
from ..wheel_tags import machine_of, platform_tags


class GlibcTooNew(BaseRule):
    """A chosen wheel was built for a newer glibc than the base image has.

    *What it does*: compares the manylinux tag of each wheel with the glibc of the base.

    *Why it breaks*: the wheel's libraries do not load: "version `GLIBC_2.34' not found".

    *Example*: `x-1.0-cp311-cp311-manylinux_2_34_x86_64.whl` on debian:bullseye, whose glibc is 2.31.

    *Use instead*: a newer base (`--base debian:bookworm` has 2.36), or an older version of the package.

    *Source*: PEP 600; lightgbm-org/LightGBM issue 1945.
    """

    code = "EB505"
    name = "glibc-too-new"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each such wheel."""
        major, _, minor = locked.base.glibc.partition(".")
        if major != "2" or not minor.isdecimal():
            return
        machine = machine_of(locked.base.architecture)
        for package in locked.lock.packages:
            tags = platform_tags(package.filename)
            needed = [tag.glibc for tag in tags if tag.system == "glibc" and tag.machine == machine]
            others = any(tag.system in ("any", "linux") for tag in tags)
            if needed and not others and min(needed) > int(minor):
                yield self.finding(
                    f"{package.name} {package.version} needs glibc 2.{min(needed)}, and {locked.base.name} has "
                    f"{locked.base.glibc}",
                    hint=f"choose a base with glibc 2.{min(needed)} or newer with --base, or another version of "
                    f"{package.name}",
                    spans=spans_of(model, package.name),
                )
