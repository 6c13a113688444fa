"""EB320: the scoring script lacks a function that the server calls."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..types import Finding, Target


class ScriptWithoutFunctions(BaseRule):
    """The scoring script has no `init` or no `run`.

    *What it does*: looks in the script's syntax tree for both names, however they come to be there: as functions, by an
    import or by an assignment. A script with `from x import *` may have them from there.

    *Why it breaks*: the server loads the script, finds no such function and ends: "User script at score.py does not
    have a run() function defined."

    *Example*: a script that defines `def predict(data)` alone.

    *Use instead*: `def init():`, which loads the model, and `def run(raw_data):`, which answers one request.

    *Source*: azureml-inference-server-http 1.5.1, `server/user_script.py`.
    """

    code = "EB320"
    name = "script-without-functions"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, which names what is missing."""
        script = target.script
        if script is None or script.problem is not None or script.open:
            return
        missing = [f"{name}()" for name in ("init", "run") if name not in script.bound]
        if missing:
            yield self.finding(
                f"the scoring script defines no {' and no '.join(missing)}: the server ends when it loads it",
                hint="`def init():` loads the model once, `def run(raw_data):` answers each request",
                spans=[Span(file=script.file)],
            )
