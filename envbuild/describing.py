"""What is said of an image that was built: asked for by the person, made from what was planned, attached to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .errors import UsageError
from .progress import Summary
from .records import dataclass

if TYPE_CHECKING:
    from .attesting.attestations import Statement
    from .bases.types import Base
    from .deliver import Destination
    from .job import Job
    from .oci.types import Layer
    from .planner.types import Plan
    from .resolver.types import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which statements are to be attached to the image: bills of materials, the provenance."""

    sbom: bool = False
    provenance: bool = False

    @property
    def options(self) -> str:
        """As they are typed."""
        return " and ".join(("--sbom",) * self.sbom + ("--provenance",) * self.provenance)


def check_destination(wanted: Wanted, goal: Destination) -> None:
    """UsageError where an image goes to something that cannot hold it together with statements."""
    hint = "push it, or write it with --output oci-dir=PATH or --output oci-archive=PATH"
    if goal.kind in ("docker", "docker-archive"):
        where = "a container engine" if goal.kind == "docker" else "a Docker archive"
        raise UsageError(
            f"{wanted.options}: the image becomes an index with what is attached to it, and {where} takes an image "
            "alone",
            hint=f"{hint}; `envbuild sbom NAME` tells what an image without attachments consists of",
        )


def statements(
    wanted: Wanted,
    plan: Plan,
    *,
    base: Base,
    lock: Lock,
    job: Job,
    fetch: Callable[[Sequence[str]], None],
    created: str,
    unseen: Sequence[tuple[str, Layer]] = (),
) -> tuple[Statement, ...]:
    """The statements about the image of `plan`; `created` is an RFC 3339 time or empty.

    `unseen` are the titles and the layers that nobody looked into.
    """
    from .attesting.attestations import Statement

    found: list[Statement] = []
    job.progress.start("attest")
    if wanted.sbom:
        from .attesting import cyclonedx, spdx
        from .attesting.inventory import planned_inventory

        inventory = planned_inventory(plan, lock=lock, base=base, store=job.store, fetch=fetch, created=created)
        found.append(Statement(predicate_type=cyclonedx.PREDICATE, predicate=cyclonedx.cyclonedx(inventory)))
        found.append(Statement(predicate_type=spdx.PREDICATE, predicate=spdx.spdx(inventory)))
    if wanted.provenance:
        from .attesting.provenance import PREDICATE, provenance

        told = provenance(plan, lock=lock, base=base, options=job.options, unseen=unseen, created=created)
        found.append(Statement(predicate_type=PREDICATE, predicate=told))
    job.progress.done("attest", Summary(count=len(found), noun="statements"))
    return tuple(found)
