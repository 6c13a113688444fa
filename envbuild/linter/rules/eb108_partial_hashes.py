"""EB108: hashes for some requirements, and none for the others."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Environment, Model, Requirement
from ..base import BaseRule
from ..hashes import hashed
from ..types import Finding, Target

_SPANS = 20


class PartialHashes(BaseRule):
    """Some requirements of a file carry `--hash`, and others do not.

    *What it does*: looks for `--hash` behind each requirement, in the file that counts and in those beside it.

    *Why it breaks*: one hash turns pip's hash-checking mode on for the whole file, and pip then refuses every
    requirement without one: "In --require-hashes mode, all requirements must have their hashes". envbuild's own image
    is not affected, since every wheel is locked by its hash; with `--target azure`, where pip reads the file, it is an
    error.

    *Example*: requirements.txt from a lock tool, to which one line was added by hand.

    *Use instead*: hashes for all lines (`uv pip compile --generate-hashes`, `pip-compile --generate-hashes`), or for
    none: envbuild locks and checks every wheel by its hash in any case.

    *Source*: pip, "Secure installs"; mlflow/mlflow issue 4886.
    """

    code = "EB108"
    name = "partial-hashes"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding for each environment."""
        for environment in (model.environment, *model.others):
            if not any(line.text.startswith("--hash") for line in environment.lines):
                continue
            bare = _without(environment)
            if not bare:
                continue
            names = ", ".join(r.name for r in bare[:5]) + (f" and {len(bare) - 5} others" if len(bare) > 5 else "")
            verb = "does" if len(bare) == 1 else "do"
            yield self.finding(
                f"some requirements carry hashes, and {names} {verb} not: pip refuses them",
                hint="give every line its hash, or none: envbuild locks and checks wheels by hash in any case",
                spans=[r.span for r in bare[:_SPANS]],
                severity="error" if target.azure and environment is model.environment else "warning",
            )


def _without(environment: Environment) -> list[Requirement]:
    with_hash = hashed(environment)
    # A hash among the constraints, or in an address, holds for the requirement too.
    names = {r.name for r in environment.constraints if r.span in with_hash}
    return [r for r in environment.pip if r.span not in with_hash and r.name not in names and "#sha" not in r.url]
