"""What one run of the linter found, in one or several models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from ...model.types import Model, Span
from ...records import dataclass
from ..types import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A model that could not be looked at, or for which --fix or --resolve failed, and why."""

    name: str
    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A model that the rules looked at.

    `name` is what the person called it, `base` its folder as seen from the working directory (empty where that is the
    folder itself), or its address. `outside` are the files that spans name and that do not lie in the model, with their
    texts. `cut_short` says why --fix or --resolve failed where one did: the findings are those without it.
    """

    name: str
    model: Model
    findings: tuple[Finding, ...]
    base: str = ""
    outside: Mapping[str, str] = field(default_factory=dict)
    cut_short: Unread | None = None

    @classmethod
    def of(cls, model: Model, findings: Sequence[Finding]) -> Checked:
        """A model that nobody named: its folder is told from the working directory, and what lies outside of it too."""
        base = model.uri or os.path.relpath(model.root)
        own = {"MLmodel", *model.texts, *(f.path for f in model.files), *(left.path for left in model.left_out)}
        outside = {span.file: "" for finding in findings for span in finding.spans if span.file not in own}
        return cls(name=base, model=model, findings=tuple(findings), base="" if base == "." else base, outside=outside)

    def path(self, file: str) -> str:
        """The path that opens a file of a span from the working directory."""
        given = self.model.environment.files if self.model.environment.source == "given" else ()
        if not self.base or file in given or file in self.outside or self.is_no_file(file):
            return file
        return f"{self.base.rstrip('/')}/{file}"

    def is_no_file(self, file: str) -> bool:
        """Whether what a span names is no file at all, as `--requirement` and `<stdin>`: no service can show it."""
        return file.startswith(("--", "<")) and all(file != each.path for each in self.model.files)

    def text(self, file: str) -> str | None:
        """The text of a file of a span; None where it is not known."""
        return self.model.texts.get(file) or self.outside.get(file)

    def readable_first(self, finding: Finding) -> list[Span]:
        """The places of a finding, those in files with lines first: for who shows one place alone."""
        return sorted(finding.spans, key=lambda span: self.text(span.file) is None)

    def place(self, span: Span) -> str:
        """`models/forest/conda.yaml:5:3`."""
        return f"{self.path(span.file)}:{span.line}:{span.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The models of one run, in the order in which they were named, and the version of envbuild that looked at them."""

    results: tuple[Checked | Unread, ...]
    version: str = ""

    @classmethod
    def of(cls, model: Model, findings: Sequence[Finding]) -> Report:
        """The report on one model."""
        return cls(results=(Checked.of(model, findings),))

    @property
    def checked(self) -> list[Checked]:
        """The models that were looked at."""
        return [result for result in self.results if isinstance(result, Checked)]

    @property
    def unread(self) -> list[Unread]:
        """Why some models could not be looked at, or not as it was asked for."""
        reasons = [result if isinstance(result, Unread) else result.cut_short for result in self.results]
        return [reason for reason in reasons if reason is not None]

    def findings(self) -> Iterator[tuple[Checked, Finding]]:
        """Every finding with its model."""
        for result in self.checked:
            for finding in result.findings:
                yield result, finding

    def counts(self) -> dict[str, int]:
        """How many findings: by severity, and how many have a safe and an unsafe fix."""
        found = dict.fromkeys(("error", "warning", "info", "fixable", "unsafe"), 0)
        for _, finding in self.findings():
            found[finding.severity] += 1
            if finding.edits:
                found["fixable" if finding.safe else "unsafe"] += 1
        return found

    @property
    def exit_code(self) -> int:
        """0 where no finding is an error, 1 where one is.

        The first unread model's code where there is one: then the findings are not the whole answer.
        """
        if self.unread:
            return self.unread[0].exit_code
        return 1 if any(finding.severity == "error" for _, finding in self.findings()) else 0


def below(path: str, top: str) -> str:
    """`path` as seen from the folder `top`, both from the working directory, as a POSIX path; empty if it lies outside.

    Links count as the person wrote them, and are followed only where that leads out.
    """
    for follow in (os.path.abspath, os.path.realpath):
        relative = os.path.relpath(follow(path), follow(top))
        if relative != ".." and not relative.startswith("../"):
            return Path(relative).as_posix()
    return ""
