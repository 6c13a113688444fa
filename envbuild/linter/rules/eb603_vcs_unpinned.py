"""EB603: a requirement that is a source repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.redact import redact
from ...model.types import Model
from ..base import BaseRule
from ..sources import Source, placed
from ..types import Finding, Target

_COMMIT = re.compile(r"@[0-9a-f]{40}(?:$|[#?])")


class VcsUnpinned(BaseRule):
    """A requirement is a source repository, at no commit or at all.

    *What it does*: looks for `git+https://...` and its like, and whether a whole commit is named. With `--target azure`
    only a missing commit is a finding, and a warning.

    *Why it breaks*: a branch or a tag gives other code in each build. And a repository is no wheel: its build code
    would run, with git, a compiler and the network, which envbuild does not do.

    *Example*: `- git+https://github.com/me/mylib.git@main`.

    *Use instead*: a wheel of that commit, on an index or in a folder that UV_FIND_LINKS names: `- mylib==1.2`.

    *Source*: pip, "VCS Support"; conda/conda-lock issue 4.
    """

    code = "EB603"
    name = "vcs-unpinned"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such line."""
        for source, spans in placed(model, target, "repository"):
            pinned = _COMMIT.search(source.address) is not None
            if target.azure and pinned:
                continue
            shown = redact(source.address)
            why = (
                "is a source repository, which would have to be built"
                if pinned
                else f"is a source repository at {_revision(source)}: each build takes what is there by then"
            )
            yield self.finding(
                f"{shown!r} {why}",
                hint="name the commit, all 40 digits of it, or better a wheel"
                if target.azure
                else "build a wheel of the commit (`pip wheel --no-deps`), put it on your index or into a folder that "
                "UV_FIND_LINKS names, and list it as name==version",
                spans=spans,
                severity="warning" if target.azure else "error",
            )


def _revision(source: Source) -> str:
    path = source.bare.partition("://")[2].partition("/")[2]
    _, at, revision = path.rpartition("@")
    return f"{redact(revision)[:40]!r}, which can move" if at and revision else "no commit"
