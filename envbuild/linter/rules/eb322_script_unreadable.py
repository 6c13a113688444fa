"""EB322: the scoring script is no Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..pins import python_of, release
from ..types import Finding, Target


class ScriptUnreadable(BaseRule):
    """The scoring script is not valid Python.

    *What it does*: parses the script. For an image with a newer Python than the one that runs envbuild this is a
    warning: it may be new syntax.

    *Why it breaks*: the server imports the script when it starts, and ends at the SyntaxError.

    *Example*: `def run(raw_data)` without its colon.

    *Use instead*: what `python -m py_compile score.py` takes.

    *Source*: the Python language reference, full grammar specification.
    """

    code = "EB322"
    name = "script-unreadable"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, at the line and column of the error."""
        problem = target.script.problem if target.script is not None else None
        if problem is None or problem.span is None:
            return
        if target.script is not None and target.script.beyond:
            yield self.finding(
                f"the scoring script is not looked into: {problem.message}",
                hint="nothing is known of its init() and run(), nor of what it imports",
                spans=[problem.span],
                severity="warning",
            )
            return
        here = ".".join(map(str, sys.version_info[:2]))
        newer = release(python_of(model, target)) > release(here)
        yield self.finding(
            f"the scoring script cannot be read by Python {here}: {problem.message}"
            if newer
            else f"the scoring script is not valid Python: {problem.message}",
            hint="mend the line; no server can load the script as it is" if not newer else "",
            spans=[problem.span],
            severity="warning" if newer else "error",
        )
