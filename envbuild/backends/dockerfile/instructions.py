"""The instructions of a Dockerfile with their lines, so that what a builder says can be traced to the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...patterns import pattern

_FROM = pattern(r"(?i)FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?")
_HEREDOC = pattern(r"<<(-?)[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?")
_ESCAPE = pattern(r"(?i)#\s*escape\s*=\s*(\S)")
_DIRECTIVE = pattern(r"#\s*[A-Za-z]+\s*=")
_COUNTED = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: the `line` it starts at (from 1), its text on one line, and where it stands.

    `stage` is the stage's name as BuildKit calls it (`packages`, `stage-2`), empty before the first; `parent` what
    the stage is made from; `number` is its place among the stage's steps as BuildKit counts them, 0 for what is none.
    """

    line: int
    text: str
    stage: str = ""
    parent: str = ""
    number: int = 0

    @property
    def keyword(self) -> str:
        """`RUN` of `RUN ["/bin/x"]`."""
        return self.text.partition(" ")[0].upper()


def instructions(dockerfile: str) -> tuple[Instruction, ...]:
    """Every instruction of `dockerfile`, in order."""
    found: list[Instruction] = []
    stages: set[str] = set()
    stage = parent = ""
    number = 0
    for line, text in _joined(dockerfile.splitlines()):
        keyword = text.partition(" ")[0].upper()
        place = 0
        if keyword == "FROM":
            match = _FROM.match(text)
            parent, name = (match[1], match[2] or "") if match else ("", "")
            stage = name.lower() or f"stage-{sum(i.keyword == 'FROM' for i in found)}"
            # Only an image from outside is a step of its own.
            number = 0 if parent.lower() in stages or parent == "scratch" else 1
            stages.add(stage)
            place = number
        elif keyword in _COUNTED and stage:
            number += 1
            place = number
        found.append(Instruction(line=line, text=text, stage=stage, parent=parent, number=place))
    return tuple(found)


def last_stage(found: Sequence[Instruction]) -> list[Instruction]:
    """The instructions that make the image itself, through all stages that it is made from; no FROM among them."""
    chain: list[Instruction] = []
    stage = found[-1].stage if found else ""
    while stage:
        own = [i for i in found if i.stage == stage]
        chain = [i for i in own if i.keyword != "FROM"] + chain
        parent = own[0].parent.lower()
        stage = parent if parent != stage and any(i.stage == parent for i in found) else ""
    return chain


def _joined(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Each instruction on one line, without comments, with the number of its first line."""
    escape = "\\"
    for raw in lines:
        if not _DIRECTIVE.match(raw):
            break
        if match := _ESCAPE.match(raw):
            escape = match[1]
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    begun = 0
    numbered = iter(enumerate(lines, 1))
    for number, raw in numbered:
        text = raw.strip()
        if text.startswith("#") or not text:
            continue
        begun = begun or number
        if text.endswith(escape):
            parts.append(text[:-1].strip())
            continue
        parts.append(text)
        joined = " ".join(part for part in parts if part)
        found.append((begun, joined))
        parts, begun = [], 0
        if joined.partition(" ")[0].upper() in ("RUN", "COPY", "ADD"):
            for tabs, word in _HEREDOC.findall(joined):
                for _, body in numbered:
                    if (body.lstrip("\t") if tabs else body) == word:
                        break
    if parts:
        found.append((begun, " ".join(part for part in parts if part)))
    return found
