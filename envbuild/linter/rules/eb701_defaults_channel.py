"""EB701: Anaconda's own channels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.redact import redact
from ...model.types import Line, Model
from ..base import BaseRule
from ..conda_lines import TOOLS, channel_of, python_lines
from ..editing import may_edit, replaced
from ..types import Edit, Finding, Target

_NAMES = frozenset({"defaults", "anaconda", "main", "r", "msys2", "pkgs/main", "pkgs/r", "pkgs/msys2", "free"})
_ADDRESS = re.compile(r"https?://repo\.(?:anaconda\.com|continuum\.io)(?:/|$)", re.IGNORECASE)


class DefaultsChannel(BaseRule):
    """conda.yaml takes packages from Anaconda's own channels.

    *What it does*: looks for `defaults`, `anaconda`, `main`, `r` and repo.anaconda.com among the channels, and in front
    of a package (`defaults::numpy`).

    *Why it breaks*: Anaconda's terms ask larger organisations for a paid licence, builds without one are blocked, and
    conda stops until the terms are accepted. MLflow wrote `defaults` into its models before version
    1.19.

    *Example*: `channels: [defaults]`.

    *Use instead*: `channels: [conda-forge, nodefaults]`, which `--fix` writes.

    *Source*: Anaconda, "Terms of Service"; mlflow/mlflow pull requests 4919 and 5037; nf-core/tools pull request 3241.
    """

    code = "EB701"
    name = "defaults-channel"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding for the channels, and one for the packages that name such a channel."""
        environment = model.environment
        channels = [line for line in environment.channels if _is_anacondas(line.text)]
        hint = "use conda-forge, and nodefaults so that nothing is taken from Anaconda's channels unasked"
        if channels:
            names = ", ".join(dict.fromkeys(redact(line.text) for line in channels))
            yield self.finding(
                f"the channel{'s' if len(channels) > 1 else ''} {names} need{'s' if len(channels) == 1 else ''} a "
                "licence of Anaconda in larger organisations",
                hint=hint,
                spans=[line.span for line in channels],
                edits=_edits(model, channels),
                # Where conda installs more than Python, another channel means other builds.
                safe=all(dependency.name in TOOLS for dependency in environment.conda),
            )
        lines = [(d.name, d.text, d.span) for d in environment.conda]
        lines += [("python", text, span) for text, span in python_lines(model)]
        packages = sorted((line for line in lines if _is_anacondas(channel_of(line[1]))), key=lambda line: line[2].line)
        if packages:
            yield self.finding(
                f"Anaconda's own channels, which {', '.join(name for name, _, _ in packages[:5])} would come from, "
                "need a licence in larger organisations",
                hint=hint,
                spans=[span for _, _, span in packages],
            )


def _is_anacondas(channel: str) -> bool:
    return channel.lower().strip("/") in _NAMES or _ADDRESS.match(channel) is not None


def _edits(model: Model, channels: list[Line]) -> tuple[Edit, ...]:
    """conda-forge for the first of them unless it is there already, nodefaults for the others."""
    if not may_edit(model):
        return ()
    there = {line.text for line in model.environment.channels}
    wanted = [name for name in ("conda-forge", "nodefaults") if name not in there]
    edits: list[Edit | None] = []
    for line in channels:
        edits.append(replaced(model, line.span, line.text, wanted.pop(0) if wanted else "nodefaults"))
    return tuple(edit for edit in edits if edit is not None) if None not in edits else ()
