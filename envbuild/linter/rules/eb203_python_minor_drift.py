"""EB203: another Python than the one that logged the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.types import Model, Pickle, Span
from ..base import BaseRule
from ..pickled import is_loaded, spans_of_pickles, title
from ..pins import python_of, release
from ..types import Finding, Target


class PythonMinorDrift(BaseRule):
    """The image's Python is another minor version than the one that logged the model.

    *What it does*: compares the Python of this run (`--python`, else conda.yaml or python_env.yaml) with
    `python_version` in MLmodel, and looks whether the model's pickles hold code objects, and for their protocol. With
    code objects this is an error, unless `--python` asks for the other version.

    *Why it breaks*: cloudpickle stores functions and classes of a notebook as bytecode, which only the minor version
    that wrote it can run: others fail with a TypeError, a SystemError, or crash. Wheels and their answers differ, too.
    Python before 3.8 does not know pickle protocol 5.

    *Example*: `python_version: 3.9.13` in MLmodel and `- python=3.11` in conda.yaml.

    *Use instead*: the Python that logged the model, or log the model anew.

    *Source*: mlflow/mlflow issues 5419, 7635 and 288; cloudpickle, README; PEP 574.
    """

    code = "EB203"
    name = "python-minor-drift"
    severity = "warning"

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """One finding on the minor version, and one on the protocol."""
        wanted = python_of(model, target)
        if model.mlmodel is None or not wanted:
            return
        numbers = model.mlmodel.python_version.strip().split(".")
        recorded = ".".join(numbers[:2]) if len(numbers) > 1 and all(p.isdecimal() for p in numbers[:2]) else ""
        if recorded and recorded != wanted:
            yield self._drift(model, target, wanted, recorded, [p for p in pickles if p.code])
        newer = [p for p in pickles if p.protocol > 4 and is_loaded(model, p)]
        if newer and release(wanted) < (3, 8):
            yield self.finding(
                f"{title(newer[0])} is pickled by protocol 5, which Python {wanted} does not know",
                hint=f"use Python {recorded or '3.8'} or later, or log the model anew",
                spans=[*_python_spans(model), *spans_of_pickles(newer)],
                severity="error",
            )

    def _drift(self, model: Model, target: Target, wanted: str, recorded: str, coded: Sequence[Pickle]) -> Finding:
        message = f"the model was logged by Python {recorded}, and the image gets {wanted}"
        if coded:
            message += f": {title(coded[0])} holds bytecode that only {recorded} runs"
        certain = any(is_loaded(model, pickle) for pickle in coded) and not target.python
        return self.finding(
            message,
            hint=f"use --python {recorded}, or write python={recorded} where the environment says {wanted}"
            if not target.python
            else f"leave --python {target.python} out, or log the model anew with it",
            spans=[*_python_spans(model), *spans_of_pickles(coded)],
            severity="error" if certain else "warning",
        )


def _python_spans(model: Model) -> list[Span]:
    spans = [model.environment.python.span] if model.environment.python is not None else []
    key = "flavors.python_function.python_version"
    if model.mlmodel is not None and key in model.mlmodel.spans:
        spans.append(model.mlmodel.spans[key])
    return spans
