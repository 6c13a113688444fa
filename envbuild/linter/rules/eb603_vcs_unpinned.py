"""EB603: a requirement that is a source repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.redact import redact
from ...model.requirement import canonical_name
from ...model.types import Model
from ..base import BaseRule
from ..sources import Source, placed
from ..types import Finding, Target

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:$|[#?])")


class VcsUnpinned(BaseRule):
    """A requirement is a source repository, at no commit or at all.

    *What it does*: looks for `git+https://...` and its like, and whether a whole commit is named. With `--target azure`
    only a missing commit is a finding, and a warning; so it is for a package that `--allow-build` names.

    *Why it breaks*: a branch or a tag gives other code in each build. And a repository is no wheel: its build code has
    to run. envbuild runs it for `--allow-build NAME` alone, in a sandbox without network, credentials and home.

    *Example*: `- git+https://github.com/me/mylib.git@main`.

    *Use instead*: a wheel of that commit, on an index or in a folder that `--find-links` names: `- mylib==1.2`; or the
    commit with all its digits, and `--allow-build mylib`.

    *Source*: pip, "VCS Support"; conda/conda-lock issue 4.
    """

    code = "EB603"
    name = "vcs-unpinned"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such line."""
        for source, spans in placed(model, target, "repository"):
            pinned = _COMMIT.search(source.address) is not None
            allowed = not target.azure and _allowed(source, target)
            if (target.azure or allowed) and pinned:
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
                if target.azure or allowed
                else f"{_naming(source)}--allow-build {_name(source) or 'NAME'} builds it in a sandbox, if git has it; "
                "or build a wheel "
                "of the commit (`pip wheel --no-deps`), put it on your index or into a folder that --find-links names, "
                "and list it as name==version",
                spans=spans,
                severity="warning" if target.azure or allowed else "error",
            )


def _allowed(source: Source, target: Target) -> bool:
    """Whether `--allow-build` has it built. One of this machine has to be named."""
    name = _name(source)
    local = source.address.lower().startswith("git+file:")
    return (
        source.address.lower().startswith("git+")
        and bool(name)
        and (name in target.allow_build or ("all" in target.allow_build and not local))
    )


def _name(source: Source) -> str:
    """The canonical name of the package, empty where nothing says it."""
    found = source.requirement.name if source.requirement else ""
    if not found and (egg := _EGG.search(source.address)):
        found = egg[1]
    return canonical_name(found) if found else ""


def _naming(source: Source) -> str:
    """How a repository of git without the name of its package gets one; empty for any other."""
    if _name(source) or not source.address.lower().startswith("git+"):
        return ""
    shown = redact(source.address)
    return f"write NAME @ {shown}, or add {'&' if '#' in shown else '#'}egg=NAME to it; "


def _revision(source: Source) -> str:
    path = source.bare.partition("://")[2].partition("/")[2]
    _, at, revision = path.rpartition("@")
    return f"{redact(revision)[:40]!r}, which can move" if at and revision else "no commit"
