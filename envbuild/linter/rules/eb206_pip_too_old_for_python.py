"""EB206: a pip or setuptools that does not run on the model's Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import yaml

from ...model.condaspec import conda_range
from ...model.document import Document, items, lookup
from ...model.requirement import InvalidRequirementError, parse_requirement
from ...model.texts import UnreadableError
from ...model.types import Environment, Model, Span
from ...records import dataclass
from ..base import BaseRule
from ..editing import may_edit, replaced
from ..hashes import hashed
from ..pins import Pins, python_of
from ..pythons import first_working
from ..types import Edit, Finding, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    """A line that asks for pip or setuptools: as written, its range, and the Python that its file is for."""

    name: str
    text: str
    specifier: str
    span: Span
    python: str

    @property
    def bare(self) -> str:
        """The line without its range: `conda-forge::pip` of `conda-forge::pip<=21.3`."""
        return self.text[: self.text.index(self.name) + len(self.name)]


class PipTooOldForPython(BaseRule):
    """The range of pip or setuptools holds no version that runs on the model's Python.

    *What it does*: with Python 3.12 or newer, looks at pip and setuptools among the conda packages, in the pip list and
    in python_env.yaml's `build_dependencies`: a range that ends before pip 23.1.2 or setuptools 66.1. Each file is
    judged by the Python that it names itself.

    *Why it breaks*: those call `pkgutil.ImpImporter`, which Python 3.12 no longer has, so the environment is made and
    its pip then stops at the first package. envbuild's image is not affected, since nothing is installed inside of it;
    conda, MLflow's virtualenv and Azure ML are.

    *Example*: `- python=3.12.3` and `- pip<=22.3` in a conda.yaml whose Python was changed by hand.

    *Use instead*: `- pip`. `--fix` drops the range, never the line: `pip<=23.1.2`, as MLflow writes it, is fine.

    *Source*: pypa/pip issues 12358 and 12416; What's New In Python 3.12.
    """

    code = "EB206"
    name = "pip-too-old-for-python"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each of the two tools."""
        too_old: dict[str, dict[Span, _Tool]] = {}
        for tool in _tools(model, target):
            if _too_old(model, tool, first_working(tool.python)[tool.name]["version"]):
                too_old.setdefault(tool.name, {}).setdefault(tool.span, tool)
        with_hash = {span for environment in (model.environment, *model.others) for span in hashed(environment)}
        for name, by_span in too_old.items():
            tools, row = list(by_span.values()), first_working(next(iter(by_span.values())).python)[name]
            locked = not with_hash.isdisjoint(by_span)
            edits = [replaced(model, tool.span, tool.text, tool.bare, drops=(tool.text,)) for tool in tools]
            # Without its version a line with hashes is refused.
            fixable = may_edit(model) and None not in edits and not locked
            made: list[Edit] = [edit for edit in edits if edit is not None] if fixable else []
            hint = f"pin {name} from {row['version']} on, with its hashes" if locked else f"write `{name}`"
            conda = any(tool.span.file in model.environment.files[:1] for tool in tools)
            yield self.finding(
                f"{tools[0].text} cannot run on Python {tools[0].python}: "
                f"{name} {row['version']} is the first that does",
                hint=("--fix drops the range" if made else hint) + f"; {row['why']}",
                spans=list(by_span),
                edits=made,
                severity="error" if target.azure and conda else "warning",
            )


def _too_old(model: Model, tool: _Tool, version: str) -> bool:
    return Pins(name=tool.name, model=model, specifiers=(tool.specifier,)).below(version)


def _tools(model: Model, target: Target) -> Iterator[_Tool]:
    """Every line of the environment files that asks for a tool of which old versions do not run on their Python."""
    for environment in (model.environment, *model.others):
        own = environment.python.minor if environment.python is not None and not target.python else ""
        python = own or python_of(model, target)
        for name in first_working(python):
            yield from (tool for tool in _of(model, environment, name, python) if name in tool.text)


def _of(model: Model, environment: Environment, name: str, python: str) -> Iterator[_Tool]:
    for d in environment.conda:
        if d.name == name:
            yield _Tool(name=name, text=d.text, specifier=conda_range(d.text), span=d.span, python=python)
    for r in environment.pip:
        if r.name == name and not r.url and not r.marker:
            yield _Tool(name=name, text=r.text, specifier=r.specifier, span=r.span, python=python)
    if environment.source == "python_env.yaml":
        yield from _built_with(model, environment.files[0], name, python)


def _at(span: Span) -> Callable[[int, int], Span]:
    return lambda _start, _end: span


def _built_with(model: Model, file: str, name: str, python: str) -> Iterator[_Tool]:
    try:
        document = Document(file, model.texts.get(file, ""))
    except UnreadableError:
        return
    for item in items(lookup(document.root, "build_dependencies")):
        if not isinstance(item, yaml.ScalarNode):
            continue
        span = document.span(item)
        try:
            requirement = parse_requirement(item.value.strip(), _at(span))
        except InvalidRequirementError:
            continue
        if requirement.name == name:
            yield _Tool(name=name, text=requirement.text, specifier=requirement.specifier, span=span, python=python)
