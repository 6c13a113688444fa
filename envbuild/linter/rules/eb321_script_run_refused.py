"""EB321: `init` or `run` of the scoring script cannot be called as the server calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model.types import Model
from ..base import BaseRule
from ..types import Finding, Target

if TYPE_CHECKING:
    from ...model.script import Function

# Decorators that leave the signature of what they wrap as it is; what any other makes of it is not known.
_SCHEMA = frozenset({"input_schema", "output_schema"})
_RAW = "rawhttp"


class ScriptRunRefused(BaseRule):
    """The server refuses the signature of `run`, or cannot call `init` or `run`.

    *What it does*: looks at the parameters and decorators of both functions. Functions with other decorators than those
    of inference-schema and `@rawhttp`, and those defined under a condition, are left aside.

    *Why it breaks*: the server reads the signature when it starts and ends at positional-only parameters, `*args` and
    `**kwargs`, at a `run` without a parameter for the data, and at `@rawhttp` together with `@input_schema`. A plain
    `run` is called with one argument, the body's text, so a second parameter without a default fails at each request;
    `init` is called with none. What an `async def` returns is awaited by nobody.

    *Example*: `def run(*args):` or `def run(data, threshold):`

    *Use instead*: `def run(raw_data):`, with defaults for further parameters, or `@input_schema` for each of them.

    *Source*: azureml-inference-server-http 1.5.1, `server/user_script.py` and `server/input_parsers.py`.
    """

    code = "EB321"
    name = "script-run-refused"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding for each of the two functions."""
        script = target.script
        if script is None:
            return
        init, run = script.function("init"), script.function("run")
        refused = _init_refused(init) if init is not None else ""
        if refused and init is not None:
            yield self.finding(refused, hint="write `def init():`", spans=[init.span])
        # With a driver module it is that module's `run` that is called.
        if run is None or "driver_module" in script.bound:
            return
        refused = _run_refused(run)
        if refused:
            yield self.finding(refused, hint="write `def run(raw_data):`", spans=[run.span])


def _init_refused(init: Function) -> str:
    if init.decorators:
        return ""
    if init.is_async:
        return "init() is asynchronous: the server does not await it, so nothing of it is done"
    needed = [p.name for p in init.parameters if not p.default]
    return f"init() is called without arguments, and needs {', '.join(needed)}" if needed else ""


def _run_refused(run: Function) -> str:
    raw, schema = _RAW in run.decorators, "input_schema" in run.decorators
    if set(run.decorators) - _SCHEMA - {_RAW}:
        return ""
    if any(p.kind in ("positional-only", "variable") for p in run.parameters):
        return "run() cannot accept positional-only arguments, *args, or **kwargs: the server ends at start"
    data = [p for p in run.parameters if p.name != "request_headers"]
    if not data:
        what = 'other than "request_headers"' if run.parameters else "for the input data"
        return f"run() needs an argument {what}: the server ends at start"
    if raw and schema:
        return "run() is decorated with both @rawhttp and @input_schema: the server ends at start"
    if run.is_async:
        return "run() is asynchronous: the server does not await it, so every request fails"
    more = [p.name for p in data[1:] if not p.default]
    if more and not schema:
        return f"run() is called with the body's text alone, and also needs {', '.join(more)}: every request fails"
    return ""
