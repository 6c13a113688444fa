"""What credentials look like: tokens and keys that name their own kind by how they begin.

Only shapes that their issuers document are listed, so that no other text is taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..patterns import pattern
from ..records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of credential. `mark` stands in every text that holds one, and is quickly looked for."""

    kind: str
    mark: str
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A credential found: its kind, and where it stands in the text. Its value is kept nowhere."""

    kind: str
    start: int
    end: int


def _shape(kind: str, mark: str, expression: str) -> Shape:
    return Shape(kind=kind, mark=mark, expression=pattern(expression))


# Between the lines of a key: ends of lines, also as escapes, and the quotes of a literal for each line.
_BREAKS = r"(?:\\[nr]|[\s\"'+,\\]){1,40}"
_FIELDS = r"(?:[A-Z][A-Za-z-]{2,20}: ?[\w,.() -]{1,80}" + _BREAKS + r"){0,4}"
SHAPES = (
    # With what lies behind its head: a program may well look for the head alone.
    _shape(
        "a private key",
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        + _BREAKS
        + _FIELDS
        + r"[A-Za-z0-9+/]{40}[^\s\"']*",
    ),
    _shape("an AWS access key", "AKIA", r"(?<![A-Z0-9])AKIA[A-Z2-7]{16}(?![A-Z0-9])"),
    _shape("a GitHub token", "gh", r"(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{36,251}(?![A-Za-z0-9])"),
    _shape("a GitHub token", "github_pat_", r"(?<!\w)github_pat_[A-Za-z0-9_]{82}(?!\w)"),
    _shape("a GitLab token", "glpat-", r"(?<!\w)glpat-[\w-]{20,64}"),
    _shape("a key of an Azure storage account", "AccountKey=", r"(?<=AccountKey=)[A-Za-z0-9+/]{86}=="),
    _shape("a shared access key of Azure", "SharedAccessKey=", r"(?<=SharedAccessKey=)[A-Za-z0-9+/]{43}="),
    _shape("a Databricks token", "dapi", r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}(?:-[0-9])?(?![A-Za-z0-9])"),
    _shape("a Hugging Face token", "hf_", r"(?<![A-Za-z0-9])hf_[A-Za-z]{34}(?![A-Za-z0-9])"),
    _shape("an OpenAI key", "T3BlbkFJ", r"(?<!\w)sk-[\w-]{16,128}T3BlbkFJ[\w-]{16,128}"),
    _shape("an Anthropic key", "sk-ant-", r"(?<!\w)sk-ant-[a-z0-9]+-[\w-]{80,128}"),
    _shape("a Google API key", "AIza", r"(?<!\w)AIza[\w-]{35}(?!\w)"),
    _shape("a Slack token", "xox", r"(?<!\w)xox[abeprs]-[0-9A-Za-z-]{20,250}"),
    _shape("a PyPI token", "pypi-AgEIcHlwaS5vcmc", r"(?<!\w)pypi-AgEIcHlwaS5vcmc[\w-]{50,250}"),
    _shape("an npm token", "npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)"),
)
# Of a made-up value, like `hf_xxxx...`, the characters repeat.
_MIN_VARIETY = 8


def secrets_in(text: str) -> Iterator[Secret]:
    """The credentials in `text`, by kind and then by place. Values of examples are passed over."""
    for shape in SHAPES:
        if shape.mark not in text:
            continue
        for found in shape.expression.finditer(text):
            value = found[0]
            example = value.endswith("EXAMPLE") or len(set(value.removeprefix(shape.mark))) < _MIN_VARIETY
            if not example:
                yield Secret(kind=shape.kind, start=found.start(), end=found.end())
