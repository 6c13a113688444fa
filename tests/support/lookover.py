"""Everything that envbuild does with a model's files before anything is resolved, in one call.

What comes out is findings or an EnvbuildError; anything else is a fault.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lintcases import Case, locked

from envbuild import Options, api
from envbuild.errors import EnvbuildError
from envbuild.linter import run, run_failure, run_lock
from envbuild.linter.fixes import preview
from envbuild.linter.render import FORMATS, Report, render
from envbuild.linter.types import Failure, Finding
from envbuild.model.pickles import scan
from envbuild.model.standalone import read_alone
from envbuild.model.types import Model
from envbuild.options import chosen

TARGETS = (
    Options(),
    Options(target="azure", strict=True),
    Options(server="envbuild", python="3.12"),
    Options(server="mlflow", inject=True),
)
"""What the models are judged for, in turn."""

# A lock of many packages that rules know something about, old and new, with a wheel for another platform.
PACKAGES = {
    "azureml-inference-server-http": "0.7.7",
    "azureml-ai-monitoring": "1.0.0",
    "flask": "2.2.2",
    "gunicorn": "20.1.0",
    "jinja2": "3.1.2",
    "lightgbm": "4.3.0",
    "mlflow-skinny": "2.9.2",
    "numpy": "2.4.6",
    "pandas": "2.1.1",
    "protobuf": "5.29.0",
    "scikit-learn": "1.9.1",
    "setuptools": "82.0.0",
    "torch": "2.1.0",
    "werkzeug": "3.0.0",
}
_EXPLANATION = """\
  x No solution found when resolving dependencies:
  `-> Because there is no version of numpy==1.0 and you require numpy==1.0, we can conclude that your requirements
      are unsatisfiable.
"""


def look(root: Path, *, script: Path | None = None, turn: int = 0) -> str:
    """Lint the folder for one of TARGETS, show fixes and findings; `findings`, or the name of the EnvbuildError."""
    try:
        options = chosen(TARGETS[turn % len(TARGETS)], scoring_script=script)
        model = api.load(root, options=options)
        findings = api.lint(model, options=options)
        _check_told(model, findings)
        # By far the most faults lie in reading and in the rules: the rest is done with some of the inputs.
        if turn % 5 == 0:
            _further(model, findings, options, turn)
        if turn % 3 == 0:
            preview(model, findings, unsafe=True)
    except EnvbuildError as error:
        return _told(error)
    return "findings" if findings else "nothing"


def look_alone(data: bytes, *, turn: int = 0) -> str:
    """The same for a conda.yaml without a model."""
    try:
        options = TARGETS[turn % len(TARGETS)]
        model = read_alone(data)
        findings = run(model, api.target(model, options))
        _further(model, findings, options, turn)
    except EnvbuildError as error:
        return _told(error)
    return "findings" if findings else "nothing"


def _check_told(model: Model, findings: list[Finding]) -> None:
    """No problem of the reader gets lost on the way."""
    problems = {problem.code for problem in model.problems}
    missing = problems - {finding.code for finding in findings}
    if missing and "EB001" not in problems:
        raise AssertionError(f"nothing tells of {', '.join(sorted(missing))}")


def _further(model: Model, findings: list[Finding], options: Options, turn: int) -> None:
    """What is done with findings, and what the later stages find."""
    target = api.target(model, options)
    pickles = scan(model)
    known = locked(
        Case(packages=PACKAGES, pickles=pickles, filenames={"lightgbm": "lightgbm-4.3.0-py3-none-win32.whl"})
    )
    later = run_lock(model, target, known, before=findings)
    failure = Failure(explanation=_EXPLANATION, python="3.11.7", platform="manylinux_2_36_x86_64")
    later = run_failure(model, target, failure, before=later)
    report = Report.of(model, later)
    text = render(report, FORMATS[turn % len(FORMATS)], color=turn % 2 == 0)
    text.encode("utf-8")


def _told(error: EnvbuildError) -> str:
    """The error's name. An error says what it is about, in one line."""
    if not error.message.strip() or len(error.message) > 2000:
        raise AssertionError(f"an error of {len(error.message)} characters") from error
    return type(error).__name__


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what happens inside takes more CPU time than this: the time of a machine without other work."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds, f"it took {took:.2f} s"
