"""EB206: a pip or setuptools that does not run on the model's Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import yaml

from ...model.document import Document, items, lookup
from ...model.requirement import InvalidRequirementError, parse_requirement
from ...model.texts import UnreadableError
from ...model.types import Model, Span
from ...records import dataclass
from ..base import BaseRule
from ..condaspec import conda_range
from ..editing import may_edit, replaced
from ..pins import Pins, python_of
from ..pythons import first_working
from ..types import Edit, Finding, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    """A line that asks for pip or setuptools: as written, its range, and the line without the range."""

    name: str
    text: str
    specifier: str
    span: Span

    @property
    def bare(self) -> str:
        """The line without its range: `conda-forge::pip` of `conda-forge::pip<=21.3`."""
        return self.text[: self.text.index(self.name) + len(self.name)]


class PipTooOldForPython(BaseRule):
    """The range of pip or setuptools holds no version that runs on the model's Python.

    *What it does*: with Python 3.12 or newer, looks at pip and setuptools among the conda packages, in the pip list and
    in python_env.yaml's `build_dependencies`: a range that ends before pip 23.1.2 or setuptools 66.1.

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
        python = python_of(model, target)
        for name, row in first_working(python).items():
            tools = [tool for tool in _tools(model, name) if _too_old(model, tool, row["version"])]
            if not tools:
                continue
            edits = [replaced(model, tool.span, tool.text, tool.bare, drops=(tool.text,)) for tool in tools]
            fixable = may_edit(model) and None not in edits
            made: list[Edit] = [edit for edit in edits if edit is not None] if fixable else []
            conda = any(tool.span.file in model.environment.files[:1] for tool in tools)
            yield self.finding(
                f"{tools[0].text} cannot run on Python {python}: {name} {row['version']} is the first that does",
                hint=("--fix drops the range" if made else f"write `{name}`") + f"; {row['why']}",
                spans=[tool.span for tool in tools],
                edits=made,
                severity="error" if target.azure and conda else "warning",
            )


def _too_old(model: Model, tool: _Tool, version: str) -> bool:
    return Pins(name=tool.name, model=model, specifiers=(tool.specifier,)).below(version)


def _tools(model: Model, name: str) -> Iterator[_Tool]:
    """Every line of the environment files that asks for that tool, each once."""
    seen: set[Span] = set()
    for environment in (model.environment, *model.others):
        found = [_Tool(name=name, text=d.text, specifier=conda_range(d.text), span=d.span) for d in environment.conda]
        found = [tool for tool, dependency in zip(found, environment.conda, strict=True) if dependency.name == name]
        found += [
            _Tool(name=name, text=r.text, specifier=r.specifier, span=r.span)
            for r in environment.pip
            if r.name == name and not r.url and not r.marker
        ]
        for file in environment.files:
            if environment.source == "python_env.yaml" and file == environment.files[0]:
                found += _built_with(model, file, name)
        yield from (tool for tool in found if tool.span not in seen and name in tool.text)
        seen |= {tool.span for tool in found}


def _at(span: Span) -> Callable[[int, int], Span]:
    return lambda _start, _end: span


def _built_with(model: Model, file: str, name: str) -> Iterator[_Tool]:
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
            yield _Tool(name=name, text=requirement.text, specifier=requirement.specifier, span=span)
