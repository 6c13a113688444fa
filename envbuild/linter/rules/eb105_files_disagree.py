"""EB105: the model's environment files say different things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.condaspec import conda_range
from ...model.reading import ADDED
from ...model.redact import redact
from ...model.requirement import canonical_name, version_range
from ...model.types import Environment, Model, PythonPin, Requirement, Span
from ..base import BaseRule
from ..types import Finding, Target

_SHOWN = 10
_SPANS = 20
# MLflow writes pip into conda.yaml alone.
_NOT_COMPARED = frozenset({"pip"})


class FilesDisagree(BaseRule):
    """conda.yaml, python_env.yaml and requirements.txt list different packages, or another Python.

    *What it does*: compares the file that counts with each of the others: the names and version ranges of the pip
    packages, and the Python version, which agrees with a range that holds it. A conda package counts as listed.

    *Why it breaks*: which file is read depends on the tool. Azure ML and envbuild read conda.yaml; MLflow's virtualenv
    and uv environments read python_env.yaml and requirements.txt. The same model then runs with other packages, or
    stops at an import in one of the places.

    *Example*: azureml-inference-server-http added to conda.yaml by hand, and not to requirements.txt.

    *Use instead*: the same lines in both files.

    *Source*: MLflow, `mlflow.utils.environment` and `mlflow.utils.virtualenv`; SeldonIO/seldon-core issue 4332.
    """

    code = "EB105"
    name = "files-disagree"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most two findings for each file that does not count: its packages, its Python."""
        main = model.environment
        for other in model.others:
            yield from self._packages(main, other)
            yield from self._python(main, other)

    def _packages(self, main: Environment, other: Environment) -> Iterator[Finding]:
        # What --requirement adds to this build stands in no file, and is meant to.
        ours, theirs = _by_name([r for r in main.pip if r.span.file != ADDED]), _by_name(other.pip)
        conda = {canonical_name(d.name) for d in main.conda} | {canonical_name(d.name) for d in other.conda}
        lacks = [name for name in ours if name not in theirs and name not in conda]
        more = [name for name in theirs if name not in ours and name not in conda]
        differ = [name for name in ours if name in theirs and _said(ours[name]) != _said(theirs[name])]
        if not (lacks or more or differ):
            return
        here = main.files[0]
        there = other.pip[0].span.file if other.pip else other.files[-1]
        parts = [f"{there} lacks {_list(lacks)}"] if lacks else []
        parts += [f"{there} lists {_list([_text(theirs[name]) for name in more])} more"] if more else []
        pairs = [f"{_text(theirs[name])} for {_text(ours[name])}" for name in differ]
        parts += [f"{there} has {_list(pairs)}"] if pairs else []
        requirements = [r for name in (*lacks, *differ) for r in ours[name]]
        requirements += [r for name in (*more, *differ) for r in theirs[name]]
        yield self.finding(
            f"{here}, which counts, and {there} disagree: {'; '.join(parts)}",
            hint=f"write the same packages into both: MLflow's own environments are made from {there}",
            spans=[r.span for r in requirements][:_SPANS],
        )

    def _python(self, main: Environment, other: Environment) -> Iterator[Finding]:
        ours, theirs = main.python, other.python
        if ours is None or theirs is None or _agree(ours, theirs):
            return
        spans: list[Span] = [ours.span, theirs.span]
        yield self.finding(
            f"{ours.span.file}, which counts, asks for Python {ours.text}, and {theirs.span.file} for {theirs.text}",
            hint="write the version that logged the model into both",
            spans=spans,
        )


def _by_name(requirements: Sequence[Requirement]) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        if requirement.name not in _NOT_COMPARED:
            found.setdefault(requirement.name, []).append(requirement)
    return found


def _said(requirements: Sequence[Requirement]) -> set[tuple[str, tuple[str, ...], str, str]]:
    return {(r.specifier, r.extras, r.marker, r.url) for r in requirements}


def _text(requirements: Sequence[Requirement]) -> str:
    return " and ".join(redact(r.text)[:80] for r in requirements[:3])


def _list(texts: Sequence[str]) -> str:
    rest = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {rest} others" if rest > 0 else "")


def _agree(one: PythonPin, other: PythonPin) -> bool:
    """Whether one version fits both, as far as they are told: `3.11` and `3.11.7` agree, `>=3.10` and `3.11.7` too."""
    if one.text == other.text:
        return True
    texts = (pin.text.strip().lstrip("=").strip() for pin in (one, other))
    first, second = (version_range(conda_range(f"python={t}" if t[:1].isdecimal() else f"python{t}")) for t in texts)
    return first is None or second is None or not first.is_disjoint(second)
